// What `npm test` says last: a run of forty minutes is often read from its end alone, so each failure is named there again.

/** The part of vitest's JSON report that the tally reads. */
export interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    /** The absolute path of the test file. */
    readonly name: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName?: string;
      readonly failureMessages?: readonly string[] | null;
    }[];
  }[];
}

const maxLines = 12;

/** The message without its stack and without colours, at most 12 lines of it. */
function cause(message: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal begin with this character
  const plain = message.replace(/\u001b\[[0-9;]*m/g, "").split("\n");
  const stack = plain.findIndex((line) => /^\s+at /.test(line));
  const lines = (stack < 0 ? plain : plain.slice(0, Math.max(stack + 1, 1))).filter((line) => line.trim() !== "");
  return lines
    .slice(0, maxLines)
    .map((line) => `    ${line}`)
    .join("\n");
}

/**
 * Every test that did not pass, as `file > title` with its cause under it, in the order of the report: failed, skipped and
 * unwritten ones, and files that could not be loaded at all.
 *
 * @param root the absolute folder that file names are shown from
 */
export function failures(report: VitestReport, root: string): readonly string[] {
  return report.testResults.flatMap((file) => {
    const name = file.name.startsWith(`${root}/`) ? file.name.slice(root.length + 1) : file.name;
    const tests = file.assertionResults
      .filter((test) => test.status !== "passed")
      .map((test) => `${name} > ${test.fullName ?? "?"} (${test.status})\n${cause((test.failureMessages ?? []).join("\n"))}`.trimEnd());
    const broken = file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed");
    return broken ? [...tests, `${name} could not be run\n${cause(file.message ?? "")}`.trimEnd()] : tests;
  });
}
