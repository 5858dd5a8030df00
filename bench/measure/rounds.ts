import { quantile } from "../scenario.ts";

/** One round of one contestant. `cpuUs` is what the process under measurement used meanwhile. */
export interface Sample {
  readonly elapsedMs: number;
  readonly cpuUs: number;
  readonly latenciesMs: readonly number[];
}

/** One of those that are compared. It runs for about so long. `warmUpMs`: when it needs more or less of it than the others. */
export interface Contestant {
  readonly name: string;
  readonly warmUpMs?: number;
  run(durationMs: number): Promise<Sample>;
}

export interface RoundPlan {
  readonly warmUpMs: number;
  readonly rounds: number;
  readonly roundMs: number;
}

/** The samples of each contestant by name, one a round. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

/** What is said of one contestant: medians over the rounds, quantiles over every latency. */
export interface Summary {
  readonly cpuUsPerOp: number;
  readonly opsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Warms every contestant up, then lets them run in turns, forwards and backwards, so that a drift of the machine meets all of them alike.
 * The warm-up leaves no trace in the samples.
 */
export async function interleave(contestants: readonly Contestant[], plan: RoundPlan, say: (progress: string) => void): Promise<Samples> {
  for (const contestant of contestants) {
    say(`warm-up of ${contestant.name}`);
    await contestant.run(contestant.warmUpMs ?? plan.warmUpMs);
  }
  const samples = new Map(contestants.map((contestant): [string, Sample[]] => [contestant.name, []]));
  for (let round = 0; round < plan.rounds; round += 1) {
    say(`round ${round + 1} of ${plan.rounds}`);
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
      samples.get(contestant.name)?.push(await contestant.run(plan.roundMs));
    }
  }
  return samples;
}

/** Sums up one contestant. Throws when it did not run. */
export function summarize(samples: Samples, name: string): Summary {
  const own = samplesOf(samples, name);
  const latencies = own.flatMap((sample) => sample.latenciesMs);
  return {
    cpuUsPerOp: median(own.map(cpuUsPerOp)),
    opsPerSecond: median(own.map(opsPerSecond)),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

/** The median over the rounds of one contestant's value divided by another's in the same round. */
export function pairedRatio(samples: Samples, name: string, by: string, valueOf: (sample: Sample) => number): number {
  const others = samplesOf(samples, by);
  return median(samplesOf(samples, name).map((sample, round) => valueOf(sample) / valueOf(others[round] ?? sample)));
}

export function cpuUsPerOp(sample: Sample): number {
  return sample.cpuUs / sample.latenciesMs.length;
}

export function opsPerSecond(sample: Sample): number {
  return (sample.latenciesMs.length / sample.elapsedMs) * 1000;
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

function samplesOf(samples: Samples, name: string): readonly Sample[] {
  const own = samples.get(name);
  if (own === undefined || own.length === 0) throw new TypeError(`${name} did not run`);
  return own;
}
