import type { Refusal } from "@countersign/protocol/errors";
import { err, type Result } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";

class Refused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.code);
    this.refusal = refusal;
  }
}

/** A transaction that a refusal rolls back. */
export async function atomically<T>(
  database: Database<unknown>,
  work: (tx: Database<unknown>) => Promise<Result<T, Refusal>>,
): Promise<Result<T, Refusal>> {
  try {
    return await database.transaction(async (tx) => {
      const outcome = await work(tx);
      if (!outcome.ok) throw new Refused(outcome.error);
      return outcome;
    });
  } catch (error) {
    if (error instanceof Refused) return err(error.refusal);
    throw error;
  }
}
