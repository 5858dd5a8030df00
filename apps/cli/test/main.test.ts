import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const bin = join(import.meta.dirname, "../bin/countersign.mjs");

function run(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { readonly code: number | null; readonly out: string; readonly err: string } {
  const ended = spawnSync(process.execPath, [bin, ...words], { encoding: "utf8", env: { ...process.env, ...env } });
  return { code: ended.status, out: ended.stdout, err: ended.stderr };
}

test("help and version go to the standard output and end with 0", () => {
  expect(run(["--help"])).toEqual({ code: 0, out: expect.stringMatching(/^Usage: countersign <command>\n/), err: "" });
  expect(run(["--version"])).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: "" });
});

test("what cannot be followed ends with 2 and one sentence on the standard error", () => {
  expect(run(["confgi"])).toEqual({ code: 2, out: "", err: expect.stringMatching(/^countersign: .*Did you mean config\?.*\n$/) });
  expect(run(["config", "bank"], { COUNTERSIGN_BANK_PORT: "many" })).toMatchObject({ code: 2, err: "" });
});

test("JSON is all that is on the standard output", () => {
  const { code, out, err } = run(["config", "bank", "--json"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(JSON.parse(out)).toMatchObject({ parties: [{ party: "bank" }] });
});

test("what keeps a command from starting is said in one sentence, without a stack", () => {
  const { code, out, err } = run(["up", "--app", "/nonexistent"]);
  expect({ code, out, lines: err.trim().split("\n").length }).toEqual({ code: 1, out: "", lines: 1 });
  expect(err).toMatch(/^countersign: .*\.\n$/);
});
