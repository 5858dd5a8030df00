import type { Findings, Scenario } from "../scenario.ts";
import { type Load, type Outgoing, openLoad, repeatFor } from "../measure/load.ts";
import { type Contestant, cpuUsPerOp, interleave, pairedRatio, type Samples, summarize } from "../measure/rounds.ts";
import { type ProgramName, type RunningProgram, startProgram } from "../measure/start-program.ts";

const eras = ["2026-07-28", "2025-11-25"] as const;
type Era = (typeof eras)[number];

const connections = 8;
const plan = { warmUpMs: 2_000, rounds: 6, roundMs: 700 };

interface Server {
  readonly name: string;
  readonly program: RunningProgram;
  readonly load: Load;
  readonly path: string;
}

async function startServer(name: string, programName: ProgramName): Promise<Server> {
  const program = await startProgram(programName);
  const url = new URL(String(program.facts["url"]));
  return { name, program, load: openLoad(url.origin, connections), path: url.pathname };
}

/** `tools/call` as a client of that era sends it. The other contestants get the token too, so that all read the same bytes; they pay it no heed. */
function callOf(era: Era, path: string, token: string): Outgoing {
  const meta = {
    "io.modelcontextprotocol/protocolVersion": era,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1.0.0" },
  };
  const isModern = era === "2026-07-28";
  const params = { name: "quote", arguments: { sku: "mug-stoneware-blue", quantity: 2 }, ...(isModern ? { _meta: meta } : {}) };
  return {
    method: "POST",
    path,
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      authorization: `Bearer ${token}`,
      "mcp-protocol-version": era,
      ...(isModern ? { "mcp-method": "tools/call", "mcp-name": "quote" } : {}),
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 7, method: "tools/call", params }),
  };
}

function contestant(name: string, server: Server, next: () => Outgoing, expectedBody: string): Contestant {
  return {
    name,
    async run(durationMs) {
      const before = await server.program.usage();
      const result = await server.load.run(repeatFor(durationMs, next), (reply) => reply.status === 200 && reply.body === expectedBody);
      const after = await server.program.usage();
      return { ...result, cpuUs: after.cpuUs - before.cpuUs };
    },
  };
}

/** The three servers in one era. They must answer the same bytes, or there is nothing to compare. */
async function contestantsOf(era: Era, servers: readonly Server[], token: string): Promise<readonly Contestant[]> {
  const bodies = await Promise.all(servers.map(async ({ load, path }) => (await load.send(callOf(era, path, token))).body));
  const [expected = ""] = bodies;
  if (bodies.some((body) => body !== expected)) throw new Error(`the answers of ${era} differ: ${bodies.join(" | ")}`);
  return servers.map((server) => {
    const outgoing = callOf(era, server.path, token);
    return contestant(`${server.name}, ${era}`, server, () => outgoing, expected);
  });
}

function freshTokenContestant(kit: Server, token: string, expected: string): Contestant {
  const calls = String(kit.program.facts["freshTokens"])
    .split(" ")
    .map((each) => callOf("2026-07-28", kit.path, each));
  let at = 0;
  const next = (): Outgoing => calls[at++ % calls.length] ?? callOf("2026-07-28", kit.path, token);
  return contestant("kit, 2026-07-28, a new token each", kit, next, expected);
}

function findingsOf(samples: Samples): Findings {
  const figures = [...samples.keys()].flatMap((name) => {
    const { cpuUsPerOp: cpu, p50Ms, p99Ms } = summarize(samples, name);
    return [
      { name, value: cpu, unit: "us CPU/op" as const },
      { name, value: p50Ms, unit: "ms p50" as const },
      { name, value: p99Ms, unit: "ms p99" as const },
    ];
  });
  const ratios = eras.flatMap((era) => [
    { name: `kit / raw CPU, ${era}`, value: pairedRatio(samples, `kit, ${era}`, `raw, ${era}`, cpuUsPerOp), goal: { most: 4 } },
    { name: `SDK / kit CPU, ${era}`, value: pairedRatio(samples, `SDK, ${era}`, `kit, ${era}`, cpuUsPerOp), goal: { least: 4 } },
    { name: `SDK / raw CPU, ${era}`, value: pairedRatio(samples, `SDK, ${era}`, `raw, ${era}`, cpuUsPerOp) },
  ]);
  return { figures, ratios };
}

async function run(say: (progress: string) => void): Promise<Findings> {
  const servers: Server[] = [];
  try {
    for (const [name, program] of [
      ["raw", "call-raw"],
      ["SDK", "call-sdk"],
      ["kit", "call-kit"],
    ] as const)
      servers.push(await startServer(name, program));
    const [, , kit] = servers;
    if (kit === undefined) throw new TypeError("three servers run");
    const token = String(kit.program.facts["token"]);
    const contestants: Contestant[] = [];
    for (const era of eras) contestants.push(...(await contestantsOf(era, servers, token)));
    const expected = (await kit.load.send(callOf("2026-07-28", kit.path, token))).body;
    const samples = await interleave([...contestants, freshTokenContestant(kit, token, expected)], plan, say);
    return findingsOf(samples);
  } finally {
    for (const { load } of servers) load.close();
    await Promise.all(servers.map(({ program }) => program.stop()));
  }
}

export const scenario: Scenario = { name: "kit-call", question: "what does one tools/call cost a server that checks its bearer token?", run };
