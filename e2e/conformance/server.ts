import { runStack } from "../stack/run-stack.ts";
import type { Outcome } from "./outcome.ts";
import { runSuite } from "./suite.ts";

/** The scenarios that need no fixture tool, prompt or resource, by revision. The others are for servers made of fixtures. */
export const serverScenarios: Readonly<Record<string, readonly string[]>> = {
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

/** Runs them against the store as `countersign up` starts it, the mixed-auth gate in front. */
export async function runServer(say: (line: string) => void): Promise<readonly Outcome[]> {
  const stack = await runStack();
  const outcomes: Outcome[] = [];
  try {
    for (const [revision, scenarios] of Object.entries(serverScenarios)) {
      for (const scenario of scenarios) {
        const run = await runSuite(["server", "--url", `${stack.urls.store}/mcp`, "--scenario", scenario, "--spec-version", revision, "--force"]);
        outcomes.push({ name: `${scenario} (${revision})`, passed: run.exitCode === 0, output: run.output });
        say(`${run.exitCode === 0 ? "ok  " : "FAIL"} ${revision} ${scenario}`);
      }
    }
  } finally {
    await stack.stop();
  }
  return outcomes;
}
