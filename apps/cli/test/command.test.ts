import { describe, expect, test } from "vitest";
import { parseCommand } from "../src/command.ts";

describe("a command line", () => {
  test.each([
    [["up"], { command: "up", apps: [] }],
    [["up", "--app", "one", "--app=two"], { command: "up", apps: ["one", "two"] }],
    [["new", "my-app"], { command: "new", folder: "my-app", port: 4500, install: true }],
    [["new", "--port", "8080", "--no-install", "../my-app"], { command: "new", folder: "../my-app", port: 8080, install: false }],
  ])("%j is understood", (words, command) => {
    expect(parseCommand(words)).toEqual(command);
  });

  test.each([
    [[], "Commands"],
    [["help"], "Commands"],
    [["-h"], "Commands"],
    [["up", "--help"], "--app <folder>"],
    [["new", "-h"], "--no-install"],
    [["new", "my-app", "--help"], "--no-install"],
  ])("%j asks for help", (words, part) => {
    expect(parseCommand(words)).toEqual({ command: "help", text: expect.stringContaining(part) });
  });

  test.each([
    [["fly"], "there is no command “fly”. The commands are up, new and doctor."],
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
});
