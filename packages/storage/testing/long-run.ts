/** What a property is run with: how often, and from where its random numbers come. */
export interface LongRun {
  readonly numRuns: number;
  readonly seed: number;
  readonly path?: string;
}

/**
 * Reads COUNTERSIGN_HISTORIES, how many histories are played (1000), and what a failure prints to be played again: COUNTERSIGN_SEED, and COUNTERSIGN_PATH to
 * go straight to what failed. `share` of them where each costs much more.
 */
export function longRun(share = 1): LongRun {
  const { COUNTERSIGN_HISTORIES: histories, COUNTERSIGN_SEED: seed, COUNTERSIGN_PATH: path } = process.env;
  const run = { numRuns: Math.ceil(Number(histories ?? "1000") * share), seed: seed === undefined ? Date.now() % 2 ** 31 : Number(seed) };
  return path === undefined ? run : { ...run, path };
}

/** Says on standard error how far a run of more than the usual length is. The answer is called once for each history. */
export function tellProgress(name: string, { numRuns, seed }: LongRun): () => void {
  const isLong = numRuns > 1000;
  const startedAt = performance.now();
  let played = 0;
  if (isLong) process.stderr.write(`${name}: ${numRuns} histories, COUNTERSIGN_SEED=${seed}\n`);
  return () => {
    played += 1;
    if (!isLong || played % 1000 !== 0) return;
    process.stderr.write(`${name}: ${played} of ${numRuns} after ${Math.round((performance.now() - startedAt) / 1000)} s\n`);
  };
}
