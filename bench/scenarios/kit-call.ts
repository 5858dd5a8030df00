import type { Findings, Scenario } from "../scenario.ts";
import { type Load, type Outgoing, openLoad, repeatFor } from "../measure/load.ts";
import { type Contestant, cpuUsPerOp, interleave, pairedRatio, type Samples, summarize } from "../measure/rounds.ts";
import { type ProgramName, type RunningProgram, startProgram } from "../measure/start-program.ts";

const eras = ["2026-07-28", "2025-11-25"] as const;
type Era = (typeof eras)[number];

const connections = 8;
const plan = { warmUpMs: 4_000, rounds: 8, roundMs: 700 };

/** Who takes part in which era: two of the peers speak the 2025 family alone. */
const contestants: readonly { readonly name: string; readonly program: ProgramName; readonly eras: readonly Era[] }[] = [
  { name: "raw", program: "call-raw", eras },
  { name: "SDK", program: "call-sdk", eras },
  { name: "SDK v1", program: "call-sdk-v1", eras: ["2025-11-25"] },
  { name: "fastmcp", program: "call-fastmcp", eras: ["2025-11-25"] },
  { name: "kit", program: "call-kit", eras },
];

interface Server {
  readonly name: string;
  readonly eras: readonly Era[];
  readonly program: RunningProgram;
  readonly load: Load;
  readonly path: string;
}

async function startServer({ name, program: programName, eras: spoken }: (typeof contestants)[number]): Promise<Server> {
  const program = await startProgram(programName);
  const url = new URL(String(program.facts["url"]));
  return { name, eras: spoken, program, load: openLoad(url.origin, connections), path: url.pathname };
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

function contestant(name: string, server: Server, next: () => Outgoing, expected: string): Contestant {
  return {
    name,
    async run(durationMs) {
      const before = await server.program.usage();
      const result = await server.load.run(repeatFor(durationMs, next), (reply) => reply.status === 200 && messageIn(reply.body) === expected);
      const after = await server.program.usage();
      return { ...result, cpuUs: after.cpuUs - before.cpuUs };
    },
  };
}

/** The message of an answer: an event's data, or the whole body. */
function messageIn(body: string): string {
  return /^data: (\{.*)$/m.exec(body)?.[1] ?? body;
}

/** The servers of one era. They must answer the same message, byte for byte, or there is nothing to compare. */
async function contestantsOf(era: Era, servers: readonly Server[], token: string): Promise<readonly Contestant[]> {
  const speaking = servers.filter((server) => server.eras.includes(era));
  const messages = await Promise.all(speaking.map(async ({ load, path }) => messageIn((await load.send(callOf(era, path, token))).body)));
  const [expected = ""] = messages;
  if (messages.some((message) => message !== expected)) throw new Error(`the answers of ${era} differ: ${messages.join(" | ")}`);
  return speaking.map((server) => {
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
  const others = ["SDK v1", "fastmcp"].map((name) => ({
    name: `${name} / kit CPU, 2025-11-25`,
    value: pairedRatio(samples, `${name}, 2025-11-25`, "kit, 2025-11-25", cpuUsPerOp),
  }));
  return { figures, ratios: [...ratios, ...others] };
}

async function run(say: (progress: string) => void): Promise<Findings> {
  const servers: Server[] = [];
  try {
    for (const each of contestants) servers.push(await startServer(each));
    const kit = servers.find(({ name }) => name === "kit");
    if (kit === undefined) throw new TypeError("the kit takes part");
    const token = String(kit.program.facts["token"]);
    const running: Contestant[] = [];
    for (const era of eras) running.push(...(await contestantsOf(era, servers, token)));
    const expected = messageIn((await kit.load.send(callOf("2026-07-28", kit.path, token))).body);
    const samples = await interleave([...running, freshTokenContestant(kit, token, expected)], plan, say);
    return findingsOf(samples);
  } finally {
    for (const { load } of servers) load.close();
    await Promise.all(servers.map(({ program }) => program.stop()));
  }
}

export const scenario: Scenario = { name: "kit-call", question: "what does one tools/call cost a server that checks its bearer token?", run };
