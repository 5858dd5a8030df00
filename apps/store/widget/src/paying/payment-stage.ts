import type { Authorization } from "@countersign/widget/authorization";

/** What is known of one checkout's payment. */
export interface PaymentFacts {
  /** The checkout's, in the shop's words. */
  readonly status: string;
  /** Why the last try ended, in the shop's words, whoever made it. */
  readonly lastRefusal: string | undefined;
  /** Whether this view is paying it right now. */
  readonly isPaying: boolean;
  readonly authorization: Authorization;
  /** How this view's last try failed. */
  readonly failure: string | undefined;
  /** What is known of it is old, and nobody has been able to look. */
  readonly isDoubted: boolean;
}

/**
 * Where a payment stands, as one of the panel's screens.
 *
 * `ready`: one button. While this view is paying: `asking` the shop is being asked, `window` the wallet is open in a window of the host, `continue` the host waits
 * for a click, because it may open no window, `link` the user opens a page here or on another device, `chat` the chat was asked instead, `charging` it is approved.
 * After that: `denied`, `stopped`, `lapsed`, `declined`, `over_limit`, `failed`: nothing was charged, another try is a press away. `unconfirmed`: the bank has not answered.
 * `elsewhere`: it is being approved, and not by a call of this view. `doubted`: the shop does not answer. `paid`, `expired`, `canceled`: it is over.
 */
export type PaymentStage =
  | "ready"
  | "asking"
  | "window"
  | "continue"
  | "link"
  | "chat"
  | "charging"
  | "denied"
  | "stopped"
  | "lapsed"
  | "declined"
  | "over_limit"
  | "failed"
  | "unconfirmed"
  | "elsewhere"
  | "doubted"
  | "paid"
  | "expired"
  | "canceled";

/** How a try ended, by its error's code. A host speaks of access where the user said no to the wallet. */
const endings: ReadonlyMap<string, PaymentStage> = new Map([
  ["access_denied", "denied"],
  ["payment_denied", "denied"],
  ["number_mismatch", "denied"],
  ["cancelled", "stopped"],
  ["flow_expired", "lapsed"],
  ["call_expired", "lapsed"],
  ["payment_request_expired", "lapsed"],
  ["payment_declined", "declined"],
  ["insufficient_funds", "declined"],
  ["over_limit", "over_limit"],
  ["payment_outcome_unknown", "unconfirmed"],
  ["payment_pending", "elsewhere"],
  ["asked_model", "chat"],
]);

const overStatuses: ReadonlyMap<string, PaymentStage> = new Map([
  ["completed", "paid"],
  ["canceled", "canceled"],
  ["expired", "expired"],
  ["completing", "unconfirmed"],
]);

/** Nobody can approve it any more, whatever still waits. */
const endedStatuses: ReadonlySet<string> = new Set(["canceled", "expired"]);

/** Tells the stage. What the shop says of an order that is over counts more than how a call of this view ended, and than one that still waits for an approval. */
export function paymentStage({ status, lastRefusal, isPaying, authorization, failure, isDoubted }: PaymentFacts): PaymentStage {
  if (isPaying && !endedStatuses.has(status)) return status === "completing" ? "charging" : askingStage(authorization);
  const over = overStatuses.get(status);
  if (over !== undefined) return over;
  if (failure !== undefined) return endings.get(failure) ?? (isDoubted ? "doubted" : "failed");
  if (isDoubted) return "doubted";
  if (status === "awaiting_approval") return "elsewhere";
  return lastRefusal === undefined ? "ready" : (endings.get(lastRefusal) ?? "ready");
}

/** How a try to pay ended, by its error's code; undefined for what says nothing about the payment. */
export function paymentEnding(code: string): PaymentStage | undefined {
  return endings.get(code);
}

/** Where the user can act on a call that waits for them. */
export function askingStage({ state, rung }: Authorization): Extract<PaymentStage, "asking" | "window" | "continue" | "link" | "chat" | "charging"> {
  switch (state) {
    case "required":
      return rung === "link" ? "link" : "continue";
    case "pending":
      return rung === "model" ? "chat" : "window";
    case "granted":
      return "charging";
    case "idle":
    case "denied":
    case "expired":
      return "asking";
  }
}

/** What the host tells of another tool's call says nothing about this one. */
export function authorizationOf(authorization: Authorization, tools: readonly string[]): Authorization {
  return authorization.tool === undefined || tools.includes(authorization.tool) ? authorization : { state: "idle" };
}
