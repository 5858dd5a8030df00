import type { ErrorCode, Refusal } from "@countersign/protocol/errors";
import type { Approver } from "./payment.ts";

/** One security decision, for the log and the audit. Holds ids and codes, never a token, a mandate or a body. */
export type BankEvent =
  | { readonly event: "client_refused"; readonly code: ErrorCode; readonly detail?: string }
  | { readonly event: "sign_in_refused"; readonly code: ErrorCode; readonly detail?: string }
  | { readonly event: "account_opened"; readonly clientId: string; readonly accountId: string }
  | {
      readonly event: "payment_authorized" | "payment_captured" | "payment_voided" | "payment_expired" | "payment_refunded";
      readonly clientId: string;
      readonly paymentId: string;
      readonly amount: number;
      readonly currency: string;
      /** Null where it is not recorded. */
      readonly approvedBy: Approver | null;
    }
  | { readonly event: "answer_replayed"; readonly clientId: string }
  | { readonly event: "request_refused"; readonly clientId: string; readonly code: ErrorCode; readonly detail?: string }
  | { readonly event: "request_failed"; readonly error: unknown };

export type ReportEvent = (event: BankEvent, requestId: string) => void;

/** A refusal's part of an event. */
export function reasonOf(refusal: Refusal): { readonly code: ErrorCode; readonly detail?: string } {
  return refusal.detail === undefined ? { code: refusal.code } : { code: refusal.code, detail: refusal.detail };
}
