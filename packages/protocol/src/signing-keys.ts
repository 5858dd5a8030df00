import type { EpochMs } from "./brand.ts";

/** When one of an issuer's signing keys counts. `number` grows with each key, `withdrawn` says that it must not be trusted any more. */
export interface SigningKeyTimes {
  readonly number: number;
  readonly signsFrom: EpochMs;
  readonly withdrawn: boolean;
}

/**
 * What each key is for at one moment. `signing`: the one that signs; undefined when there is none. `published`: those in the key set, the newest first, among them one
 * that will sign soon. `retired`: those whose last token has lapsed, and the withdrawn ones; their private halves are no longer needed. `isSuccessorDue`: it is
 * time to make the next.
 */
export interface SigningKeyPlan<K extends SigningKeyTimes> {
  readonly signing: K | undefined;
  readonly published: readonly K[];
  readonly retired: readonly K[];
  readonly isSuccessorDue: boolean;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** A key signs for so long, then its successor does. */
export const signingKeyLifeMs: number = 90 * dayMs;
/** A new key is published so long before it signs: longer than a verifier keeps a copy of the key set. */
export const publishedAheadMs: number = hourMs;
/** An old key stays published so long after its last signature: longer than any token lives, a mandate with its 15 minutes among them. */
export const publishedAfterMs: number = dayMs;

/**
 * Plans an issuer's signing keys (rotation with overlap: a key is published before it signs and after). It depends on the stored times and the clock only, so that
 * instances with the same rows agree, also about a change that lies ahead.
 */
export function planSigningKeys<K extends SigningKeyTimes>(keys: readonly K[], now: EpochMs): SigningKeyPlan<K> {
  const trusted = keys.filter((key) => !key.withdrawn).toSorted((a, b) => b.number - a.number);
  const published = trusted.filter((_, index) => {
    const successor = trusted[index - 1];
    return successor === undefined || now < successor.signsFrom + publishedAfterMs;
  });
  const newest = trusted[0];
  return {
    // The clock of another instance may be ahead of this one when it makes the very first key.
    signing: trusted.find((key) => key.signsFrom <= now) ?? trusted.at(-1),
    published,
    retired: keys.filter((key) => !published.includes(key)),
    isSuccessorDue: newest === undefined || now >= newest.signsFrom + signingKeyLifeMs,
  };
}
