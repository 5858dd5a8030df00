import type { Authorization } from "./authorization.ts";

/** The panel's texts. Every one can be replaced, for another language or tone. */
export interface PanelWords {
  readonly signIn: string;
  readonly approve: string;
  readonly linkHint: string;
  readonly open: string;
  readonly code: string;
  readonly qr: string;
  readonly expires: (time: string) => string;
  readonly continue: string;
  readonly pending: string;
  readonly asked: string;
  readonly granted: string;
  readonly denied: string;
  readonly expired: string;
}

export const panelWords: PanelWords = {
  signIn: "Sign in to go on",
  approve: "Approve this to go on",
  linkHint: "Open the page here, or scan the code with your phone. This view goes on by itself.",
  open: "Open page",
  code: "If the page asks for a code",
  qr: "QR code of the page’s address",
  expires: (time) => `Ends in ${time}`,
  continue: "Press Continue in the chat to go on.",
  pending: "Waiting for the page that was opened.",
  asked: "The chat was asked to do this. Its answer comes there.",
  granted: "Thank you. Going on.",
  denied: "This was not approved.",
  expired: "The time for this is over. Please try again.",
};

/** What the panel shows: a line, or the way to a page. Undefined: nothing, there is nothing to say. */
export type PanelView =
  /** `passing`: what needs nobody's eye for long. */
  | { readonly kind: "line"; readonly text: string; readonly passing: boolean }
  | {
      readonly kind: "link";
      readonly heading: string;
      /** The page's host, so that people see where they are led. */
      readonly site: string;
      readonly link: string;
      readonly code: string | undefined;
      readonly expiresAt: number | undefined;
    };

/** Reads an authorization state as what to show. */
export function viewOf(authorization: Authorization, words: PanelWords): PanelView | undefined {
  const { state, rung, link, code, expiresAt, purpose } = authorization;
  switch (state) {
    case "idle":
      return undefined;
    case "required":
      if (rung === "link" && link !== undefined && URL.canParse(link)) {
        return { kind: "link", heading: purpose === "approval" ? words.approve : words.signIn, site: new URL(link).host, link, code, expiresAt };
      }
      return { kind: "line", text: words.continue, passing: false };
    case "pending":
      return { kind: "line", text: rung === "model" ? words.asked : words.pending, passing: false };
    case "granted":
    case "denied":
    case "expired":
      return { kind: "line", text: words[state], passing: state === "granted" };
  }
}

/** The time that is left, as minutes and seconds; it never runs below zero. */
export function timeLeft(expiresAt: number, now: number): string {
  const seconds = Math.max(0, Math.ceil((expiresAt - now) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
