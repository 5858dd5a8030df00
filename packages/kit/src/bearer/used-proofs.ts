import type { EpochMs } from "@countersign/protocol/brand";

/**
 * Says whether a proof comes for the first time, by its id, which is to be kept until that moment: one conditional write. Throws while nobody can tell.
 */
export type FirstUse = (proofId: string, until: EpochMs) => Promise<boolean>;

/** Requests of two minutes at more than a thousand a second. */
const countDefault = 200_000;

/** Remembers proofs in this process. When it is full, it cannot tell and throws: an old proof is never let in for want of room. */
export function createUsedProofs(clock: () => EpochMs, countMax: number = countDefault): FirstUse {
  const used = new Map<string, EpochMs>();
  // Proofs come nearly in the order in which they end, so what is over stands in front.
  const sweep = (): void => {
    for (const [id, until] of used) {
      if (until > clock()) return;
      used.delete(id);
    }
  };
  return (proofId, until) => {
    sweep();
    if (used.has(proofId)) return Promise.resolve(false);
    if (used.size >= countMax) return Promise.reject(new RangeError("no room for another proof"));
    used.set(proofId, until);
    return Promise.resolve(true);
  };
}
