// `npm run bench -- [scenario] [--json]`: measures side by side in one run and prints figures and ratios; one JSON line a scenario with --json.
// Nothing here is asserted by tests: machines differ, ratios are read by people.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { arch, cpus, loadavg, platform } from "node:os";
import { join } from "node:path";
import { plotGoals } from "./plot.ts";
import { describeGoal, formatReport, type Results } from "./report.ts";
import { type Findings, keepsGoal, roundFigure, type Scenario } from "./scenario.ts";

const folder = join(import.meta.dirname, "scenarios");
const load = `load average ${(loadavg()[0] ?? 0).toFixed(1)} before the run`;
const machine = `${cpus().length} x ${cpus()[0]?.model.trim() ?? "unknown CPU"}, ${platform()} ${arch()}, Node ${process.versions.node}, ${load}`;

async function loadScenarios(wanted: string | undefined): Promise<readonly Scenario[]> {
  const files = readdirSync(folder).filter((file) => file.endsWith(".ts"));
  const names = files.map((file) => file.replace(/\.ts$/, ""));
  if (wanted !== undefined && !names.includes(wanted)) {
    console.error(`There is no scenario ${wanted}. There are: ${names.join(", ")}.`);
    process.exit(1);
  }
  const chosen = names.filter((name) => wanted === undefined || name === wanted);
  return Promise.all(chosen.map(async (name) => ((await import(join(folder, `${name}.ts`))) as { scenario: Scenario }).scenario));
}

function printTable(scenario: Scenario, findings: Findings): void {
  console.log(`\n${scenario.name}: ${scenario.question}`);
  for (const figure of findings.figures) console.log(`  ${figure.name.padEnd(44)} ${String(roundFigure(figure.value)).padStart(10)} ${figure.unit}`);
  for (const ratio of findings.ratios) {
    const bound = describeGoal(ratio);
    const goal = bound === undefined ? "" : ` (goal ${bound}: ${keepsGoal(ratio) === true ? "kept" : "missed"})`;
    console.log(`  ${ratio.name.padEnd(44)} ${String(roundFigure(ratio.value)).padStart(10)} x${goal}`);
  }
}

async function main(args: readonly string[]): Promise<void> {
  const json = args.includes("--json");
  const scenarios = await loadScenarios(args.find((arg) => !arg.startsWith("--")));
  const results: Record<string, Findings> = {};
  if (!json) console.log(`machine: ${machine}`);
  for (const scenario of scenarios) {
    const say = (progress: string): void => void process.stderr.write(`bench ${scenario.name}: ${progress}\n`);
    const findings = await scenario.run(say);
    results[scenario.name] = findings;
    if (json) console.log(JSON.stringify({ scenario: scenario.name, machine, ...findings }));
    else printTable(scenario, findings);
  }
  if (scenarios.length > 1) writeResults(results);
}

function writeResults(results: Results): void {
  const target = join(import.meta.dirname, "results");
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, "latest.json"), `${JSON.stringify({ machine, results }, undefined, 2)}\n`);
  writeFileSync(join(target, "latest.md"), formatReport(machine, results));
  writeFileSync(join(target, "latest.svg"), plotGoals(machine, results));
}

await main(process.argv.slice(2));
process.exit(0);
