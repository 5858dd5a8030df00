import { describe, expect, test } from "vitest";
import { parseCommand } from "../src/command.ts";
import { commandHelp, commandNames, overview } from "../src/command/help.ts";

describe("a command line", () => {
  test.each([
    [["up"], { command: "up", apps: [] }],
    [["up", "--app", "one", "--app=two"], { command: "up", apps: ["one", "two"] }],
    [["new", "my-app"], { command: "new", folder: "my-app", port: 4500, install: true }],
    [["config"], { command: "config", party: undefined, json: false }],
    [["config", "wallet", "--json"], { command: "config", party: "wallet", json: true }],
    [["bench", "bundles"], { command: "bench", scenario: "bundles", json: false }],
    [["--version"], { command: "version" }],
    [["config", "--debug"], { command: "config", party: undefined, json: false, debug: true }],
    [["new", "--port", "8080", "--no-install", "../my-app"], { command: "new", folder: "../my-app", port: 8080, install: false }],
  ])("%j is understood", (words, command) => {
    expect(parseCommand(words)).toEqual(command);
  });

  test.each([
    [[], "Commands"],
    [["help"], "Commands"],
    [["-h"], "Commands"],
    [["--help"], "Commands"],
    [["help", "new"], "--no-install"],
    [["help", "nothing"], "Commands"],
    [["bench", "-h"], "<scenario>"],
    [["up", "--help"], "--app <folder>"],
    [["new", "-h"], "--no-install"],
    [["new", "my-app", "--help"], "--no-install"],
  ])("%j asks for help", (words, part) => {
    expect(parseCommand(words)).toEqual({ command: "help", text: expect.stringContaining(part) });
  });

  test.each([
    [["fly"], "there is no command “fly”. The commands are up, doctor, config, new and bench."],
    [["confgi"], "there is no command “confgi”. Did you mean config? The commands are up, doctor, config, new and bench."],
    [["up", "--ap", "x"], "Unknown option '--ap'. Did you mean --app? Run `npm start -- --help`."],
    [["config", "--jsno"], "Unknown option '--jsno'. Did you mean --json? Run `countersign config --help`."],
    [["config", "host", "wallet"], "config takes at most one word. Run `countersign config --help`."],
    [["up", "now"], "Unexpected argument 'now'. Run `npm start -- --help`."],
    [["up", "--app"], "Option '--app <value>' argument missing. Run `npm start -- --help`."],
    [["up", "--fast"], "Unknown option '--fast'. Run `npm start -- --help`."],
    [["new"], "new takes one folder. Run `npm run new -- --help`."],
    [["new", ""], "new takes one folder. Run `npm run new -- --help`."],
    [["new", "one", "two"], "new takes one folder. Run `npm run new -- --help`."],
    [["new", "one", "--port", "many"], "--port is a number from 1 to 65535."],
    [["new", "one", "--port", "0"], "--port is a number from 1 to 65535."],
    [["new", "one", "--port", "70000"], "--port is a number from 1 to 65535."],
  ])("%j is refused in one sentence", (words, sentence) => {
    expect(parseCommand(words)).toEqual({ command: "wrong", sentence });
  });

  test("every command has help that names each of its options, and lines of at most 160 characters", () => {
    for (const name of commandNames) {
      const { text, options } = commandHelp[name];
      for (const option of [...options, "help", "debug"]) expect(text).toContain(`--${option}`);
      expect(text).toMatch(/^Usage: .*\n/);
      expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(160);
      expect(overview).toContain(`  ${name}`);
    }
  });
});
