import { member } from "@countersign/protocol/shape";
import { type Engine, startEngines } from "../measure/databases.ts";
import { type Load, openLoad, type Outgoing } from "../measure/load.ts";
import { type Contestant, interleave, type Sample, type Samples, summarize } from "../measure/rounds.ts";
import { type RunningProgram, startProgram } from "../measure/start-program.ts";
import type { Figure, Findings, Ratio, Scenario } from "../scenario.ts";

const connections = 8;
const plan = { warmUpMs: 4_000, rounds: 4, roundMs: 2_000 };
const goalPerSecond = 300;

/** A town on one engine, and how many payments it has acknowledged. */
interface Stage {
  readonly engine: Engine;
  readonly town: RunningProgram;
  readonly contestant: Contestant;
  readonly acknowledged: () => number;
}

function callOf(token: string, tool: string, args: object): Outgoing {
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1.0.0" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  return {
    method: "POST",
    path: "/mcp",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": tool,
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: tool, arguments: args, _meta: meta } }),
  };
}

async function callTool(load: Load, token: string, tool: string, args: object): Promise<unknown> {
  const { status, body } = await load.send(callOf(token, tool, args));
  const result = status === 200 ? member(JSON.parse(body), "result") : undefined;
  if (member(result, "structuredContent") === undefined || member(result, "isError") === true) {
    throw new Error(`${tool}: ${status} ${body.slice(0, 400)}`);
  }
  return member(result, "structuredContent");
}

/** From the shelf to the receipt: a checkout, then its payment, which a policy of the buyer approves. */
async function payOnce(load: Load, token: string): Promise<void> {
  const made = await callTool(load, token, "create_checkout", { items: [{ product_id: "stoneware-mug", quantity: 1 }] });
  const paid = await callTool(load, token, "pay", { checkout_id: member(member(made, "checkout"), "id") });
  if (typeof member(member(paid, "receipt"), "number") !== "string") throw new Error("a payment without a receipt");
}

async function startStage(engine: Engine): Promise<Stage> {
  const databaseUrls = { store: await engine.newDatabase(), wallet: await engine.newDatabase(), bank: await engine.newDatabase() };
  const town = await startProgram("payment-town", { databaseUrls });
  const load = openLoad(String(town.facts["url"]), connections);
  const tokens = String(town.facts["tokens"]).split(" ");
  let acknowledged = 0;
  let turn = 0;
  const run = async (durationMs: number): Promise<Sample> => {
    const latenciesMs: number[] = [];
    const before = await town.usage();
    const startedAt = performance.now();
    const buyer = async (): Promise<void> => {
      while (performance.now() - startedAt < durationMs) {
        const token = tokens[(turn += 1) % tokens.length] ?? "";
        const sentAt = performance.now();
        await payOnce(load, token);
        latenciesMs.push(performance.now() - sentAt);
        acknowledged += 1;
      }
    };
    await Promise.all(Array.from({ length: connections }, buyer));
    const elapsedMs = performance.now() - startedAt;
    const after = await town.usage();
    return { elapsedMs, latenciesMs, cpuUs: after.cpuUs - before.cpuUs };
  };
  return { engine, town, contestant: { name: `${engine.name} complete payment`, run }, acknowledged: () => acknowledged };
}

function findingsOf(samples: Samples, stages: readonly Stage[]): Findings {
  const figures: Figure[] = [];
  const ratios: Ratio[] = [];
  for (const { contestant, engine } of stages) {
    const { name } = contestant;
    const { opsPerSecond: ops, cpuUsPerOp: cpu, p50Ms, p99Ms } = summarize(samples, name);
    figures.push({ name, value: ops, unit: "ops/s" }, { name, value: cpu, unit: "us CPU/op" });
    figures.push({ name, value: p50Ms, unit: "ms p50" }, { name, value: p99Ms, unit: "ms p99" });
    ratios.push({ name: `${engine.name}: complete payments a second / ${goalPerSecond}`, value: ops / goalPerSecond, goal: { least: 1 } });
  }
  return { figures, ratios };
}

async function run(say: (progress: string) => void): Promise<Findings> {
  const engines = await startEngines(say);
  const stages: Stage[] = [];
  try {
    for (const engine of engines) stages.push(await startStage(engine));
    const samples = await interleave(
      stages.map((stage) => stage.contestant),
      plan,
      say,
    );
    for (const { engine, town, acknowledged } of stages) {
      const faults = await town.perform({ acknowledged: acknowledged() });
      if (!Array.isArray(faults) || faults.length > 0) throw new Error(`${engine.name}: ${JSON.stringify(faults)}`);
      say(`${engine.name}: ${acknowledged()} payments, each an order and a capture, the books sum to zero`);
    }
    return findingsOf(samples, stages);
  } finally {
    for (const { town } of stages) await town.stop();
    for (const engine of engines) await engine.close();
  }
}

export const scenario: Scenario = {
  name: "payments",
  question: "how many payments a second go all the way, from a checkout to its order: lodged, approved, redeemed, captured?",
  run,
};
