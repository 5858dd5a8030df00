import { type Requirement, scenario } from "./requirement.ts";

/** What the kit and the widget library promise, each with the tests that show it. */
export const kitRequirements: readonly Requirement[] = [
  {
    id: "widget-lib-1",
    rule: "`callTool` climbs the host's ladder, says which rung it stands on, and never runs twice what may have run already.",
    shownBy: [
      { file: "packages/widget/test/climb.test.ts", title: "goes through an account link once the user has agreed" },
      { file: "packages/widget/test/climb.test.ts", title: "a host's Continue is the second rung" },
      { file: "packages/widget/test/climb.test.ts", title: "is not made again" },
      { file: "packages/widget/test/climb.test.ts", title: "is asked in the app's words" },
      { file: "packages/widget/test/approval.test.ts", title: "resolves with what the waiting tool brings" },
      scenario("widget-library", "says that the user declined, and asks the chat where there are no links"),
    ],
  },
  {
    id: "widget-lib-2",
    rule: "What a view waits for survives a reload where the host keeps its state, and no handle is in what the model reads.",
    shownBy: [
      { file: "packages/widget/test/climb.test.ts", title: "a link survives a reload" },
      { file: "packages/widget/test/approval.test.ts", title: "goes on waiting by itself" },
    ],
  },
  {
    id: "widget-lib-3",
    rule: "The hooks are safe in React's strict mode, and the panel can be read by everybody, by keyboard and screen reader, light and dark, at 360 px.",
    shownBy: [
      scenario("widget-library", "connects once from React's strict mode"),
      scenario("widget-library", "gives a hook the answer of its newest call"),
      scenario("widget-library", "shows link, code and QR code in its panel"),
      scenario("widget-library", "has a panel that everybody can read"),
    ],
  },
  {
    id: "protect-1",
    rule: "One policy in front of a server that was made without the kit does what an app of the kit does, on either version of the SDK, with and without sessions.",
    shownBy: [
      { file: "packages/kit/test/protect.test.ts", title: "M08 what the policy does not name is neither listed nor run" },
      {
        file: "packages/kit/test/protect.test.ts",
        title: "M08 a resource is as protected as its rule says, a view too, by whatever method it is reached",
      },
      { file: "packages/kit/test/protect.test.ts", title: "O24 neither the caller's token nor its proof reaches the server" },
      { file: "packages/kit/test/protect.test.ts", title: "a handler that demands more answers 401 without a token and 403 with one" },
      { file: "packages/kit/test/protect.test.ts", title: "M02 a session is its first user's: nobody else posts to it, listens to it or ends it" },
      { file: "packages/kit/test/protect-clients.test.ts", title: "%s: signs in when it calls a protected tool, and when a handler demands more" },
    ],
  },
  {
    id: "mounts-1",
    rule: "An app is mounted on Node's own HTTP, Express and Hono, and its addresses come from its configuration alone.",
    shownBy: [
      { file: "packages/kit/test/node.test.ts", title: "the official client signs in and calls, in both revisions" },
      { file: "packages/kit/test/node.test.ts", title: "M01 forwarded headers change nothing, and a foreign host or origin is refused" },
      { file: "packages/kit/test/node.test.ts", title: "the official client signs in and calls, and forwarded headers change nothing" },
    ],
  },
  {
    id: "payment-1",
    rule: "One handler pays in every host: by the host's own sign-in, by an address that the client shows, or by a link with QR code and live wait.",
    shownBy: [
      scenario("pay", "names payee, items and total at the wallet, captures once and shows the receipt in view and chat"),
      scenario("pay-by-link", "pays in one call: the official client of 2026-07-28 shows the wallet's page and comes back with the receipt"),
      scenario("pay-by-link", "pays by the wallet's link on a second device, waits by the handle, and reads the order again with the receipt's"),
      scenario("pay-by-link", "shows link, QR code and the time left, and goes on to the receipt when the guest approved on another device"),
      scenario("pay-by-link", "has a panel that everybody can read in the dark, and says when the payment was declined"),
      { file: "packages/kit/test/payment/approval-answers.test.ts", title: "gets error -32042 with the address for a signed-in user" },
      { file: "packages/kit/test/payment/approval-answers.test.ts", title: "gets the challenge and what a view waits by in one answer" },
      {
        file: "apps/store/test/payment/approval.test.ts",
        title: "pays although nobody waits, and the receipt is there for the handle when the view comes back",
      },
    ],
  },
  {
    id: "payment-2",
    rule: "What travels through the client serves once, for the caller, tool and arguments that it was given to; nobody else gets a result, and nobody else can approve.",
    shownBy: [
      { file: "packages/kit/test/payment/approval-answers.test.ts", title: "is refused, nothing runs, and the right call goes on" },
      {
        file: "packages/kit/test/payment/approval-answers.test.ts",
        title: "M03 cannot wait by the link, the request's id, a changed handle or a state",
      },
      { file: "packages/wallet/test/payment-requests/approval.test.ts", title: "M19 cannot be seen, approved or declined by another one" },
      { file: "apps/store/test/payment/approval.test.ts", title: "M04 cannot come back twice, not even after a restart" },
    ],
  },
  {
    id: "link-1",
    rule: "Where a host starts no sign-in when a view calls, the view links the account by itself, on any device, and only the view that has the handle uses it.",
    shownBy: [
      scenario("link", "a client that never signs anybody in"),
      scenario("link", "the shop in a host that answers 400 {}"),
      scenario("link", "M26: its button works by a link on a phone, where the host %s"),
      scenario("link", "M26: a second press and the view's next life use the same link"),
      scenario("link", "shows the link, its code and who is behind it to everybody"),
      scenario("link", "tells the view when the user declines on the phone"),
      scenario("link", "reaches the user's orders by a link that the store itself made"),
      { file: "packages/kit/test/link/account-link.test.ts", title: "calls a protected tool for the user who approved elsewhere" },
      { file: "packages/kit/test/link/account-link.test.ts", title: "M03: know nothing of a link without its handle" },
      { file: "packages/kit/test/link/account-link.test.ts", title: "asks for more scope by a new link of the same user, which ends the old one" },
    ],
  },
  {
    id: "tokens-1",
    rule: "An app trusts any authorization server that publishes metadata: signed tokens of old and new kinds, opaque ones by asking, bound ones by their proofs; nothing else is a token.",
    shownBy: [
      scenario("issuers", "serves its user by JWT, and refuses its ID token and its tokens for others"),
      scenario("issuers", "finds its keys where OpenID Connect publishes them alone"),
      scenario("issuers", "serves tokens that are bound to the client's key, with both servers' nonces, and those alone"),
      scenario("issuers", "serves its opaque tokens by asking, until they are revoked, and passes them to nobody else"),
      scenario("issuers", "serves its user's tokens %s"),
      { file: "packages/kit/test/bearer/verify-token.test.ts", title: "its ID, logout and refresh tokens are no access tokens" },
      { file: "packages/kit/test/policy/scope-hierarchy.test.ts", title: "a token with the least that is asked for covers what was demanded" },
    ],
  },
  {
    id: "clients-1",
    rule: "An app of the kit and a protected server say the same to clients that others wrote: the official ones of both versions, and a script that knows HTTP and the RFCs alone.",
    shownBy: [
      scenario("clients", "is served as anybody, is told where and for what to sign in, and its same call goes on"),
      scenario("clients", "pays once for one approval, and steps up from the token of the payment"),
      scenario("clients", "O26 is asked for every scope of the tool when its token has some of them"),
    ],
  },
  {
    id: "clients-2",
    rule: "A tool for anyone opens itself alone: no bad token passes with it, no other method, no other name; a token with too little for more still passes.",
    shownBy: [
      scenario("clients", "O23 O25 is refused with a bad token, a good one for another server too, on what anyone may use as well"),
      scenario("clients", "with less than a tool could use it is served as anybody is"),
      scenario("clients", "M08 is not let into a resource or a prompt by them, until its user has agreed"),
      scenario("clients", "M08 runs no tool by another spelling, and reaches nothing that is not offered"),
    ],
  },
  {
    id: "clients-3",
    rule: "The address of the metadata is the configuration's, whatever a request says of where it was sent.",
    shownBy: [
      scenario("clients", "M01 hears of no address that a forwarded header names"),
      scenario("clients", "M01 names no address in metadata or challenges: a foreign one is refused"),
    ],
  },
];
