import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clientKnownFailures } from "./client-known-failures.ts";
import { isUnexpected, type Outcome } from "./outcome.ts";
import { runSuite } from "./suite.ts";

const revisions = ["2026-07-28", "2025-11-25"];
const command = `"${process.execPath}" "${join(import.meta.dirname, "client-under-test.ts")}"`;

/** Runs every client scenario that the suite requires of a client of either revision against the host, one at a time, each with a host of its own. */
export async function runClient(say: (line: string) => void): Promise<readonly Outcome[]> {
  const plans = await Promise.all(revisions.map(async (revision) => ({ revision, scenarios: await requiredScenarios(revision) })));
  const required = new Set(plans.flatMap(({ scenarios }) => scenarios));
  const strays = Object.keys(clientKnownFailures).filter((scenario) => !required.has(scenario));
  if (strays.length > 0) throw new Error(`listed as failing, but not required of anybody: ${strays.join(", ")}`);
  // Each scenario is two processes that mostly load the same code.
  const cache = mkdtempSync(join(tmpdir(), "countersign-conformance-"));
  const outcomes: Outcome[] = [];
  try {
    for (const { revision, scenarios } of plans) {
      for (const scenario of scenarios) {
        const outcome = await runScenario(revision, scenario, { NODE_COMPILE_CACHE: cache });
        outcomes.push(outcome);
        say(describe(outcome));
      }
    }
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
  return outcomes;
}

async function runScenario(revision: string, scenario: string, env: Readonly<Record<string, string>>): Promise<Outcome> {
  const args = ["client", "--command", command, "--scenario", scenario, "--spec-version", revision, "--force"];
  const run = await runSuite(args, () => {}, env);
  const knownFailure = clientKnownFailures[scenario];
  return {
    name: `${scenario} (${revision})`,
    passed: run.exitCode === 0,
    output: run.output,
    ...(knownFailure === undefined ? {} : { knownFailure }),
  };
}

function describe(outcome: Outcome): string {
  const { name, passed, knownFailure } = outcome;
  if (!isUnexpected(outcome)) return knownFailure === undefined ? `ok    ${name}` : `known ${name}: ${knownFailure}`;
  return passed ? `STALE ${name}: passes, but is listed in client-known-failures.ts` : `FAIL  ${name}`;
}

/** The client part of `list --requirements`: what the revision required when it was released. */
async function requiredScenarios(revision: string): Promise<readonly string[]> {
  const { output } = await runSuite(["list", "--requirements", revision]);
  const [, part] = /^Client scenarios.*\n((?: {2}- \S+\n)+)/m.exec(output) ?? [];
  if (part === undefined) throw new Error(`the suite names no client scenarios of ${revision}:\n${output}`);
  return [...part.matchAll(/- (\S+)/g)].flatMap(([, name]) => name ?? []);
}
