import type { EpochMs } from "@countersign/protocol/brand";
import { z } from "zod";

/** An app, as it was registered when the event happened. */
interface AppFields {
  readonly clientId: string;
  readonly clientName: string;
}

/** A payment; `amount` in minor units. */
interface PaymentFields {
  readonly requestId: string;
  readonly payeeName: string;
  readonly amount: number;
  readonly currency: string;
}

/** What happens without anything to say beside its time. */
type PlainType =
  | "account_created"
  | "signed_in"
  | "signed_out"
  | "session_ended"
  | "name_changed"
  | "passkey_refused"
  | "passkey_copied"
  | "recovery_code_made"
  | "recovery_code_used"
  | "recovery_code_ended"
  | "limits_changed";

type PasskeyType = "passkey_added" | "passkey_renamed" | "passkey_removed" | "passkey_kept";

type AppType = "app_allowed" | "app_revoked" | "app_token_replayed" | "device_approved" | "device_denied" | "number_mismatched";

type PaymentType =
  | "payment_approved"
  | "payment_auto_approved"
  | "payment_denied"
  | "payment_over_limit"
  | "payment_redeemed"
  | "payment_revoked"
  | "payment_settled"
  | "payment_voided"
  | "refund_approved"
  | "refund_denied";

/**
 * Something that happened to an account and that its owner can read: ids, names and sums that its page may show. There is no place for a secret. Names are kept as
 * they are registered; a page puts them through `displayText`.
 */
export type AuditEvent =
  | { readonly type: PlainType }
  | { readonly type: PasskeyType; readonly passkeyName: string }
  | ({ readonly type: AppType } & AppFields)
  | ({ readonly type: PaymentType } & PaymentFields)
  | { readonly type: "policy_made" | "policy_ended"; readonly policyId: string };

export type AuditEventType = AuditEvent["type"];

/** One line of the log. `from` is the network that the request came from. */
export interface AuditEntry {
  readonly accountId: string;
  readonly at: EpochMs;
  readonly event: AuditEvent;
  readonly from?: string | undefined;
}

/** A name that is too long is cut, for no fact is left undone because of how its entry reads. */
const text = z.string().transform((name) => name.slice(0, 200));
const plain = z.enum([
  "account_created",
  "signed_in",
  "signed_out",
  "session_ended",
  "name_changed",
  "passkey_refused",
  "passkey_copied",
  "recovery_code_made",
  "recovery_code_used",
  "recovery_code_ended",
  "limits_changed",
]);
const app = z.enum(["app_allowed", "app_revoked", "app_token_replayed", "device_approved", "device_denied", "number_mismatched"]);
const payment = z.enum([
  "payment_approved",
  "payment_auto_approved",
  "payment_denied",
  "payment_over_limit",
  "payment_redeemed",
  "payment_revoked",
  "payment_settled",
  "payment_voided",
  "refund_approved",
  "refund_denied",
]);

const event = z.discriminatedUnion("type", [
  z.object({ type: plain }),
  z.object({ type: z.enum(["passkey_added", "passkey_renamed", "passkey_removed", "passkey_kept"]), passkeyName: text }),
  z.object({ type: app, clientId: text, clientName: text }),
  z.object({ type: payment, requestId: text, payeeName: text, amount: z.int().nonnegative(), currency: z.string().length(3) }),
  z.object({ type: z.enum(["policy_made", "policy_ended"]), policyId: text }),
]);

const entry = z.object({ accountId: z.string(), at: z.number(), event, from: z.string().max(64).optional() });

/** Reads a stored entry. Throws on one that this code did not write. */
export function parseEntry(json: unknown): AuditEntry {
  return entry.parse(json);
}
