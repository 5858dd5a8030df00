import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { processTerminal } from "../src/process-terminal.ts";

const { signal } = new AbortController();
const tty = (): PassThrough & { isTTY?: boolean } => Object.assign(new PassThrough(), { isTTY: true });

test("a person is asked on the standard error, line by line, until they end the input", async () => {
  const [stdin, stdout, stderr] = [tty(), new PassThrough(), tty()];
  const terminal = processTerminal({ stdin, stdout, stderr });
  expect(terminal.attended).toBe(true);
  const first = terminal.ask("Sure? ", signal);
  stdin.write("yes\n");
  expect(await first).toBe("yes");
  const second = terminal.ask("Really? ", signal);
  stdin.end();
  expect(await second).toBeUndefined();
  expect(String(stderr.read())).toContain("Sure? ");
  expect(stdout.read()).toBeNull();
});

test("a question that nobody needs answered any more is given up", async () => {
  const stopping = new AbortController();
  const asked = processTerminal({ stdin: tty(), stdout: new PassThrough(), stderr: tty() }).ask("Sure? ", stopping.signal);
  stopping.abort();
  expect(await asked).toBeUndefined();
});

test("nobody sits where input or messages are no terminal", () => {
  for (const [stdin, stderr] of [
    [tty(), new PassThrough()],
    [new PassThrough(), tty()],
  ] as const) {
    expect(processTerminal({ stdin, stdout: new PassThrough(), stderr }).attended).toBe(false);
  }
});

test("the input is read whole, and refused beyond its bound", async () => {
  const read = (bytesMax: number): Promise<string | undefined> => {
    const stdin = new PassThrough();
    stdin.end("grüße");
    return processTerminal({ stdin, stdout: new PassThrough(), stderr: tty() }).readInput(bytesMax);
  };
  expect(await read(7)).toBe("grüße");
  expect(await read(6)).toBeUndefined();
});
