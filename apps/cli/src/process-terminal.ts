import { createInterface } from "node:readline/promises";
import type { Terminal } from "./terminal.ts";

/** The streams of a process, or what stands in for them in a test. */
export interface ProcessStreams {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Pick<NodeJS.WritableStream, "write">;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
}

/** The terminal that a process was started in. A person can be asked when both what they read and what they type is a terminal. */
export function processTerminal({ stdin, stdout, stderr }: ProcessStreams): Terminal {
  return {
    print: (text) => void stdout.write(text),
    tell: (text) => void stderr.write(text),
    get columns() {
      return stderr.isTTY === true ? (stderr.columns ?? 80) : undefined;
    },
    attended: stdin.isTTY === true && stderr.isTTY === true,
    ask: async (question, signal) => {
      const lines = createInterface({ input: stdin, output: stderr });
      // Ctrl-C while a question stands is the same Ctrl-C as at any other time.
      lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
      const ended = new Promise<undefined>((resolve) => lines.once("close", () => resolve(undefined)));
      try {
        return await Promise.race([lines.question(question, { signal }), ended]);
      } catch (error) {
        if (signal.aborted) return undefined;
        throw error;
      } finally {
        lines.close();
      }
    },
    readInput: async (bytesMax) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of stdin) {
        const part = Buffer.from(chunk);
        bytes += part.length;
        if (bytes > bytesMax) return undefined;
        chunks.push(part);
      }
      return Buffer.concat(chunks).toString("utf8");
    },
  };
}
