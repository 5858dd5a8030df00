/** What the store tells the log. No token, mandate or argument of a call is ever part of it. */
export type StoreEvent =
  | { readonly event: "checkout_created"; readonly checkout: string }
  | { readonly event: "checkout_changed"; readonly checkout: string; readonly version: number }
  | { readonly event: "checkout_canceled"; readonly checkout: string }
  | { readonly event: "request_withdrawn"; readonly request: string; readonly how: string }
  | { readonly event: "withdrawal_failed"; readonly request: string; readonly code: string }
  | { readonly event: "approval_lodged"; readonly checkout: string; readonly request: string }
  | { readonly event: "approval_ended"; readonly checkout: string; readonly request: string; readonly how: string }
  /** The user approved, and the checkout no longer takes it: nothing was captured. */
  | { readonly event: "approval_unused"; readonly checkout: string; readonly request: string; readonly code: string }
  | { readonly event: "capture_sent"; readonly payment: string; readonly attempt: number }
  | { readonly event: "capture_unknown"; readonly payment: string; readonly why: string }
  | { readonly event: "capture_refused"; readonly payment: string; readonly code: string }
  | { readonly event: "capture_mismatch"; readonly payment: string }
  | { readonly event: "order_completed"; readonly order: string; readonly payment: string; readonly approvedBy: "person" | "policy" }
  | { readonly event: "refund_begun"; readonly refund: string; readonly payment: string }
  | { readonly event: "refund_approved"; readonly refund: string }
  | { readonly event: "refund_sent"; readonly refund: string; readonly attempt: number }
  | { readonly event: "refund_unknown"; readonly refund: string; readonly why: string }
  | { readonly event: "refund_refused"; readonly refund: string; readonly code: string }
  | { readonly event: "refund_mismatch"; readonly refund: string }
  | { readonly event: "refund_done"; readonly refund: string; readonly payment: string }
  /** A charge that came to no order is given back. */
  | { readonly event: "charge_taken_back"; readonly refund: string; readonly payment: string }
  /** The bank gave back more than this store had asked for. */
  | { readonly event: "order_sums_changed"; readonly payment: string }
  | { readonly event: "bank_event_refused"; readonly code: string }
  | { readonly event: "wallet_event_refused"; readonly code: string }
  /** An agent of another protocol was refused; `agent` is empty for one that is not known. */
  | { readonly event: "agent_refused"; readonly agent: string; readonly status: number; readonly code: string }
  | { readonly event: "work_failed"; readonly where: string; readonly error: string };

export type Report = (event: StoreEvent) => void;

/** The name of what was thrown: enough to find it, never its message. */
export function errorName(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : typeof thrown;
}
