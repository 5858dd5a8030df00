import { type Findings, keepsGoal, type Ratio, roundFigure } from "./scenario.ts";

/** All scenarios of one run, by name. */
export type Results = Readonly<Record<string, Findings>>;

/** A ratio that the design has a goal for. `distance`: 1 at the goal, more when it is missed, whichever direction is the better one. */
export interface JudgedRatio {
  readonly scenario: string;
  readonly ratio: Ratio;
  readonly goal: string;
  readonly isKept: boolean;
  readonly distance: number;
}

/** The ratios with a goal, in the order of the run. */
export function judgeRatios(results: Results): readonly JudgedRatio[] {
  return Object.entries(results).flatMap(([scenario, { ratios }]) =>
    ratios.flatMap((ratio) => {
      const goal = describeGoal(ratio);
      return goal === undefined ? [] : [{ scenario, ratio, goal, isKept: keepsGoal(ratio) === true, distance: distanceOf(ratio) }];
    }),
  );
}

/** `>= 4` or `<= 1.25`; undefined without a goal. */
export function describeGoal({ goal }: Ratio): string | undefined {
  if (goal?.most !== undefined) return `<= ${goal.most}`;
  return goal?.least === undefined ? undefined : `>= ${goal.least}`;
}

/** The run as Markdown tables: goals first, then every ratio and figure by scenario. */
export function formatReport(machine: string, results: Results): string {
  const goals = judgeRatios(results).map(({ scenario, ratio, goal, isKept }) => [
    scenario,
    ratio.name,
    String(roundFigure(ratio.value)),
    goal,
    isKept ? "kept" : "missed",
  ]);
  const sections = Object.entries(results).flatMap(([scenario, { figures, ratios }]) => {
    const rows = [
      ...figures.map(({ name, value, unit }) => [name, String(roundFigure(value)), unit]),
      ...ratios.map(({ name, value }) => [name, String(roundFigure(value)), "x"]),
    ];
    return ["", `## ${scenario}`, "", ...formatTable(["what", "figure", "unit"], rows)];
  });
  const head = ["# Benchmark run", "", `Machine: ${machine}.`, "", ...formatTable(["scenario", "ratio", "measured", "goal", ""], goals)];
  return `${[...head, ...sections].join("\n")}\n`;
}

function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

function distanceOf({ value, goal }: Ratio): number {
  if (goal?.most !== undefined) return value / goal.most;
  return (goal?.least ?? Number.NaN) / value;
}
