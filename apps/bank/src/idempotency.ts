import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse, toHttpError } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { BankEvent } from "./bank-event.ts";
import { RaceLost } from "./race-lost.ts";
import type { BankTables } from "./tables.ts";

/** An answer as it is kept and repeated, byte for byte. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** How a write came out: done now, answered before, or refused by the state of the books. The answer is kept under the key in each case. */
export type WriteOutcome =
  | { readonly outcome: "done"; readonly answer: Answer; readonly event: BankEvent }
  | { readonly outcome: "replayed"; readonly answer: Answer }
  | { readonly outcome: "declined"; readonly answer: Answer; readonly refusal: Refusal };

/** One write as its client named it: the key counts only for this client. `digest` is over method, path and body. */
export interface WriteClaim {
  readonly clientId: string;
  readonly key: string;
  readonly digest: string;
}

const keyGrammar = /^[\x21-\x7e]{1,255}$/;

/** Reads the `Idempotency-Key` header: 1 to 255 visible ASCII characters. Refuses with `idempotency_key_required`. */
export function parseIdempotencyKey(header: string | null): Result<string, Refusal> {
  if (header === null || !keyGrammar.test(header)) return err(refuse("idempotency_key_required", "1 to 255 visible ASCII characters"));
  return ok(header);
}

/** The answer already given under this key; undefined when the key is new. Refuses with `idempotency_conflict` when the key stands for another request. */
export async function recallAnswer(db: Database<BankTables>, claim: WriteClaim): Promise<Result<Answer | undefined, Refusal>> {
  const row = await db.sql
    .selectFrom("idempotency_keys")
    .select(["request_digest", "status", "body"])
    .where("client_id", "=", claim.clientId)
    .where("key", "=", claim.key)
    .executeTakeFirst();
  if (row === undefined) return ok(undefined);
  return row.request_digest === claim.digest ? ok({ status: row.status, body: row.body }) : err(refuse("idempotency_conflict"));
}

/** Keeps an answer under its key, in the transaction of the effect. Throws {@link RaceLost} when the key was taken meanwhile. */
export async function keepAnswer(tx: Database<BankTables>, claim: WriteClaim, answer: Answer, now: EpochMs): Promise<void> {
  const row = { client_id: claim.clientId, key: claim.key, request_digest: claim.digest, status: answer.status, body: answer.body, created_at: now };
  const kept = await tx.sql
    .insertInto("idempotency_keys")
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning("key")
    .executeTakeFirst();
  if (kept === undefined) throw new RaceLost("the idempotency key");
}

/** A refusal as an answer that is kept. */
export function declined(refusal: Refusal): WriteOutcome {
  const { status, body } = toHttpError(refusal);
  return { outcome: "declined", answer: { status, body: JSON.stringify(body) }, refusal };
}
