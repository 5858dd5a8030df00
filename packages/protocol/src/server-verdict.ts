import type { Certainty } from "./host-profile.ts";
import type { EraObservation, ServerObservation } from "./server-observation.ts";

/** How one matter stands for one host. `moot`: the server gives no occasion for it, such as sign-in where nothing is protected. `unknown`: it could not be seen. */
export type Standing = "works" | "falls_back" | "dead" | "moot" | "unknown";

/** What a developer asks of a server, a row of the matrix each. */
export type Matter = "connect" | "list" | "sign_in" | "model_call" | "view_call" | "view" | "step_up";

export const matters: readonly ["connect", "list", "sign_in", "model_call", "view_call", "view", "step_up"] = [
  "connect",
  "list",
  "sign_in",
  "model_call",
  "view_call",
  "view",
  "step_up",
];

/** A cell: the standing, why, and what to change. `finding` names the reason, so that cells with one cause share one fix. */
export interface Verdict {
  readonly standing: Standing;
  readonly finding: string;
  readonly reason: string;
  readonly fix?: string;
  /** What is known of the host and decided it; absent where what was seen of the server is enough. */
  readonly basis?: Basis;
}

/** How sure a fact about a host is, and where it is written. */
export interface Basis {
  readonly certainty: Certainty;
  readonly source: string;
}

/** Something to mend whatever the host. */
export interface Note {
  readonly finding: string;
  readonly reason: string;
  readonly fix: string;
}

export interface HostColumn {
  readonly host: string;
  readonly verdicts: Readonly<Record<Matter, Verdict>>;
}

export interface Matrix {
  readonly url: string;
  readonly hosts: readonly HostColumn[];
  readonly notes: readonly Note[];
}

/** A cause with everything that it spoils. */
export interface Finding {
  readonly finding: string;
  readonly reason: string;
  readonly fix?: string;
  /** The hosts that have a dead cell by it, which a fix would free. */
  readonly frees: readonly string[];
  /** The hosts of which it is not known, or could not be seen, whether it stands against them. */
  readonly unsure: readonly string[];
  /** All hosts that would stand better without it, those too. In the order of the columns. */
  readonly hosts: readonly string[];
  readonly matters: readonly Matter[];
}

/** Exit codes for CI: 0 all work or fall back, 1 something is dead, 3 the server cannot be reached. 2, a command line that is wrong, is the CLI's own. */
export type DoctorExit = 0 | 1 | 3;

/** The causes behind a matrix: what frees most hosts first, then what helps most, else in the order of the matrix. */
export function findingsOf(matrix: Matrix): readonly Finding[] {
  const cells = matrix.hosts.flatMap(({ host, verdicts }) => matters.map((matter) => ({ host, matter, ...verdicts[matter] })));
  const causes = Map.groupBy(
    cells.filter(({ standing }) => standing !== "works" && standing !== "moot"),
    ({ finding }) => finding,
  );
  const findings = [...causes].flatMap(([finding, spoiled]) => {
    const [first] = spoiled;
    if (first === undefined) return [];
    const hosts = namesOf(spoiled);
    const fix = spoiled.find((cell) => cell.fix !== undefined)?.fix;
    return [
      {
        finding,
        // What is known is said before what is guessed of others.
        reason: (spoiled.find(({ standing }) => standing !== "unknown") ?? first).reason,
        ...(fix === undefined ? {} : { fix }),
        frees: namesOf(spoiled.filter(({ standing }) => standing === "dead")),
        unsure: hosts.filter((host) => spoiled.every((cell) => cell.host !== host || cell.standing === "unknown")),
        hosts,
        matters: matters.filter((matter) => spoiled.some((cell) => cell.matter === matter)),
      },
    ];
  });
  return findings.toSorted((a, b) => b.frees.length - a.frees.length || b.hosts.length - a.hosts.length);
}

function namesOf(cells: readonly { readonly host: string }[]): readonly string[] {
  return [...new Set(cells.map(({ host }) => host))];
}

/** The eras whose messages are POSTs. */
export const postEras: readonly ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] = [
  "2026-07-28",
  "2025-11-25",
  "2025-06-18",
  "2025-03-26",
  "2024-11-05",
];

/** The status of an answer that says nothing of the server but that it is not well, or has been asked too much. */
export function failureOf(era: EraObservation): number | undefined {
  const isAnswer = era.seen === "refused" || era.seen === "unreadable";
  return isAnswer && (era.status >= 500 || era.status === 429) ? era.status : undefined;
}

/** Whether anything answered at the address, in whatever way but a failure. A GET that is refused is no answer of MCP. */
export function wasReached({ eras }: Pick<ServerObservation, "eras">): boolean {
  const old = eras["HTTP+SSE"];
  if (old.seen === "spoken" || old.seen === "challenged") return true;
  return postEras.some((name) => {
    const era = eras[name];
    if (era.seen === "nothing") return era.problem === "redirected" || era.problem === "too_large";
    return failureOf(era) === undefined;
  });
}

/** What a script is told. What could not be seen fails nothing: a cell is dead only for something that was seen. */
export function exitCodeOf(observation: Pick<ServerObservation, "eras">, matrix: Matrix): DoctorExit {
  if (!wasReached(observation)) return 3;
  const isDead = matrix.hosts.some(({ verdicts }) => matters.some((matter) => verdicts[matter].standing === "dead"));
  return isDead ? 1 : 0;
}
