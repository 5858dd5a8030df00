import { member } from "@countersign/protocol/shape";
import { startSqlite } from "../measure/databases.ts";
import { readSample, runInside } from "../measure/inside.ts";
import { type Load, openLoad } from "../measure/load.ts";
import { type Contestant, cpuUsPerOp, interleave, median, pairedRatio, type Sample, type Samples, summarize } from "../measure/rounds.ts";
import { type ProgramName, type RunningProgram, startProgram } from "../measure/start-program.ts";
import type { Findings, Scenario } from "../scenario.ts";

const plan = { warmUpMs: 2_500, rounds: 6, roundMs: 1_000 };

/** The host does far fewer of them a second, and must be as warm. */
const hostWarmUpMs = 8_000;
const levels = [1, 8] as const;
const inFlightMax = Math.max(...levels);

/** What the caller's process alone used in a sample, beside the server that both callers share. */
type CallerCpu = WeakMap<Sample, number>;

interface Cast {
  readonly shop: RunningProgram;
  readonly host: RunningProgram;
  readonly client: RunningProgram;
  readonly load: Load;
  readonly callerCpuUs: CallerCpu;
}

async function withUsage(cast: Cast, caller: RunningProgram, work: () => Promise<Sample>): Promise<Sample> {
  const before = await Promise.all([caller.usage(), cast.shop.usage()]);
  const taken = await work();
  const after = await Promise.all([caller.usage(), cast.shop.usage()]);
  const callerUs = after[0].cpuUs - before[0].cpuUs;
  const sample = { ...taken, cpuUs: callerUs + after[1].cpuUs - before[1].cpuUs };
  cast.callerCpuUs.set(sample, callerUs);
  return sample;
}

function direct(cast: Cast, inFlight: number): Contestant {
  const run = (durationMs: number): Promise<Sample> =>
    withUsage(cast, cast.client, async () => readSample(await cast.client.perform({ durationMs, inFlight })));
  return { name: `SDK client directly, ${inFlight} at a time`, run };
}

/** A page's call: it starts the call and waits for its end, as the console does. */
async function callThroughHost(load: Load, headers: Readonly<Record<string, string>>): Promise<boolean> {
  const body = JSON.stringify({ connectorId: "shop", tool: "quote", arguments: { sku: "mug-stoneware-blue", quantity: 2 }, origin: "user" });
  const started = await load.send({ method: "POST", path: "/api/calls", headers, body });
  const id = member(JSON.parse(started.body), "id");
  if (started.status !== 202 || typeof id !== "string") throw new Error(`the host did not start the call: ${started.status} ${started.body}`);
  for (;;) {
    const read = await load.send({ method: "GET", path: `/api/calls/${id}?wait=25`, headers, body: "" });
    const call: unknown = JSON.parse(read.body);
    const state = member(call, "state");
    if (state === "failed" || state === "refused" || read.status !== 200) throw new Error(`the call failed: ${read.status} ${read.body}`);
    if (state === "completed") return member(member(member(call, "result"), "structuredContent"), "total") === 2500;
  }
}

function throughHost(cast: Cast, inFlight: number, headers: Readonly<Record<string, string>>): Contestant {
  const run = (durationMs: number): Promise<Sample> =>
    withUsage(cast, cast.host, () => runInside(durationMs, inFlight, () => callThroughHost(cast.load, headers)));
  return { name: `through the host, ${inFlight} at a time`, warmUpMs: hostWarmUpMs, run };
}

async function signIn(load: Load, origin: string): Promise<Readonly<Record<string, string>>> {
  const { cookies } = await load.send({ method: "GET", path: "/api/session", headers: {}, body: "" });
  return { "content-type": "application/json", origin, cookie: cookies };
}

function findingsOf(samples: Samples, callerCpuUs: CallerCpu): Findings {
  const figures = [...samples].flatMap(([name, own]) => {
    const { cpuUsPerOp: cpu, opsPerSecond: ops, p50Ms, p99Ms } = summarize(samples, name);
    const callerUs = median(own.map((sample) => (callerCpuUs.get(sample) ?? Number.NaN) / sample.latenciesMs.length));
    return [
      { name, value: ops, unit: "ops/s" as const },
      { name, value: cpu, unit: "us CPU/op" as const },
      { name: `${name}, caller alone`, value: callerUs, unit: "us CPU/op" as const },
      { name, value: p50Ms, unit: "ms p50" as const },
      { name, value: p99Ms, unit: "ms p99" as const },
    ];
  });
  const [one, many] = levels;
  const extraMs = summarize(samples, `through the host, ${one} at a time`).p50Ms - summarize(samples, `SDK client directly, ${one} at a time`).p50Ms;
  const cpuOf = (level: number): number =>
    pairedRatio(samples, `through the host, ${level} at a time`, `SDK client directly, ${level} at a time`, cpuUsPerOp);
  return {
    figures,
    ratios: [
      { name: `host / direct CPU, ${one} at a time`, value: cpuOf(one), goal: { most: 1.25 } },
      { name: `host / direct CPU, ${many} at a time`, value: cpuOf(many), goal: { most: 1.25 } },
      { name: `host - direct at p50, ${one} at a time, / 1 ms`, value: extraMs, goal: { most: 1 } },
    ],
  };
}

async function run(say: (progress: string) => void): Promise<Findings> {
  const engine = startSqlite();
  const undo: (() => Promise<void> | void)[] = [() => engine.close()];
  const start = async (name: ProgramName, options: object): Promise<RunningProgram> => {
    const program = await startProgram(name, options);
    undo.push(() => program.stop());
    return program;
  };
  try {
    const shop = await start("call-kit", { isOpen: true });
    const shopUrl = String(shop.facts["url"]);
    const host = await start("host", { shopUrl, databaseUrl: await engine.newDatabase() });
    const client = await start("sdk-client", { shopUrl });
    const origin = String(host.facts["url"]);
    const load = openLoad(origin, inFlightMax);
    undo.push(() => load.close());
    const cast = { shop, host, client, load, callerCpuUs: new WeakMap<Sample, number>() };
    const headers = await signIn(load, origin);
    const contestants = levels.flatMap((inFlight) => [direct(cast, inFlight), throughHost(cast, inFlight, headers)]);
    return findingsOf(await interleave(contestants, plan, say), cast.callerCpuUs);
  } finally {
    for (const each of undo.reverse()) await each();
  }
}

export const scenario: Scenario = {
  name: "broker-call",
  question: "what does a durable call through the host cost over calling the server directly?",
  run,
};
