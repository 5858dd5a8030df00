import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { readJson } from "@countersign/service/body";
import type { Database } from "@countersign/storage/database";
import { digestOf } from "./digest.ts";
import { parseIdempotencyKey, recallAnswer, type WriteClaim, type WriteOutcome } from "./idempotency.ts";
import type { BankTables } from "./tables.ts";

export interface KeyedWrite {
  readonly claim: WriteClaim;
  readonly body: unknown;
}

/**
 * Serves one `POST` with its idempotency key: key, body, the answer already given, and then `act`, which keeps its answer in the transaction of its effect.
 * What `act` refuses before the books are looked at is not kept, because nothing was decided. Refuses with `idempotency_key_required`,
 * `idempotency_in_flight`, `idempotency_conflict`, and as the body is read.
 */
export type ServeKeyed = (
  request: Request,
  from: { readonly clientId: string; readonly path: string },
  act: (write: KeyedWrite) => Promise<Result<WriteOutcome, Refusal>>,
) => Promise<Result<WriteOutcome, Refusal>>;

/** One for a bank: it knows what runs in this process. What runs in another one is met in the database. */
export function createKeyedWrites(database: Database<BankTables>): ServeKeyed {
  const inFlight = new Map<string, string>();
  return async (request, { clientId, path }, act) => {
    const key = parseIdempotencyKey(request.headers.get("idempotency-key"));
    if (!key.ok) return key;
    const body = await readJson(request);
    if (!body.ok) return body;
    const claim = { clientId, key: key.value, digest: digestOf({ method: "POST", path, body: body.value }) };
    const running = JSON.stringify([clientId, claim.key]);
    const other = inFlight.get(running);
    if (other !== undefined) return err(refuse(other === claim.digest ? "idempotency_in_flight" : "idempotency_conflict"));
    inFlight.set(running, claim.digest);
    try {
      const recalled = await recallAnswer(database, claim);
      if (!recalled.ok) return recalled;
      return recalled.value === undefined ? await act({ claim, body: body.value }) : ok({ outcome: "replayed", answer: recalled.value });
    } finally {
      inFlight.delete(running);
    }
  };
}
