import type { EpochMs } from "@countersign/protocol/brand";

/** Something that another server publishes, kept while it is fresh. */
export interface Kept<T> {
  /** The newest that is usable; undefined while there is none. */
  current(): Promise<T | undefined>;
  /** Reads it anew unless that happened a moment ago; says whether it did. */
  renew(): Promise<boolean>;
}

const refetchFloorMs = 30_000;
const retryFloorMs = 5_000;
const freshMs = 600_000;
const usableMs = 3_600_000;

/**
 * Keeps what `load` gives for ten minutes, an hour while it gives nothing. It is asked at most once in 30 seconds, however often a renewal is wanted, and 5 seconds
 * after it gave nothing; parallel callers share one answer.
 */
export function keepFresh<T extends object>(load: () => Promise<T | undefined>, clock: () => EpochMs): Kept<T> {
  let kept: { readonly value: T; readonly at: EpochMs } | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let floorMs = 0;
  let inFlight: Promise<void> | undefined;

  const reload = async (): Promise<void> => {
    const value = await load();
    floorMs = value === undefined ? retryFloorMs : refetchFloorMs;
    if (value !== undefined) kept = { value, at: clock() };
  };
  const renew = async (): Promise<boolean> => {
    if (inFlight === undefined) {
      if (clock() - triedAt < floorMs) return false;
      triedAt = clock();
      inFlight = reload().finally(() => {
        inFlight = undefined;
      });
    }
    await inFlight;
    return true;
  };
  return {
    renew,
    async current() {
      if (kept === undefined || clock() - kept.at >= freshMs) await renew();
      return kept !== undefined && clock() - kept.at < usableMs ? kept.value : undefined;
    },
  };
}
