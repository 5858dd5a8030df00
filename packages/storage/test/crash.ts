import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openDatabase } from "../src/open.ts";

/** A child process that writes records until it dies; `acknowledged` are the ids it reported. */
export interface Writer {
  readonly acknowledged: readonly string[];
  untilAcknowledged(count: number): Promise<void>;
  kill(): void;
  untilGone(): Promise<void>;
}

export function startWriter(url: string, prefix: string): Writer {
  const child = spawnProgram("write-forever.ts", [url, prefix]);
  const acknowledged: string[] = [];
  const waiting: { count: number; resolve(): void; reject(reason: Error): void }[] = [];
  const lines = createInterface({ input: outputOf(child) });
  lines.on("line", (line) => {
    acknowledged.push(line);
    for (const each of waiting) if (acknowledged.length >= each.count) each.resolve();
  });
  const gone = new Promise<void>((resolve) => lines.once("close", resolve));
  void gone.then(() => {
    for (const each of waiting) each.reject(new Error(`the writer ended after ${acknowledged.length} writes`));
  });
  return {
    acknowledged,
    untilAcknowledged: (count) => new Promise((resolve, reject) => waiting.push({ count, resolve, reject })),
    kill: () => void child.kill("SIGKILL"),
    untilGone: () => gone,
  };
}

/** The ids of `expected` that the database does not hold. */
export async function findLost(url: string, expected: readonly string[]): Promise<readonly string[]> {
  const database = await openDatabase<object>({ url, schema: "wallet", migrations: [] });
  try {
    const rows = database.records({ name: "rows", parse: (json) => json });
    const lost: string[] = [];
    for (const id of expected) {
      const row = await rows.get(id, 0);
      const isWhole =
        row !== undefined &&
        (Object.keys(row.keys).length === 0 ||
          (await rows.find("writer", row.keys["writer"] ?? "", 0, { limit: 1000 })).some((found) => found.id === id));
      if (!isWhole) lost.push(id);
    }
    return lost;
  } finally {
    await database.close();
  }
}

/** Runs a program of `test/programs` in a process of its own. */
export function spawnProgram(name: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, "programs", name), ...args], { stdio: ["pipe", "pipe", "ignore"] });
}

export function outputOf(child: ChildProcess): NodeJS.ReadableStream {
  if (child.stdout === null) throw new TypeError("the child has no output");
  return child.stdout;
}
