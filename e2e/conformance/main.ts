// `npm run conformance -- server|client|authorization`: the official MCP conformance suite against our parts, offline.
// `npm run conformance -- ucp|acp --schemas <folder>`: the shop's answers to shopping agents, held against the schemas that their protocol publishes.
import { isUnexpected, type Outcome } from "./outcome.ts";
import { UnfitFolder } from "./schema-folder.ts";

type Run = (say: (line: string) => void, options: readonly string[]) => Promise<readonly Outcome[]>;

/** Each is loaded when it is asked for: most need a whole stack and a browser. */
const runs: Readonly<Record<string, () => Promise<Run>>> = {
  server: async () => (await import("./server.ts")).runServer,
  client: async () => (await import("./client.ts")).runClient,
  authorization: async () => (await import("./authorization.ts")).runAuthorization,
  ucp: async () => (await import("./ucp.ts")).runUcp,
  acp: async () => (await import("./acp.ts")).runAcp,
};

const [wanted, ...options] = process.argv.slice(2);
const load = wanted === undefined ? undefined : runs[wanted];
if (load === undefined) {
  console.error(`Say which part to test: npm run conformance -- ${Object.keys(runs).join("|")}`);
  process.exit(2);
}
const run = await load();
const outcomes = await run((line) => console.log(line), options).catch((thrown: unknown) => {
  if (!(thrown instanceof UnfitFolder)) throw thrown;
  console.error(thrown.message);
  process.exit(2);
});
const unexpected = outcomes.filter(isUnexpected);
const known = outcomes.filter((each) => !each.passed && each.knownFailure !== undefined).length;
for (const each of unexpected) console.log(`\n--- ${each.name}\n${each.output}`);
const passed = outcomes.filter((each) => each.passed).length;
console.log(`${passed} passed, ${outcomes.length - passed} failed${known === 0 ? "" : ` (${known} as listed, each with its reason)`}`);
const stale = unexpected.filter((each) => each.passed).length;
if (stale > 0) console.log(`${stale} passed that are listed as failing: take them off the list`);
process.exit(unexpected.length === 0 && outcomes.length > 0 ? 0 : 1);
