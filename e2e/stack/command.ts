import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:http";
import { dirname } from "node:path";

const root = dirname(dirname(import.meta.dirname));

/** A command of the product, run as a person runs it. */
export interface Command {
  readonly child: ChildProcess;
  /** Everything printed so far, both streams. */
  readonly output: () => string;
  /** Resolves when the output contains the text; rejects with the output when the command ends first. */
  printed(text: string): Promise<void>;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** Starts `node <args>` in the root of the tree, in a process group of its own, with these variables added to the environment (`base`: this process's). */
export function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  base: Readonly<Record<string, string | undefined>> = process.env,
): Command {
  return runProgram([process.execPath, ...args], root, { ...base, ...env });
}

/** Starts any program in a folder, in a process group of its own. */
export function runProgram(words: readonly [string, ...string[]], cwd: string, env: Readonly<Record<string, string | undefined>>): Command {
  const [program, ...args] = words;
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let output = "";
  const listeners = new Set<() => void>();
  const collect = (chunk: Buffer): void => {
    output += chunk.toString("utf8");
    for (const listener of listeners) listener();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  const printed = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!output.includes(text)) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      void ended.then(({ code }) => reject(new Error(`the command ended with ${String(code)} before it printed “${text}”:\n${output}`)));
      look();
    });
  return { child, output: () => output, printed, ended };
}

/** Sends a signal to the whole group, as a terminal does on Ctrl-C. */
export function signalGroup(command: Command, signal: NodeJS.Signals): void {
  const { pid } = command.child;
  if (pid !== undefined) process.kill(-pid, signal);
}

/** Below what systems give to those who do not ask for a port (Linux: 32768, others: 49152), so that nobody is given one of these meanwhile. */
const firstPort = 20_000;
const portsPerWorker = 1_000;
const workersMax = 12;
let nextPort = Math.floor(Math.random() * portsPerWorker);

/** Ports for a command that is told them by its environment: free now, and no other test file of this run takes them. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const worker = Number(process.env["VITEST_POOL_ID"] ?? 0) % workersMax;
  const free: number[] = [];
  for (let tried = 0; free.length < count; tried += 1) {
    if (tried === portsPerWorker) throw new Error(`of the ${portsPerWorker} ports of this test worker fewer than ${count} are free`);
    const port = firstPort + worker * portsPerWorker + (nextPort++ % portsPerWorker);
    if (await isFree(port)) free.push(port);
  }
  return free;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listens = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (listens) await new Promise((resolve) => server.close(resolve));
  return listens;
}
