import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { WriteLoop } from "./write-loop.ts";

/** A write loop that runs: the keys of the writes that were answered, and how it ended. */
export interface LoopRun {
  readonly acknowledged: readonly string[];
  readonly ended: Promise<string | number>;
}

/** Starts a process that makes these writes. `watch` hears of each answer and may kill it. */
export function runWriteLoop(loop: WriteLoop, watch: (count: number, kill: () => void) => void = () => undefined): LoopRun {
  const child = spawn(process.execPath, [join(import.meta.dirname, "write-loop.ts")], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify(loop));
  const acknowledged: string[] = [];
  createInterface(child.stdout).on("line", (line) => {
    acknowledged.push(line);
    watch(acknowledged.length, () => child.kill("SIGKILL"));
  });
  const ended = new Promise<string | number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(signal ?? code ?? 0));
  });
  return { acknowledged, ended };
}
