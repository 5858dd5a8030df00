import { describe, expect, test } from "vitest";
import { type Command, parseCommand } from "../src/command.ts";
import { commandHelp, commandNames, overview } from "../src/command/help.ts";

const call = (server: string, tool: string, ...words: readonly string[]): Command => ({
  command: "call",
  server,
  tool,
  words,
  json: false,
  trace: false,
  agree: false,
  way: "browser",
});
const connect = { command: "connect", server: undefined, act: "list", name: undefined, json: false, way: "browser" } as const;

describe("a command line", () => {
  test.each([
    [["up"], { command: "up", apps: [] }],
    [["up", "--app", "one", "--app=two"], { command: "up", apps: ["one", "two"] }],
    [["new", "my-app"], { command: "new", folder: "my-app", port: 4500, install: true }],
    [["config"], { command: "config", party: undefined, json: false }],
    [["call", "store", "browse"], call("store", "browse")],
    [["call", "store", "pay", "--device", "a=1", "--json", "b=-2"], { ...call("store", "pay", "a=1", "b=-2"), json: true, way: "device" }],
    [
      ["call", "https://x.example/mcp", "t", "{}", "--no-browser", "--trace", "--agree"],
      { ...call("https://x.example/mcp", "t", "{}"), trace: true, agree: true, way: "link" },
    ],
    [["call", "store", "t", "--trace-file", "t.mmd"], { ...call("store", "t"), traceFile: { path: "t.mmd", overwrite: false } }],
    [["call", "store", "t", "--trace-file=t.json", "--overwrite"], { ...call("store", "t"), traceFile: { path: "t.json", overwrite: true } }],
    [["call", "store", "t", "--", "--help"], call("store", "t", "--help")],
    [["connect"], connect],
    [["connect", "store", "--sign-in", "--device"], { ...connect, server: "store", act: "sign_in", way: "device" }],
    [["connect", "https://x.example/mcp", "--name", "x"], { ...connect, server: "https://x.example/mcp", name: "x" }],
    [["connect", "store", "--sign-out", "--json"], { ...connect, server: "store", act: "sign_out", json: true }],
    [["connect", "store", "--remove"], { ...connect, server: "store", act: "remove" }],
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
    [["fly"], "there is no command “fly”. The commands are up, call, connect, doctor, config, new and bench."],
    [["confgi"], "there is no command “confgi”. Did you mean config? The commands are up, call, connect, doctor, config, new and bench."],
    [["up", "--ap", "x"], "Unknown option '--ap'. Did you mean --app? Run `npm start -- --help`."],
    [["config", "--jsno"], "Unknown option '--jsno'. Did you mean --json? Run `countersign config --help`."],
    [["call", "store"], "call takes a server and a tool. Run `countersign call --help`."],
    [["call", "store", "t", "--trace-file="], "--trace-file takes the name of a file. Run `countersign call --help`."],
    [["call", "store", "t", "--overwrite"], "--overwrite goes with --trace-file. Run `countersign call --help`."],
    [["call", "store", "t", "--devcie"], "Unknown option '--devcie'. Did you mean --device? Run `countersign call --help`."],
    [["connect", "a", "b"], "connect takes one server. Run `countersign connect --help`."],
    [["connect", "a", "--sign-out", "--remove"], "--sign-out and --remove do not go together. Run `countersign connect --help`."],
    [["connect", "--remove"], "name the server that is meant. Run `countersign connect --help`."],
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
