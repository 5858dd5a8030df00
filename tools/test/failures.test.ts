import { describe, expect, it } from "vitest";
import { failures, type VitestReport } from "../failures.ts";

function report(...testResults: VitestReport["testResults"]): VitestReport {
  return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults };
}

const passed = { status: "passed", fullName: "adds" };

describe("what a run says last", () => {
  it("names nothing when every test passed", () => {
    expect(failures(report({ status: "passed", name: "/tree/a.test.ts", assertionResults: [passed] }), "/tree")).toEqual([]);
  });

  it("names a failed test by file and title, with its cause to the first place, without colours", () => {
    const message = "\u001b[31mAssertionError: expected 1 to be 2\u001b[39m\n\n- 2\n+ 1\n    at /tree/a.test.ts:3:4\n    at runner:9:9";
    const file = {
      status: "failed",
      name: "/tree/a.test.ts",
      assertionResults: [passed, { status: "failed", fullName: "sums adds", failureMessages: [message] }],
    };
    expect(failures(report(file), "/tree")).toEqual([
      "a.test.ts > sums adds (failed)\n    AssertionError: expected 1 to be 2\n    - 2\n    + 1\n        at /tree/a.test.ts:3:4",
    ]);
  });

  it("names skipped and unwritten tests, which count as failed", () => {
    const file = {
      status: "passed",
      name: "/tree/a.test.ts",
      assertionResults: [
        { status: "skipped", fullName: "later" },
        { status: "todo", fullName: "never" },
      ],
    };
    expect(failures(report(file), "/tree")).toEqual(["a.test.ts > later (skipped)", "a.test.ts > never (todo)"]);
  });

  it("names a file that could not be loaded, though no test of it ran", () => {
    const file = { status: "failed", name: "/elsewhere/b.test.ts", message: "Cannot find module 'x'", assertionResults: [] };
    expect(failures(report(file), "/tree")).toEqual(["/elsewhere/b.test.ts could not be run\n    Cannot find module 'x'"]);
  });

  it("shows at most twelve lines of a cause", () => {
    const message = Array.from({ length: 100 }, (_, line) => `line ${line}`).join("\n");
    const file = {
      status: "failed",
      name: "/tree/a.test.ts",
      assertionResults: [{ status: "failed", fullName: "long", failureMessages: [message] }],
    };
    expect(failures(report(file), "/tree")[0]?.split("\n")).toHaveLength(13);
  });
});
