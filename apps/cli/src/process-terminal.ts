import type { Terminal } from "./terminal.ts";

/** The streams of a process, or what stands in for them in a test. */
export interface ProcessStreams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** The terminal that a process was started in. */
export function processTerminal({ stdout, stderr }: ProcessStreams): Terminal {
  return { print: (text) => void stdout.write(text), tell: (text) => void stderr.write(text) };
}
