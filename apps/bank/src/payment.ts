import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import { moneyOf } from "@countersign/protocol/money";
import { isPaymentIdentifier, isSha256 } from "@countersign/protocol/payment";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { boundedText, hasOnlyMembers, isJsonObject, member } from "@countersign/protocol/shape";
import type { PaymentRow } from "./tables.ts";

/** What a payee asks: redeem this mandate and move the money. `amount` in minor units, more than zero. */
export interface CaptureRequest {
  readonly id: string;
  readonly mandate: string;
  readonly amount: number;
  readonly currency: string;
  readonly checkoutHash: string;
}

/** A payment as its payee reads it; amounts in minor units, `created_at` ISO 8601. */
export interface PaymentView {
  readonly id: string;
  readonly status: "captured";
  readonly amount: number;
  readonly currency: string;
  readonly captured: number;
  readonly refunded: number;
  readonly payer_account: string;
  readonly payee: string;
  readonly mandate_jti: string;
  readonly created_at: string;
}

const mandateLengthMax = 16_384;
const captureMembers = ["id", "mandate", "amount", "currency", "checkout_hash", "capture"] as const;

/** Whether a payment can have this id: `pay_` and the jti of a mandate. */
export function isPaymentId(value: unknown): value is string {
  return typeof value === "string" && value.startsWith("pay_") && isPaymentIdentifier(value.slice(4));
}

/** Reads the body of `POST /payments`: a closed shape. Refuses with `invalid_amount` for money, else with `invalid_request`. */
export function parseCaptureRequest(body: unknown): Result<CaptureRequest, Refusal> {
  if (!isJsonObject(body) || !hasOnlyMembers(body, captureMembers)) return invalid(`a payment is { ${captureMembers.join(", ")} }`);
  const id = member(body, "id");
  const mandate = boundedText(member(body, "mandate"), mandateLengthMax);
  const checkoutHash = member(body, "checkout_hash");
  if (!isPaymentId(id)) return invalid("the id is pay_ and the mandate's jti");
  if (mandate === undefined) return invalid(`the mandate is a text of at most ${mandateLengthMax} characters`);
  if (!isSha256(checkoutHash)) return invalid("checkout_hash is a SHA-256 digest in base64url");
  if (member(body, "capture") !== true) return invalid("capture must be true");
  const money = moneyOf(member(body, "amount"), member(body, "currency"));
  if (!money.ok) return money;
  if (money.value.amount === 0) return err(refuse("invalid_amount", "the amount is zero"));
  return ok({ id, mandate, ...money.value, checkoutHash });
}

/** Shapes a stored payment for its payee. */
export function viewPayment(row: PaymentRow): PaymentView {
  return {
    id: row.id,
    status: "captured",
    amount: row.authorized,
    currency: row.currency,
    captured: row.captured,
    refunded: row.refunded,
    payer_account: maskAccount(row.payer_account_id),
    payee: row.payee,
    mandate_jti: row.mandate_jti,
    created_at: new Date(row.created_at).toISOString(),
  };
}

/** The last four characters of an account's id, as much as its holder needs to recognise it. */
export function maskAccount(id: string): string {
  return `••••${id.slice(-4)}`;
}

function invalid(what: string): Result<never, Refusal> {
  return err(refuse("invalid_request", what));
}
