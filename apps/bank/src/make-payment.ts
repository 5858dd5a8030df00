import type { EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import type { MandateClaims } from "@countersign/protocol/mandate";
import type { Result } from "@countersign/protocol/result";
import { ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { ReachFaultPoint } from "./fault-point.ts";
import { type Answer, declined, keepAnswer, recallAnswer, type WriteClaim, type WriteOutcome } from "./idempotency.ts";
import { journalTransfer, moveMoney, readAccount } from "./journal.ts";
import type { Entry, MoveRequest, TransferStatus } from "./ledger.ts";
import { holdIdOf, payableAccount } from "./move-names.ts";
import { approverOf, holdTtlMs, type PaymentRequest, viewPayment } from "./payment.ts";
import type { PaymentMoveRow, PaymentRow } from "./payment-tables.ts";
import { againAfterRace, RaceLost } from "./race-lost.ts";
import { declineRedemption, isDeclined, takeRedemption } from "./redemptions.ts";
import type { BankTables } from "./tables.ts";

/** `announce` is told of each change of a payment, inside its transaction. */
export interface PaymentParts {
  readonly database: Database<BankTables>;
  readonly reach: ReachFaultPoint;
  readonly announce: Announce;
}

export type Announce = (tx: Database<BankTables>, payment: PaymentRow, now: EpochMs) => Promise<void>;

/** One payment to be made. `requestDigest` is over the request's body; `mandate` is verified, or undefined when the payment is known to exist already. */
export interface NewPayment {
  readonly claim: WriteClaim;
  readonly payee: string;
  readonly request: PaymentRequest;
  readonly requestDigest: string;
  readonly mandate: MandateClaims | undefined;
  /** The mandate was redeemed at its wallet, and the payment has to take that redemption. */
  readonly isRedeemed: boolean;
}

/**
 * Redeems a mandate: the mandate is spent, the money moves or is set aside, the payment is recorded and the answer is kept under its key in one transaction.
 * A refusal by the state of the books is kept too. Refuses with `idempotency_conflict` when the key stands for another request.
 */
export async function makePayment(parts: PaymentParts, asked: NewPayment, now: EpochMs): Promise<Result<WriteOutcome, Refusal>> {
  const { database, reach } = parts;
  const result = await againAfterRace(() =>
    database.transaction(async (tx): Promise<Result<WriteOutcome, Refusal>> => {
      await reach("capture.begin");
      const recalled = await recallAnswer(tx, asked.claim);
      if (!recalled.ok) return recalled;
      if (recalled.value !== undefined) return ok({ outcome: "replayed", answer: recalled.value });
      const { outcome, entries } = await redeem(parts, tx, asked, now);
      if (outcome.outcome === "declined") await declineRedemption(tx, asked.request.id, now);
      await keepAnswer(tx, asked.claim, outcome.answer, now);
      // Last of all: every payment to one payee waits for its account from here to the commit.
      await moveMoney(tx, entries);
      await reach("capture.answered");
      return ok(outcome);
    }),
  );
  await reach("capture.committed");
  return result;
}

/** One payment by its id, or undefined. */
export function readPayment(db: Database<BankTables>, id: string): Promise<PaymentRow | undefined> {
  return db.sql.selectFrom("payments").selectAll().where("id", "=", id).executeTakeFirst();
}

/** The moves of a payment, in order. */
export async function readMoves(db: Database<BankTables>, paymentId: string): Promise<readonly PaymentMoveRow[]> {
  return db.sql.selectFrom("payment_moves").selectAll().where("payment_id", "=", paymentId).orderBy("sequence").execute();
}

/** What a payment comes to, and the entries that are still to be made. */
interface Redemption {
  readonly outcome: WriteOutcome;
  readonly entries: readonly Entry[];
}

async function redeem(parts: PaymentParts, tx: Database<BankTables>, asked: NewPayment, now: EpochMs): Promise<Redemption> {
  const { request, mandate, payee } = asked;
  const known = await readPayment(tx, request.id);
  if (known !== undefined) {
    await takeRedemption(tx, request.id);
    const same = known.payee === payee && known.request_digest === asked.requestDigest;
    if (!same) return nothing(refuse("mandate_spent"));
    return { outcome: { outcome: "replayed", answer: made(known, await readMoves(tx, known.id), now) }, entries: [] };
  }
  if (mandate === undefined) throw new TypeError("a new payment needs a verified mandate");
  if (asked.isRedeemed && (await isDeclined(tx, request.id))) return nothing(refuse("mandate_spent", "its payment was declined"));
  const payer = await readAccount(tx, mandate.payment_instrument.id);
  // An account of another wallet is answered like one that does not exist: a wallet speaks for its own users only.
  if (payer === undefined || payer.kind !== "funds" || payer.owner !== mandate.iss) return nothing(refuse("unknown_account"));
  const payable = payableAccount(payee, request.currency, now);
  const transfer = transferOf(request, payer.id, payable.id, now);
  const journaled = await journalTransfer(tx, transfer, now, [payable]);
  if (journaled.status !== "created") return nothing(refusalOf(journaled.status));
  if (asked.isRedeemed && !(await takeRedemption(tx, request.id))) throw new RaceLost("the end of the redemption");
  await parts.reach("capture.transferred");
  const { row, moves } = await recordPayment(tx, asked, mandate, transfer, now);
  await parts.announce(tx, row, now);
  await parts.reach("capture.recorded");
  const about = { clientId: payee, paymentId: row.id, amount: row.authorized, currency: row.currency, approvedBy: approverOf(row.human_present) };
  const event = { event: request.capture ? "payment_captured" : "payment_authorized", ...about } as const;
  return { outcome: { outcome: "done", answer: made(row, moves, now), event }, entries: journaled.entries };
}

function transferOf(request: PaymentRequest, debitAccountId: string, creditAccountId: string, now: EpochMs): MoveRequest {
  const { amount, currency } = request;
  const move = { debitAccountId, creditAccountId, amount, currency, reference: request.id };
  return request.capture
    ? { kind: "single", id: `capture_${request.id}`, ...move, expiresAt: null }
    : { kind: "pending", id: holdIdOf(request.id, 0), ...move, expiresAt: now + holdTtlMs };
}

async function recordPayment(
  tx: Database<BankTables>,
  asked: NewPayment,
  mandate: MandateClaims,
  transfer: MoveRequest,
  now: EpochMs,
): Promise<{ readonly row: PaymentRow; readonly moves: readonly PaymentMoveRow[] }> {
  const { request } = asked;
  const { amount, capture } = request;
  const row: PaymentRow = {
    id: request.id,
    mandate_issuer: mandate.iss,
    mandate_jti: mandate.jti,
    request_digest: asked.requestDigest,
    payee: asked.payee,
    payer_account_id: transfer.debitAccountId,
    currency: request.currency,
    checkout_hash: request.checkoutHash,
    authorized: amount,
    captured: capture ? amount : 0,
    voided: 0,
    refunded: 0,
    created_at: now,
    held: capture ? 0 : amount,
    hold_id: capture ? null : transfer.id,
    expires_at: transfer.expiresAt,
    closed_by: null,
    changes: 0,
    mandate_request_id: asked.isRedeemed ? mandate.request_id : null,
    payee_name: mandate.payee.name,
    agent: mandate.client_id ?? null,
    human_present: mandate.human_present ? 1 : 0,
  };
  const written = await tx.sql
    .insertInto("payments")
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning("id")
    .executeTakeFirst();
  if (written === undefined) throw new RaceLost("the payment");
  if (capture) return { row, moves: [] };
  const move: PaymentMoveRow = { payment_id: row.id, sequence: 0, kind: "authorization", amount, key: null, request_digest: null, created_at: now };
  await tx.sql.insertInto("payment_moves").values(move).execute();
  return { row, moves: [move] };
}

function refusalOf(status: Exclude<TransferStatus, "created">): Refusal {
  if (status === "exceeds_available") return refuse("insufficient_funds");
  if (status === "overflows_account") return refuse("payment_declined", "the amount is too large for the account");
  if (status === "transfer_must_have_the_currency_of_its_accounts" || status === "accounts_must_have_the_same_currency") {
    return refuse("payment_declined", "the account holds another currency");
  }
  // The payment was not there when this transaction looked, so a twin that has committed since made the transfer.
  if (status === "exists") throw new RaceLost("the payment's transfer");
  throw new Error(`a payment cannot be answered with ${status}`);
}

function made(row: PaymentRow, moves: readonly PaymentMoveRow[], now: EpochMs): Answer {
  return { status: 201, body: JSON.stringify(viewPayment(row, moves, now)) };
}

function nothing(refusal: Refusal): Redemption {
  return { outcome: declined(refusal), entries: [] };
}
