// `npm run conformance -- server|client|authorization`: the official MCP conformance suite against our parts, offline.
import { runAuthorization } from "./authorization.ts";
import { runClient } from "./client.ts";
import { isUnexpected, type Outcome } from "./outcome.ts";
import { runServer } from "./server.ts";

const runs: Readonly<Record<string, (say: (line: string) => void) => Promise<readonly Outcome[]>>> = {
  server: runServer,
  client: runClient,
  authorization: runAuthorization,
};

const wanted = process.argv[2];
const run = wanted === undefined ? undefined : runs[wanted];
if (run === undefined) {
  console.error(`Say which part to test: npm run conformance -- ${Object.keys(runs).join("|")}`);
  process.exit(2);
}
const outcomes = await run((line) => console.log(line));
const unexpected = outcomes.filter(isUnexpected);
const known = outcomes.filter((each) => !each.passed && each.knownFailure !== undefined).length;
for (const each of unexpected) console.log(`\n--- ${each.name}\n${each.output}`);
const passed = outcomes.filter((each) => each.passed).length;
console.log(`${passed} passed, ${outcomes.length - passed} failed${known === 0 ? "" : ` (${known} as listed, each with its reason)`}`);
const stale = unexpected.filter((each) => each.passed).length;
if (stale > 0) console.log(`${stale} passed that are listed as failing: take them off the list`);
process.exit(unexpected.length === 0 && outcomes.length > 0 ? 0 : 1);
