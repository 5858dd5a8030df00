import type { HostProfile } from "./ladder.ts";

/**
 * How sure a fact about a host is.
 *
 * `doc`: its vendor's documentation, or the specification for the generic client. `code`: read in public source, or captured from the host by a public project.
 * `issue`: a public thread, so one reporter's word. `inferred`: deduced from such. `assumed`: nothing is known, and the value is the cautious guess. `own`: this
 * product's own behaviour, which its tests show.
 */
export type Certainty = "doc" | "code" | "issue" | "inferred" | "assumed" | "own";

/** Something that a host does, and where that is written. */
export interface Fact<T> {
  readonly value: T;
  readonly certainty: Certainty;
  /** Public places only: a page, a repository's file, an issue. */
  readonly source: string;
}

/** What people read of each. */
export const certaintyNames: Readonly<Record<Certainty, string>> = {
  doc: "documented",
  code: "read in public source",
  issue: "reported by a user",
  inferred: "inferred",
  assumed: "a guess: nothing is known",
  own: "its own behaviour",
};

/** One row a host. */
export type HostTable<Row> = Readonly<Record<HostProfile, Row>>;

export function fact<T>(certainty: Certainty, value: T, source: string): Fact<T> {
  return { value, certainty, source };
}

/** What people call the hosts, in the order of menus and matrices. `generic` keeps to the specification of 2025-11-25 and offers what it demands. */
export const hostNames: HostTable<string> = {
  countersign: "Countersign",
  chatgpt: "ChatGPT",
  claude: "Claude",
  vscode: "VS Code",
  cursor: "Cursor",
  goose: "Goose",
  copilot: "Microsoft 365 Copilot",
  generic: "Any client of 2025-11-25",
};

/** Their names in that order. */
export const profileNames: readonly HostProfile[] = Object.keys(hostNames).filter(isProfile);

/** The host that the console is when nobody chose another. */
export const defaultProfile: HostProfile = "countersign";

/** Reads the name of a profile, as a setting or an option carries it. */
export function readProfile(value: unknown): HostProfile | undefined {
  return typeof value === "string" && isProfile(value) ? value : undefined;
}

function isProfile(name: string): name is HostProfile {
  return Object.hasOwn(hostNames, name);
}
