import { createHash, randomBytes } from "node:crypto";
import { member } from "@countersign/protocol/shape";
import { startSqlite } from "../measure/databases.ts";
import { type Load, openLoad, type Reply } from "../measure/load.ts";
import { locationOf, openPage, type Page, pathOf } from "../measure/page.ts";
import { type Contestant, interleave, type Sample, type Samples, summarize } from "../measure/rounds.ts";
import { type RunningProgram, startProgram } from "../measure/start-program.ts";
import type { Findings, Scenario } from "../scenario.ts";

const plan = { warmUpMs: 5_000, rounds: 6, roundMs: 1_500 };
const goalMs = 150;
const byScript = "OAuth round trip by script";
const byHost = "through host and broker";

/** Connections to each party. */
interface Lines {
  readonly shop: Load;
  readonly issuer: Load;
  readonly resource: string;
}

/** `tools/call` as a client of 2026-07-28 sends it, with or without a token. */
function callShop({ shop, resource }: Lines, token?: string): Promise<Reply> {
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1.0.0" },
  };
  const params = { name: "quote", arguments: { sku: "mug-stoneware-blue", quantity: 2 }, _meta: meta };
  return shop.send({
    method: "POST",
    path: pathOf(resource),
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": "quote",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 7, method: "tools/call", params }),
  });
}

async function readJson(load: Load, path: string): Promise<unknown> {
  const { status, body } = await load.send({ method: "GET", path, headers: {}, body: "" });
  if (status !== 200) throw new Error(`${path} answered ${status}`);
  return JSON.parse(body);
}

/** The least that a client must do: refused, discovery, code with PKCE, token, and the call again. Nothing is kept, and nobody waits for it. */
async function signInByScript(lines: Lines): Promise<void> {
  const refused = await callShop(lines);
  if (refused.status !== 401) throw new Error(`not refused: ${refused.status}`);
  await readJson(lines.shop, `/.well-known/oauth-protected-resource${pathOf(lines.resource)}`);
  await readJson(lines.issuer, "/.well-known/oauth-authorization-server");
  const verifier = randomBytes(32).toString("base64url");
  const redirectUri = "http://127.0.0.1/callback";
  const query = new URLSearchParams({
    response_type: "code",
    client_id: "bench",
    redirect_uri: redirectUri,
    state: randomBytes(32).toString("base64url"),
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    resource: lines.resource,
  });
  const approved = locationOf(await lines.issuer.send({ method: "GET", path: `/authorize?${query}`, headers: {}, body: "" }));
  const form = new URLSearchParams({
    grant_type: "authorization_code",
    code: new URL(approved).searchParams.get("code") ?? "",
    redirect_uri: redirectUri,
    client_id: "bench",
    code_verifier: verifier,
    resource: lines.resource,
  });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const granted = await lines.issuer.send({ method: "POST", path: "/token", headers, body: form.toString() });
  const called = await callShop(lines, String(member(JSON.parse(granted.body), "access_token")));
  if (called.status !== 200 || !called.body.includes("2500")) throw new Error(`no quote: ${called.status} ${called.body}`);
}

/** From the click to the result: the call is stored and parked, the window goes to the authorization server and comes back, the call resumes. */
async function signInByHost(lines: Lines, page: Page): Promise<void> {
  const callId = await page.startCall();
  const away = await page.openFlow(await page.untilParked(callId));
  const back = locationOf(await lines.issuer.send({ method: "GET", path: pathOf(away), headers: {}, body: "" }));
  await page.callback(pathOf(back));
  await page.untilCompleted(callId);
}

/** One after the other; what makes the next one possible is not on the clock. */
async function oneByOne(
  durationMs: number,
  program: RunningProgram | undefined,
  signIn: () => Promise<void>,
  after: () => Promise<void>,
): Promise<Sample> {
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  const before = await program?.usage();
  while (performance.now() - startedAt < durationMs) {
    const clickedAt = performance.now();
    await signIn();
    latenciesMs.push(performance.now() - clickedAt);
    await after();
  }
  const used = await program?.usage();
  return { elapsedMs: performance.now() - startedAt, cpuUs: (used?.cpuUs ?? 0) - (before?.cpuUs ?? 0), latenciesMs };
}

function findingsOf(samples: Samples): Findings {
  const names = [byScript, byHost];
  const figures = names.flatMap((name) => {
    const { p50Ms, p99Ms } = summarize(samples, name);
    return [
      { name, value: p50Ms, unit: "ms p50" as const },
      { name, value: p99Ms, unit: "ms p99" as const },
    ];
  });
  const overheadMs = summarize(samples, byHost).p50Ms - summarize(samples, byScript).p50Ms;
  return {
    figures: [...figures, { name: "host's own CPU for a sign-in", value: summarize(samples, byHost).cpuUsPerOp, unit: "us CPU/op" }],
    ratios: [{ name: `host and broker - script at p50, / ${goalMs} ms`, value: overheadMs / goalMs, goal: { most: 1 } }],
  };
}

async function run(say: (progress: string) => void): Promise<Findings> {
  const engine = startSqlite();
  const undo: (() => Promise<void> | void)[] = [() => engine.close()];
  const open = (origin: string): Load => {
    const load = openLoad(origin, 2);
    undo.push(() => load.close());
    return load;
  };
  try {
    const parties = await startProgram("sign-in-parties");
    undo.push(() => parties.stop());
    const resource = String(parties.facts["url"]);
    const issuer = String(parties.facts["issuer"]);
    const host = await startProgram("host", { shopUrl: resource, issuer, databaseUrl: await engine.newDatabase() });
    undo.push(() => host.stop());
    const origin = String(host.facts["url"]);
    const lines = { shop: open(new URL(resource).origin), issuer: open(issuer), resource };
    const page = await openPage(open(origin), origin);
    const contestants: readonly Contestant[] = [
      {
        name: byScript,
        run: (ms) =>
          oneByOne(
            ms,
            undefined,
            () => signInByScript(lines),
            () => Promise.resolve(),
          ),
      },
      {
        name: byHost,
        run: (ms) =>
          oneByOne(
            ms,
            host,
            () => signInByHost(lines, page),
            () => page.signOut(),
          ),
      },
    ];
    return findingsOf(await interleave(contestants, plan, say));
  } finally {
    for (const each of undo.reverse()) await each();
  }
}

export const scenario: Scenario = {
  name: "sign-in",
  question: "how long from the click on a protected tool to its result, when the person and the sign-in page take no time?",
  run,
};
