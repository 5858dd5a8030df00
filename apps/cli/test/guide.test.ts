import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseCommand } from "../src/command.ts";
import { commandHelp, commandNames } from "../src/command/help.ts";
import { exitCodes } from "../src/exit-codes.ts";

const guide = readFileSync(new URL("../../../docs/guides/cli.md", import.meta.url), "utf8");

test("the guide has each exit code with its ending, and no other", () => {
  const rows = [...guide.matchAll(/^\| (\d+) \| `(\w+)` \|/gm)].map(([, code, ending]) => [ending, Number(code)]);
  expect(Object.fromEntries(rows)).toEqual(exitCodes);
});

test("the guide names each command, and each option of a call", () => {
  for (const name of commandNames) expect(guide).toMatch(new RegExp(`^\\| \`${name}[ \`]`, "m"));
  for (const option of commandHelp.call.options) expect(guide).toContain(`| \`--${option}\` |`);
});

test("each command line of the guide is one that is understood", () => {
  const lines = [...guide.matchAll(/^npm run countersign -- (.*)$/gm)].map(([, words = ""]) => words.split(" "));
  expect(lines).toHaveLength(3);
  for (const words of lines) expect(parseCommand(words)).toMatchObject({ command: words[0] });
});
