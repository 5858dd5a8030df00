/** One measured thing inside a scenario: ours, a peer or the floor. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: "us CPU/op" | "ms" | "ms p50" | "ms p99" | "ops/s" | "kB gzip" | "MB";
}

/** A ratio between two figures of the same run, with the goal of the design where it names one. */
export interface Ratio {
  readonly name: string;
  readonly value: number;
  readonly goal?: { readonly most?: number; readonly least?: number };
}

/** What one scenario found. Figures are facts of this machine; ratios travel. */
export interface Findings {
  readonly figures: readonly Figure[];
  readonly ratios: readonly Ratio[];
}

/** One file under `scenarios/` exports one of these as `scenario`. */
export interface Scenario {
  readonly name: string;
  readonly question: string;
  run(say: (progress: string) => void): Promise<Findings>;
}

/** True when the ratio keeps its goal, undefined when it has none. */
export function keepsGoal(ratio: Ratio): boolean | undefined {
  if (!ratio.goal) return undefined;
  const { most, least } = ratio.goal;
  return (most === undefined || ratio.value <= most) && (least === undefined || ratio.value >= least);
}

/** The value below which a share of the samples lies. Sorts a copy; an empty list gives NaN. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** Three significant digits, so that a table can be read. */
export function roundFigure(value: number): number {
  return Number(value.toPrecision(3));
}
