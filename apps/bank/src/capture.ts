import type { EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse, toHttpError } from "@countersign/protocol/errors";
import type { MandateClaims } from "@countersign/protocol/mandate";
import type { Result } from "@countersign/protocol/result";
import { ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { ReachFaultPoint } from "./fault-point.ts";
import { type Answer, keepAnswer, recallAnswer, type WriteClaim } from "./idempotency.ts";
import { journalTransfer, moveMoney, newAccountRow, readAccount } from "./journal.ts";
import type { Entry, TransferStatus } from "./ledger.ts";
import { type CaptureRequest, viewPayment } from "./payment.ts";
import { againAfterRace, RaceLost } from "./race-lost.ts";
import { declineRedemption, isDeclined, takeRedemption } from "./redemptions.ts";
import type { AccountRow, BankTables, PaymentRow } from "./tables.ts";

/** One capture. `requestDigest` is over the request's body; `mandate` is verified, or undefined when the payment is known to exist already. */
export interface Capture {
  readonly claim: WriteClaim;
  readonly payee: string;
  readonly request: CaptureRequest;
  readonly requestDigest: string;
  readonly mandate: MandateClaims | undefined;
  /** The mandate was redeemed at its wallet, and the capture has to take that redemption. */
  readonly isRedeemed: boolean;
}

/** The answer, and what stands behind it: a new payment, an answer given before, or a refusal by the state of the books. */
export type CaptureOutcome =
  | { readonly outcome: "captured"; readonly answer: Answer; readonly payment: PaymentRow }
  | { readonly outcome: "replayed"; readonly answer: Answer }
  | { readonly outcome: "declined"; readonly answer: Answer; readonly refusal: Refusal };

/**
 * Redeems a mandate: the mandate is spent, the money moves, the payment is recorded and the answer is kept under its key in one transaction.
 * A refusal by the state of the books is kept too. Refuses with `idempotency_conflict` when the key stands for another request.
 */
export async function capturePayment(
  database: Database<BankTables>,
  capture: Capture,
  now: EpochMs,
  reach: ReachFaultPoint,
): Promise<Result<CaptureOutcome, Refusal>> {
  const result = await againAfterRace(() =>
    database.transaction(async (tx) => {
      await reach("capture.begin");
      const recalled = await recallAnswer(tx, capture.claim);
      if (!recalled.ok) return recalled;
      if (recalled.value !== undefined) return ok({ outcome: "replayed" as const, answer: recalled.value });
      const { outcome, entries } = await redeem(tx, capture, now, reach);
      if (outcome.outcome === "declined") await declineRedemption(tx, capture.request.id, now);
      await keepAnswer(tx, capture.claim, outcome.answer, now);
      // Last of all: every capture for one payee waits for its account from here to the commit.
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

/** What a capture comes to, and the entries that are still to be made. */
interface Redemption {
  readonly outcome: CaptureOutcome;
  readonly entries: readonly Entry[];
}

async function redeem(tx: Database<BankTables>, capture: Capture, now: EpochMs, reach: ReachFaultPoint): Promise<Redemption> {
  const { request, mandate, payee } = capture;
  const known = await readPayment(tx, request.id);
  if (known !== undefined) {
    await takeRedemption(tx, request.id);
    const same = known.payee === payee && known.request_digest === capture.requestDigest;
    return same ? { outcome: { outcome: "replayed", answer: paid(known) }, entries: [] } : declined(refuse("mandate_spent"));
  }
  if (mandate === undefined) throw new TypeError("a new payment needs a verified mandate");
  if (capture.isRedeemed && (await isDeclined(tx, request.id))) return declined(refuse("mandate_spent", "its payment was declined"));
  const payer = await readAccount(tx, mandate.payment_instrument.id);
  // An account of another wallet is answered like one that does not exist: a wallet speaks for its own users only.
  if (payer === undefined || payer.kind !== "funds" || payer.owner !== mandate.iss) return declined(refuse("unknown_account"));
  const payable = payableAccount(payee, request.currency, now);
  const transfer = {
    kind: "single",
    id: `capture_${request.id}`,
    debitAccountId: payer.id,
    creditAccountId: payable.id,
    amount: request.amount,
    currency: request.currency,
    reference: request.id,
    expiresAt: null,
  } as const;
  const journaled = await journalTransfer(tx, transfer, now, [payable]);
  if (journaled.status !== "created") return declined(refusalOf(journaled.status));
  if (capture.isRedeemed && !(await takeRedemption(tx, request.id))) throw new RaceLost("the end of the redemption");
  await reach("capture.transferred");
  const row = await recordPayment(tx, capture, mandate, payer.id, now);
  await reach("capture.recorded");
  return { outcome: { outcome: "captured", answer: paid(row), payment: row }, entries: journaled.entries };
}

async function recordPayment(
  tx: Database<BankTables>,
  capture: Capture,
  mandate: MandateClaims,
  payerAccountId: string,
  now: EpochMs,
): Promise<PaymentRow> {
  const { request } = capture;
  const row: PaymentRow = {
    id: request.id,
    mandate_issuer: mandate.iss,
    mandate_jti: mandate.jti,
    request_digest: capture.requestDigest,
    payee: capture.payee,
    payer_account_id: payerAccountId,
    currency: request.currency,
    checkout_hash: request.checkoutHash,
    authorized: request.amount,
    captured: request.amount,
    voided: 0,
    refunded: 0,
    created_at: now,
  };
  const written = await tx.sql
    .insertInto("payments")
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning("id")
    .executeTakeFirst();
  if (written === undefined) throw new RaceLost("the payment");
  return row;
}

function payableAccount(payee: string, currency: string, now: EpochMs): AccountRow {
  return newAccountRow({ id: `payable_${currency}_${payee}`, kind: "payable", owner: payee, holder: payee, currency }, now);
}

function refusalOf(status: Exclude<TransferStatus, "created">): Refusal {
  if (status === "exceeds_available") return refuse("insufficient_funds");
  if (status === "overflows_account") return refuse("payment_declined", "the amount is too large for the account");
  if (status === "transfer_must_have_the_currency_of_its_accounts" || status === "accounts_must_have_the_same_currency") {
    return refuse("payment_declined", "the account holds another currency");
  }
  // The payment was not there when this transaction looked, so a twin that has committed since made the transfer.
  if (status === "exists") throw new RaceLost("the capture's transfer");
  throw new Error(`a capture cannot be answered with ${status}`);
}

function paid(row: PaymentRow): Answer {
  return { status: 201, body: JSON.stringify(viewPayment(row)) };
}

function declined(refusal: Refusal): Redemption {
  const { status, body } = toHttpError(refusal);
  return { outcome: { outcome: "declined", answer: { status, body: JSON.stringify(body) }, refusal }, entries: [] };
}
