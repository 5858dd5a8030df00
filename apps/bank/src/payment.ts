import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import { type Money, moneyOf } from "@countersign/protocol/money";
import { isPaymentIdentifier, isSha256, type PaymentStatus } from "@countersign/protocol/payment";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { boundedText, hasOnlyMembers, isJsonObject, member } from "@countersign/protocol/shape";
import { type PaymentSums, statusOf, sumsAt } from "./payment-sums.ts";
import type { PaymentMoveRow, PaymentRow } from "./payment-tables.ts";

/** What a payee asks: redeem this mandate, and move the money now or set it aside. `amount` in minor units, more than zero. */
export interface PaymentRequest {
  readonly id: string;
  readonly mandate: string;
  readonly amount: number;
  readonly currency: string;
  readonly checkoutHash: string;
  readonly capture: boolean;
}

/** Who said yes to a payment, in the mandate's words: the owner of the account with a passkey, or a policy of theirs while no human was present. */
export type Approver = "owner" | "policy";

/** A payment as its payee reads it; amounts in minor units, times ISO 8601. `expires_at` only where money was set aside first. */
export interface PaymentView {
  readonly id: string;
  readonly status: PaymentStatus;
  readonly amount: number;
  readonly currency: string;
  readonly captured: number;
  readonly held: number;
  readonly voided: number;
  readonly refunded: number;
  readonly payer_account: string;
  readonly payee: string;
  readonly mandate_jti: string;
  readonly created_at: string;
  readonly expires_at?: string;
  readonly moves: readonly MoveView[];
}

/** One move; `key` is the idempotency key that the payee chose for it. */
export interface MoveView {
  readonly kind: PaymentMoveRow["kind"];
  readonly amount: number;
  readonly at: string;
  readonly key?: string;
}

/** How long money stays set aside: 7 days. */
export const holdTtlMs = 604_800_000;

const mandateLengthMax = 16_384;
const requestMembers = ["id", "mandate", "amount", "currency", "checkout_hash", "capture"] as const;

/** Whether a payment can have this id: `pay_` and the jti of a mandate. */
export function isPaymentId(value: unknown): value is string {
  return typeof value === "string" && value.startsWith("pay_") && isPaymentIdentifier(value.slice(4));
}

/** Reads the body of `POST /payments`: a closed shape. Refuses with `invalid_amount` for money, else with `invalid_request`. */
export function parsePaymentRequest(body: unknown): Result<PaymentRequest, Refusal> {
  if (!isJsonObject(body) || !hasOnlyMembers(body, requestMembers)) return invalid(`a payment is { ${requestMembers.join(", ")} }`);
  const id = member(body, "id");
  const mandate = boundedText(member(body, "mandate"), mandateLengthMax);
  const checkoutHash = member(body, "checkout_hash");
  const capture = member(body, "capture");
  if (!isPaymentId(id)) return invalid("the id is pay_ and the mandate's jti");
  if (mandate === undefined) return invalid(`the mandate is a text of at most ${mandateLengthMax} characters`);
  if (!isSha256(checkoutHash)) return invalid("checkout_hash is a SHA-256 digest in base64url");
  if (typeof capture !== "boolean") return invalid("capture is true or false");
  const money = parseMoneyMoved(body);
  return money.ok ? ok({ id, mandate, ...money.value, checkoutHash, capture }) : money;
}

/** What a payee captures: `final` releases what it leaves. */
export interface CaptureRequest extends Money {
  readonly isFinal: boolean;
}

/** Reads the body of `POST /payments/:id/captures`: a closed shape. Refuses as {@link parsePaymentRequest}. */
export function parseCaptureRequest(body: unknown): Result<CaptureRequest, Refusal> {
  if (!isJsonObject(body) || !hasOnlyMembers(body, ["amount", "currency", "final"])) return invalid("a capture is { amount, currency, final }");
  const isFinal = member(body, "final");
  if (typeof isFinal !== "boolean") return invalid("final is true or false");
  const money = parseMoneyMoved(body);
  return money.ok ? ok({ ...money.value, isFinal }) : money;
}

/** Reads the body of `POST /payments/:id/refunds`: a closed shape. Refuses as {@link parsePaymentRequest}. */
export function parseRefundRequest(body: unknown): Result<Money, Refusal> {
  if (!isJsonObject(body) || !hasOnlyMembers(body, ["amount", "currency"])) return invalid("a refund is { amount, currency }");
  return parseMoneyMoved(body);
}

/** Reads the body of `POST /payments/:id/void`: an empty object. */
export function parseVoidRequest(body: unknown): Result<void, Refusal> {
  return isJsonObject(body) && hasOnlyMembers(body, []) ? ok(undefined) : invalid("a void is {}");
}

/** Who said yes; null in payments from before that was kept. */
export function approverOf(humanPresent: PaymentRow["human_present"]): Approver | null {
  if (humanPresent === null) return null;
  return humanPresent === 1 ? "owner" : "policy";
}

/** The sums of a stored payment, as they were last written. */
export function sumsOf(row: PaymentRow): PaymentSums {
  const { authorized, captured, voided, held, refunded } = row;
  return { authorized, captured, voided, held, refunded, expiresAt: row.expires_at, closedBy: row.closed_by };
}

/** Shapes a stored payment and its moves, in order, for its payee. */
export function viewPayment(row: PaymentRow, moves: readonly PaymentMoveRow[], now: EpochMs): PaymentView {
  const sums = sumsAt(sumsOf(row), now);
  const madeAt = new Date(row.created_at).toISOString();
  const view = {
    id: row.id,
    status: statusOf(sums),
    amount: sums.authorized,
    currency: row.currency,
    captured: sums.captured,
    held: sums.held,
    voided: sums.voided,
    refunded: sums.refunded,
    payer_account: maskAccount(row.payer_account_id),
    payee: row.payee,
    mandate_jti: row.mandate_jti,
    created_at: madeAt,
  };
  // A payment that was captured when it was made has no row of its own for that.
  if (row.expires_at === null) return { ...view, moves: [{ kind: "capture", amount: row.authorized, at: madeAt }, ...moves.map(viewMove)] };
  return { ...view, expires_at: new Date(row.expires_at).toISOString(), moves: moves.map(viewMove) };
}

/** The last four characters of an account's id, as much as its holder needs to recognise it. */
export function maskAccount(id: string): string {
  return `••••${id.slice(-4)}`;
}

function viewMove({ kind, amount, created_at, key }: PaymentMoveRow): MoveView {
  const move = { kind, amount, at: new Date(created_at).toISOString() };
  return key === null ? move : { ...move, key };
}

function parseMoneyMoved(body: unknown): Result<Money, Refusal> {
  const money = moneyOf(member(body, "amount"), member(body, "currency"));
  return money.ok && money.value.amount === 0 ? err(refuse("invalid_amount", "the amount is zero")) : money;
}

function invalid(what: string): Result<never, Refusal> {
  return err(refuse("invalid_request", what));
}
