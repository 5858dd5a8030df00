import { type Requirement, scenario } from "./requirement.ts";

/** What the wallet promises its users beyond the first sign-in and payment. */
export const walletRequirements: readonly Requirement[] = [
  {
    id: "pay-3",
    rule: "A policy that the user signed once approves the next payment to a shop they know: no window opens, and the receipt says that nobody was present.",
    shownBy: [scenario("auto-approve", "approves the next payment to a shop that was paid before, without a window and with nobody present")],
  },
  {
    id: "wallet-account-1",
    rule: "A person keeps the account at its own page: passkeys are added and removed with a fresh passkey, a recovery code leads back in, sessions are ended.",
    spec: "reference/security W07, W10, O38",
    shownBy: [
      scenario("wallet-account", "is made at its own page, gets a second passkey and a recovery code, and is recovered with it"),
      scenario("wallet-account", "lists its sessions, and ends one from another browser"),
      scenario("wallet-account", "has the time zone of the browser that it was made in"),
    ],
  },
  {
    id: "wallet-ceremony-1",
    rule: "Whoever cancels the passkey stands where they were, with what they typed, and may try again; a double press asks once.",
    spec: "reference/security W09",
    shownBy: [scenario("wallet-ceremony", "a passkey ceremony that the person cancels leads back to its page")],
  },
  {
    id: "wallet-pages-1",
    rule: "The wallet's pages are light, load nothing from elsewhere, run nothing that is written into them and stand in no frame.",
    spec: "reference/security O36, W06; CSP Level 3",
    shownBy: [
      scenario("wallet-looks", "weighs at most 30 kB a page and asks nobody else for anything"),
      scenario("wallet-looks", "O36 runs no inline script and no handler, and applies no inline style"),
      scenario("wallet-looks", "O36 W06 is never shown in a frame, of another site or of its own"),
    ],
  },
];
