import { runStack } from "../stack/run-stack.ts";
import { serveFixture } from "./fixture/serve-fixture.ts";
import { isUnexpected, type Outcome } from "./outcome.ts";
import { serverKnownFailures } from "./server-known-failures.ts";
import { runSuite } from "./suite.ts";

const revisions = ["2026-07-28", "2025-11-25"];
/** The revision by which extensions are judged. */
const newest = "2026-07-28";

/** The scenarios that a shop without fixtures can answer, by revision. */
const storeScenarios: Readonly<Record<string, readonly string[]>> = {
  "2026-07-28": [
    "tools-list",
    "resources-list",
    "prompts-list",
    "caching",
    "http-header-validation",
    "dns-rebinding-protection",
    "sep-2164-resource-not-found",
    "input-required-result-unsupported-methods",
  ],
  "2025-11-25": ["server-initialize", "ping", "tools-list", "resources-list", "prompts-list", "dns-rebinding-protection"],
};

/**
 * Runs every server scenario of both revisions against a server made of the suite's fixtures behind the kit's `protect`, and those that need no fixture
 * against the store as `countersign up` starts it, which is made with the kit's `createApp`.
 */
export async function runServer(say: (line: string) => void): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const note = (outcome: Outcome): void => {
    outcomes.push(outcome);
    say(describe(outcome));
  };
  const all = await applicableScenarios();
  const strays = Object.keys(serverKnownFailures).filter((scenario) => !Object.values(all).flat().includes(scenario));
  if (strays.length > 0) throw new Error(`listed as failing, but not in the suite: ${strays.join(", ")}`);
  const fixture = await serveFixture();
  try {
    for (const [revision, scenarios] of Object.entries(all)) {
      for (const scenario of scenarios) note(await runScenario(fixture.url, revision, scenario, serverKnownFailures[scenario]));
    }
  } finally {
    await fixture.stop();
  }
  const stack = await runStack();
  try {
    for (const [revision, scenarios] of Object.entries(storeScenarios)) {
      for (const scenario of scenarios) note(await runScenario(`${stack.urls.store}/mcp`, revision, scenario, undefined, "store: "));
    }
  } finally {
    await stack.stop();
  }
  return outcomes;
}

async function runScenario(url: string, revision: string, scenario: string, knownFailure?: string, prefix = ""): Promise<Outcome> {
  const run = await runSuite(["server", "--url", url, "--scenario", scenario, "--spec-version", revision, "--force"]);
  return {
    name: `${prefix}${scenario} (${revision})`,
    passed: run.exitCode === 0,
    output: run.output,
    ...(knownFailure === undefined ? {} : { knownFailure }),
  };
}

function describe(outcome: Outcome): string {
  const { name, passed, knownFailure } = outcome;
  if (!isUnexpected(outcome)) return knownFailure === undefined ? `ok    ${name}` : `known ${name}: ${knownFailure}`;
  return passed ? `STALE ${name}: passes, but is listed in server-known-failures.ts` : `FAIL  ${name}`;
}

/** The server part of `list`: each scenario with the revisions that it applies to. */
async function applicableScenarios(): Promise<Readonly<Record<string, readonly string[]>>> {
  const { output } = await runSuite(["list"]);
  const [, part] = /^Server scenarios.*\n((?: {2}- \S+ \[\S+\]\n)+)/m.exec(output) ?? [];
  if (part === undefined) throw new Error(`the suite names no server scenarios:\n${output}`);
  const rows = [...part.matchAll(/- (\S+) \[(\S+)\]/g)].map(([, name = "", versions = ""]) => ({ name, versions: versions.split(",") }));
  const applies = (versions: readonly string[], revision: string): boolean =>
    versions.includes(revision) || (revision === newest && versions.includes("extension"));
  return Object.fromEntries(
    revisions.map((revision) => [revision, rows.filter(({ versions }) => applies(versions, revision)).map(({ name }) => name)]),
  );
}
