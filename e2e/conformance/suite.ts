import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

const entry = join(import.meta.dirname, "../../node_modules/@modelcontextprotocol/conformance/dist/index.js");

/** How one run of the official suite ended. */
export interface SuiteRun {
  readonly exitCode: number;
  readonly output: string;
}

/** Runs the official MCP conformance suite with these arguments and more environment variables; `onOutput` sees its output as it comes. */
export function runSuite(
  args: readonly string[],
  onOutput: (text: string, child: ChildProcess) => void = () => {},
  env: Readonly<Record<string, string>> = {},
): Promise<SuiteRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [entry, ...args], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    let output = "";
    const collect = (chunk: Buffer): void => {
      output += chunk.toString("utf8");
      onOutput(chunk.toString("utf8"), child);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", reject);
    child.on("close", (code) => resolve({ exitCode: code ?? 1, output }));
  });
}
