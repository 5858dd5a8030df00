import type { Findings, Scenario } from "../scenario.ts";
import { startSqlite } from "../measure/databases.ts";
import { type Load, type Outgoing, openLoad, repeatFor, type Reply } from "../measure/load.ts";
import { type Contestant, cpuUsPerOp, interleave, opsPerSecond, pairedRatio, type Samples, summarize } from "../measure/rounds.ts";
import { type ProgramName, type RunningProgram, startProgram } from "../measure/start-program.ts";

const connections = 8;
const plan = { warmUpMs: 1_500, rounds: 6, roundMs: 700 };
const deviceCodes = 2_000;
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code";
const shop = "http://127.0.0.1:4300/mcp";
const scope = "orders:read";

const peers = [
  ["floor", "oauth-floor"],
  ["wallet", "oauth-wallet"],
  ["bare oidc-provider", "oauth-plain"],
  ["better-auth", "oauth-better-auth"],
] as const satisfies readonly (readonly [string, ProgramName])[];

const operations = ["token", "refresh", "device poll", "introspection"] as const;
type Operation = (typeof operations)[number];

/** An authorization server in a process of its own, with a client and refresh tokens that it made itself. */
interface Peer {
  readonly name: string;
  readonly program: RunningProgram;
  readonly load: Load;
  fact(name: string): string;
}

async function startPeer(name: string, programName: ProgramName, databaseUrl: string): Promise<Peer> {
  const program = await startProgram(programName, { databaseUrl, refreshTokens: connections * 2 });
  const fact = (key: string): string => {
    const value = program.facts[key];
    return typeof value === "string" ? value : "";
  };
  return { name, program, load: openLoad(fact("url"), connections), fact };
}

function post(peer: Peer, path: string, fields: Readonly<Record<string, string>>): Outgoing {
  const body = new URLSearchParams({ client_id: peer.fact("clientId"), client_secret: peer.fact("clientSecret"), ...fields }).toString();
  // Behind a name or an address, a server sees the host that it is configured with.
  const { host } = new URL(peer.fact("url"));
  return { method: "POST", path, headers: { host, "content-type": "application/x-www-form-urlencoded", accept: "application/json" }, body };
}

/** better-auth takes a device's poll as JSON only. */
function postJson(peer: Peer, path: string, fields: Readonly<Record<string, string>>): Outgoing {
  const outgoing = post(peer, path, {});
  return {
    ...outgoing,
    headers: { ...outgoing.headers, "content-type": "application/json" },
    body: JSON.stringify({ client_id: peer.fact("clientId"), ...fields }),
  };
}

function textOf(reply: Reply, name: string): string {
  const body: unknown = JSON.parse(reply.body);
  const value = typeof body === "object" && body !== null ? new Map(Object.entries(body)).get(name) : undefined;
  if (typeof value !== "string") throw new Error(`no ${name}: ${reply.status} ${reply.body.slice(0, 300)}`);
  return value;
}

interface Work {
  readonly next: () => Outgoing;
  readonly accept: (reply: Reply) => boolean;
}

/** A JWT access token of the client's own (RFC 9068). */
async function issueTokens(peer: Peer): Promise<Work> {
  const outgoing = post(peer, peer.fact("tokenPath"), { grant_type: "client_credentials", resource: shop, scope });
  return { next: () => outgoing, accept: (reply) => reply.status === 200 && reply.body.includes('"access_token":"ey') };
}

/** Refresh with rotation: each answer's token is used next, so that there is always one for every connection. */
async function refreshTokens(peer: Peer): Promise<Work> {
  const live = peer.fact("refreshTokens").split(" ");
  return {
    next: () => post(peer, peer.fact("tokenPath"), { grant_type: "refresh_token", refresh_token: live.shift() ?? "", resource: shop }),
    accept(reply) {
      live.push(textOf(reply, "refresh_token"));
      return reply.status === 200;
    },
  };
}

