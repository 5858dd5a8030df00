import type { EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import type { Money } from "@countersign/protocol/money";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { BankEvent } from "./bank-event.ts";
import { declined, keepAnswer, recallAnswer, type WriteClaim, type WriteOutcome } from "./idempotency.ts";
import { journalTransfer, moveMoney, writeTransfer } from "./journal.ts";
import type { Entry, TransferRequest } from "./ledger.ts";
import { type PaymentParts, readMoves } from "./make-payment.ts";
import { holdIdOf, payableAccount } from "./move-names.ts";
import { approverOf, sumsOf, viewPayment } from "./payment.ts";
import { judgeMove, type PaymentMove, type PaymentMoved } from "./payment-sums.ts";
import type { PaymentMoveRow, PaymentRow } from "./payment-tables.ts";
import { againAfterRace, RaceLost } from "./race-lost.ts";
import { endMadeRedemption } from "./redemptions.ts";
import type { BankTables } from "./tables.ts";

/** One move that a payee asks for. `currency` is undefined where no amount is named. */
export interface AskedMove {
  readonly claim: WriteClaim;
  readonly paymentId: string;
  readonly move: PaymentMove;
  readonly currency: Money["currency"] | undefined;
}

/** So many moves fit one payment, and one answer. */
const movesMax = 100;

/**
 * Moves a payment for its payee: the sums, the line of the journal, the money and the answer under its key in one transaction. A refusal by the state of the
 * payment is kept too. The same key gives the first answer, and after its retention the payment as it is. Refuses with `unknown_payment` for anybody else's
 * payment, and with `idempotency_conflict`.
 */
export async function movePayment(parts: PaymentParts, asked: AskedMove, now: EpochMs): Promise<Result<WriteOutcome, Refusal>> {
  const { database, reach } = parts;
  const result = await againAfterRace(() =>
    database.transaction(async (tx): Promise<Result<WriteOutcome, Refusal>> => {
      await reach("move.begin");
      const row = await holdPayment(tx, asked.paymentId);
      if (row === undefined || row.payee !== asked.claim.clientId) return err(refuse("unknown_payment"));
      const recalled = await recallAnswer(tx, asked.claim);
      if (!recalled.ok) return recalled;
      if (recalled.value !== undefined) return ok({ outcome: "replayed", answer: recalled.value });
      const moves = await readMoves(tx, row.id);
      const known = moves.find((each) => each.key === asked.claim.key);
      if (known !== undefined && known.request_digest !== asked.claim.digest) return err(refuse("idempotency_conflict"));
      if (known !== undefined) return ok({ outcome: "replayed", answer: { status: 200, body: JSON.stringify(viewPayment(row, moves, now)) } });
      const outcome = await decide(parts, tx, { asked, row, moves }, now);
      await reach("move.answered");
      return ok(outcome);
    }),
  );
  await reach("move.committed");
  return result;
}

/** Ends a payment whose time to capture is over. Undefined when there is nothing to end, so that it may be called by many at once. */
export async function expirePayment(parts: PaymentParts, paymentId: string, now: EpochMs): Promise<BankEvent | undefined> {
  const event = await againAfterRace(() =>
    parts.database.transaction(async (tx) => {
      const row = await holdPayment(tx, paymentId);
      const judged = row === undefined ? undefined : judgeMove(sumsOf(row), { kind: "expiry" }, now);
      if (row === undefined || judged === undefined || !judged.ok) return undefined;
      const written = await writeMove(parts, tx, { row, kind: "expiry", moved: judged.value, key: null, digest: null }, now);
      await parts.reach("expiry.recorded");
      await makeTransfers(tx, resolutionOf(row, "expiry", judged.value, written.changes), now);
      return { event: "payment_expired", ...aboutMove(row, judged.value.amount) } as const;
    }),
  );
  await parts.reach("expiry.committed");
  return event;
}

interface Case {
  readonly asked: AskedMove;
  readonly row: PaymentRow;
  readonly moves: readonly PaymentMoveRow[];
}

async function decide(parts: PaymentParts, tx: Database<BankTables>, { asked, row, moves }: Case, now: EpochMs): Promise<WriteOutcome> {
  const { claim, move } = asked;
  const decline = async (refusal: Refusal): Promise<WriteOutcome> => {
    const outcome = declined(refusal);
    await keepAnswer(tx, claim, outcome.answer, now);
    return outcome;
  };
  if (asked.currency !== undefined && asked.currency !== row.currency) return decline(refuse("consent_mismatch", "currency"));
  if (moves.length >= movesMax) return decline(refuse("payment_closed", `a payment has at most ${movesMax} moves`));
  const judged = judgeMove(sumsOf(row), move, now);
  if (!judged.ok) return decline(judged.error);
  const given = move.kind === "refund" ? await giveBack(tx, row, move.amount, now) : ok([]);
  if (!given.ok) return decline(given.error);
  await parts.reach("move.judged");
  const { amount } = judged.value;
  const written = await writeMove(parts, tx, { row, kind: move.kind, moved: judged.value, key: claim.key, digest: claim.digest }, now);
  await parts.reach("move.recorded");
  const answer = { status: 200, body: JSON.stringify(viewPayment(written, await readMoves(tx, row.id), now)) };
  await keepAnswer(tx, claim, answer, now);
  // Last of all: every payment to one payee waits for its account from here to the commit.
  await moveMoney(tx, given.value);
  if (move.kind !== "refund") await makeTransfers(tx, resolutionOf(row, move.kind, judged.value, written.changes), now);
  const event = { event: eventNames[move.kind], ...aboutMove(row, amount) } as const;
  return { outcome: "done", answer, event };
}

/** What an event says of a payment that moved by so much. */
function aboutMove(row: PaymentRow, amount: number): Omit<Extract<BankEvent, { readonly paymentId: string }>, "event"> {
  return { clientId: row.payee, paymentId: row.id, amount, currency: row.currency, approvedBy: approverOf(row.human_present) };
}

const eventNames = { capture: "payment_captured", void: "payment_voided", expiry: "payment_expired", refund: "payment_refunded" } as const;

/** Holds a payment until the transaction ends, so that its moves come one after the other. SQLite lets one transaction write at a time and needs no lock. */
function holdPayment(tx: Database<BankTables>, id: string): Promise<PaymentRow | undefined> {
  const query = tx.sql.selectFrom("payments").selectAll().where("id", "=", id);
  return (tx.dialect === "postgres" ? query.forNoKeyUpdate() : query).executeTakeFirst();
}

interface Move {
  readonly row: PaymentRow;
  readonly kind: PaymentMove["kind"];
  readonly moved: PaymentMoved;
  readonly key: string | null;
  readonly digest: string | null;
}

async function writeMove(parts: PaymentParts, tx: Database<BankTables>, move: Move, now: EpochMs): Promise<PaymentRow> {
  const { row, moved } = move;
  const { captured, voided, held, refunded, closedBy } = moved.sums;
  const changes = row.changes + 1;
  const change = { captured, voided, held, refunded, closed_by: closedBy, hold_id: held === 0 ? null : nextHoldId(move, changes), changes };
  const written = await tx.sql
    .updateTable("payments")
    .set(change)
    .where("id", "=", row.id)
    .where("changes", "=", row.changes)
    .returning("id")
    .executeTakeFirst();
  if (written === undefined) throw new RaceLost("the payment");
  const line = { payment_id: row.id, sequence: changes, kind: move.kind, amount: moved.amount, key: move.key, request_digest: move.digest };
  await tx.sql
    .insertInto("payment_moves")
    .values({ ...line, created_at: now })
    .execute();
  const after = { ...row, ...change };
  // The wallet is told how much came of its mandate, which frees what the rest held of the user's limits.
  if (row.held > 0 && held === 0 && captured < row.authorized && row.mandate_request_id !== null) {
    const redemption = { payment_id: row.id, issuer: row.mandate_issuer, request_id: row.mandate_request_id, ends_at: now };
    await endMadeRedemption(tx, redemption, captured, now);
  }
  await parts.announce(tx, after, now);
  return after;
}

/** A refund leaves the hold as it is; a capture in parts sets the rest aside anew. */
function nextHoldId({ row, kind }: Move, changes: number): string | null {
  return kind === "refund" ? row.hold_id : holdIdOf(row.id, changes);
}

/** What a capture, a void or an expiry does to the money that is set aside: a pending transfer is resolved once, so a rest is set aside anew. */
function resolutionOf(row: PaymentRow, kind: "capture" | "void" | "expiry", moved: PaymentMoved, changes: number): readonly TransferRequest[] {
  const { hold_id: pendingId, expires_at: expiresAt } = row;
  if (pendingId === null || expiresAt === null) throw new Error("a payment with money set aside names its hold");
  const reference = row.id;
  if (kind === "void") return [{ kind: "void", id: `void_${row.id}_${changes}`, pendingId, amount: null, reference }];
  if (kind === "expiry") return [{ kind: "expire", id: `expire_${row.id}_${changes}`, pendingId, amount: null, reference }];
  const post = { kind: "post", id: `post_${row.id}_${changes}`, pendingId, amount: moved.amount, reference } as const;
  if (moved.sums.held === 0) return [post];
  const rest = { kind: "pending", id: holdIdOf(row.id, changes), amount: moved.sums.held, currency: row.currency, reference, expiresAt } as const;
  return [post, { ...rest, debitAccountId: row.payer_account_id, creditAccountId: payableAccount(row.payee, row.currency, 0).id }];
}

async function makeTransfers(tx: Database<BankTables>, transfers: readonly TransferRequest[], now: EpochMs): Promise<void> {
  for (const transfer of transfers) {
    const status = await writeTransfer(tx, transfer, now);
    if (status !== "created") throw new Error(`${transfer.kind} of what is set aside cannot be answered with ${status}`);
  }
}

/** Journals a refund; its entries are still to be made. Refuses when the payee has not got the money any more, or the payer's account takes no more. */
async function giveBack(tx: Database<BankTables>, row: PaymentRow, amount: number, now: EpochMs): Promise<Result<readonly Entry[], Refusal>> {
  const payable = payableAccount(row.payee, row.currency, now);
  const id = `refund_${row.id}_${row.changes + 1}`;
  const accounts = { debitAccountId: payable.id, creditAccountId: row.payer_account_id };
  const transfer = { kind: "single", id, ...accounts, amount, currency: row.currency, reference: row.id, expiresAt: null } as const;
  const journaled = await journalTransfer(tx, transfer, now, [payable]);
  if (journaled.status === "created") return ok(journaled.entries);
  if (journaled.status === "exceeds_available") return err(refuse("insufficient_funds", "the payee's account"));
  if (journaled.status === "overflows_account") return err(refuse("payment_declined", "the amount is too large for the account"));
  throw new Error(`a refund cannot be answered with ${journaled.status}`);
}
