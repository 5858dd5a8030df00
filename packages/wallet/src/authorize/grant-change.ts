import { AsyncLocalStorage } from "node:async_hooks";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";

class GrantChanged extends Error {}

/** The versions of the grants that were read in one change, by record id. */
const changes = new AsyncLocalStorage<Map<string, number>>();

const attemptsMax = 3;

/**
 * Runs code that reads grants through oidc-provider and saves them changed. Each save is then one conditional write: of what was read, or of a grant that is
 * new. So a grant that was revoked in between stays revoked, and of two changes none is lost. Who comes second runs again; refuses with `conflict` at last.
 */
export async function changeGrant<T>(work: () => Promise<T>): Promise<Result<T, Refusal>> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    try {
      return ok(await changes.run(new Map(), work));
    } catch (error) {
      if (!(error instanceof GrantChanged)) throw error;
    }
  }
  return err(refuse("conflict", "what the app may do changed meanwhile"));
}

/** For the storage: notes which version of a grant was read. Outside of a change nothing is noted. */
export function noteGrantRead(recordId: string, version: number): void {
  changes.getStore()?.set(recordId, version);
}

/** For the storage: the version that a grant's save is held to. Undefined for a grant that was not read in a change. */
export function grantVersionRead(recordId: string): number | undefined {
  return changes.getStore()?.get(recordId);
}

/** For the storage: the grant is no longer as it was read. */
export function refuseChangedGrant(): never {
  throw new GrantChanged("a grant changed after it was read");
}