/** Polls of codes that nobody has approved yet. Where polls come faster than the server asked for, it may say so instead. */
async function pollDevices(peer: Peer): Promise<Work> {
  const codes: string[] = [];
  for (let count = 0; count < deviceCodes; count += 1) {
    codes.push(textOf(await peer.load.send(post(peer, peer.fact("devicePath"), { resource: shop, scope })), "device_code"));
  }
  const path = peer.fact("deviceTokenPath") || peer.fact("tokenPath");
  const requests = codes.map((device_code) => {
    const fields = { grant_type: deviceGrant, device_code };
    return peer.fact("deviceTokenPath") === "" ? post(peer, path, fields) : postJson(peer, path, fields);
  });
  let at = 0;
  return {
    next: () => requests[at++ % requests.length] ?? post(peer, path, {}),
    accept: (reply) => reply.status === 400 && /authorization_pending|slow_down/.test(reply.body),
  };
}

async function introspect(peer: Peer): Promise<Work> {
  const resource = peer.fact("opaqueResource");
  const fields = { grant_type: "client_credentials", scope: peer.fact("opaqueScope") || scope, ...(resource === "" ? {} : { resource }) };
  const token = textOf(await peer.load.send(post(peer, peer.fact("tokenPath"), fields)), "access_token");
  const outgoing = post(peer, peer.fact("introspectionPath"), { token });
  return { next: () => outgoing, accept: (reply) => reply.status === 200 && reply.body.includes('"active":true') };
}

const works: Readonly<Record<Operation, (peer: Peer) => Promise<Work>>> = {
  token: issueTokens,
  refresh: refreshTokens,
  "device poll": pollDevices,
  introspection: introspect,
};

async function contestant(operation: Operation, peer: Peer): Promise<Contestant> {
  const { next, accept } = await works[operation](peer);
  return {
    name: `${operation}, ${peer.name}`,
    async run(durationMs) {
      const before = await peer.program.usage();
      const result = await peer.load.run(repeatFor(durationMs, next), accept);
      const after = await peer.program.usage();
      return { ...result, cpuUs: after.cpuUs - before.cpuUs };
    },
  };
}

function findingsOf(samples: Samples): Findings {
  const figures = [...samples.keys()].flatMap((name) => {
    const summary = summarize(samples, name);
    return [
      { name, value: summary.opsPerSecond, unit: "ops/s" as const },
      { name, value: summary.cpuUsPerOp, unit: "us CPU/op" as const },
      { name, value: summary.p50Ms, unit: "ms p50" as const },
      { name, value: summary.p99Ms, unit: "ms p99" as const },
    ];
  });
  const ratios = operations.flatMap((operation) => {
    const by = (ours: string, theirs: string) => pairedRatio(samples, `${operation}, ${ours}`, `${operation}, ${theirs}`, cpuUsPerOp);
    return [
      { name: `${operation}: bare / wallet CPU`, value: by("bare oidc-provider", "wallet"), goal: { least: 1 } },
      { name: `${operation}: better-auth / wallet CPU`, value: by("better-auth", "wallet"), goal: { least: 5 } },
      { name: `${operation}: wallet / floor CPU`, value: by("wallet", "floor") },
      {
        name: `${operation}: wallet / bare ops/s`,
        value: pairedRatio(samples, `${operation}, wallet`, `${operation}, bare oidc-provider`, opsPerSecond),
      },
    ];
  });
  return { figures, ratios };
}

async function run(say: (progress: string) => void): Promise<Findings> {
  const engine = startSqlite();
  const running: Peer[] = [];
  const found: Samples[] = [];
  try {
    for (const [name, program] of peers) running.push(await startPeer(name, program, await engine.newDatabase()));
    for (const operation of operations) {
      const contestants: Contestant[] = [];
      for (const peer of running) contestants.push(await contestant(operation, peer));
      found.push(await interleave(contestants, plan, (progress) => say(`${operation}: ${progress}`)));
    }
    return findingsOf(new Map(found.flatMap((samples) => [...samples])));
  } finally {
    for (const { load } of running) load.close();
    await Promise.all(running.map(({ program }) => program.stop()));
    await engine.close();
  }
}

export const scenario: Scenario = {
  name: "wallet",
  question: "what do token, refresh, device poll and introspection cost beside a bare oidc-provider and better-auth?",
  run,
};
