// `npm run conformance -- server|client|authorization`: the official MCP conformance suite against our parts, offline.
import { runAuthorization } from "./authorization.ts";
import type { Outcome } from "./outcome.ts";
import { runServer } from "./server.ts";

const runs: Readonly<Record<string, (say: (line: string) => void) => Promise<readonly Outcome[]>>> = {
  server: runServer,
  authorization: runAuthorization,
};

const wanted = process.argv[2];
const run = wanted === undefined ? undefined : runs[wanted];
if (run === undefined) {
  console.error(`Say which part to test: npm run conformance -- ${Object.keys(runs).join("|")}`);
  process.exit(2);
}
const outcomes = await run((line) => console.log(line));
const failed = outcomes.filter((each) => !each.passed);
for (const each of failed) console.log(`\n--- ${each.name}\n${each.output}`);
console.log(`${outcomes.length - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length === 0 && outcomes.length > 0 ? 0 : 1);
