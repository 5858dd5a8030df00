import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BenchCommand } from "./command.ts";
import { didYouMean } from "./command/nearest.ts";
import { exitCodes } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

const folder = new URL("../../../bench/", import.meta.url);

/** `countersign bench`: runs the measurements in a process of their own and gives its exit code. */
export async function bench({ scenario, json }: BenchCommand, terminal: Terminal): Promise<number> {
  const scenarios = readdirSync(new URL("scenarios/", folder))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.replace(/\.ts$/, ""));
  if (scenario !== undefined && !scenarios.includes(scenario)) {
    terminal.tell(
      `countersign: there is no scenario “${scenario.slice(0, 80)}”.${didYouMean(scenario, scenarios)} There are ${scenarios.join(", ")}.\n`,
    );
    return exitCodes.usage;
  }
  const words = [...(scenario === undefined ? [] : [scenario]), ...(json ? ["--json"] : [])];
  const child = spawn(process.execPath, [fileURLToPath(new URL("main.ts", folder)), ...words], { stdio: "inherit" });
  // The terminal sends Ctrl-C to both; whoever started this waits until the measurements have stopped.
  process.on("SIGINT", () => {});
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? exitCodes.interrupted));
  });
}
