import { member } from "@countersign/protocol/shape";
import { startSqlite } from "../measure/databases.ts";
import { readSample, runInside } from "../measure/inside.ts";
import { type Load, openLoad, type Reply } from "../measure/load.ts";
import { type Contestant, cpuUsPerOp, interleave, median, pairedRatio, type Sample, type Samples, summarize } from "../measure/rounds.ts";
import { type ProgramName, type RunningProgram, startProgram } from "../measure/start-program.ts";
import type { Findings, Ratio, Scenario } from "../scenario.ts";

const plan = { warmUpMs: 2_500, rounds: 6, roundMs: 1_000 };

/** The host does far fewer of them a second, and must be as warm. */
const hostWarmUpMs = 8_000;
const levels = [1, 8] as const;
const inFlightMax = Math.max(...levels);

/** What the caller's process alone used in a sample, beside the server that both callers share. */
type CallerCpu = WeakMap<Sample, number>;

interface Cast {
  readonly shop: RunningProgram;
  readonly client: RunningProgram;
  readonly callerCpuUs: CallerCpu;
}

/** A server that makes the call for a caller: the host, or the floor. */
interface Server {
  readonly name: "floor" | "through the host";
  readonly program: RunningProgram;
  readonly load: Load;
  readonly headers: Readonly<Record<string, string>>;
  readonly warmUpMs?: number;
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

function through(cast: Cast, server: Server, inFlight: number): Contestant {
  const run = (durationMs: number): Promise<Sample> =>
    withUsage(cast, server.program, () => runInside(durationMs, inFlight, () => callInOne(server)));
  return { name: `${server.name}, ${inFlight} at a time`, ...(server.warmUpMs === undefined ? {} : { warmUpMs: server.warmUpMs }), run };
}

function startedThenRead(cast: Cast, host: Server, inFlight: number): Contestant {
  const run = (durationMs: number): Promise<Sample> => withUsage(cast, host.program, () => runInside(durationMs, inFlight, () => callInTwo(host)));
  return { name: `through the host, started then read, ${inFlight} at a time`, run };
}

const call = JSON.stringify({ connectorId: "shop", tool: "quote", arguments: { sku: "mug-stoneware-blue", quantity: 2 }, origin: "user" });

/** The caller asks and waits for the end in the same exchange. */
async function callInOne({ load, headers }: Server): Promise<boolean> {
  return isQuote(await load.send({ method: "POST", path: "/api/calls?wait=25", headers, body: call }), 202) === true;
}

/** The caller starts the call, then waits for its end. */
async function callInTwo({ load, headers }: Server): Promise<boolean> {
  const started = await load.send({ method: "POST", path: "/api/calls", headers, body: call });
  const id = member(JSON.parse(started.body), "id");
  if (started.status !== 202 || typeof id !== "string") throw new Error(`the call was not started: ${started.status} ${started.body}`);
  for (;;) {
    const done = isQuote(await load.send({ method: "GET", path: `/api/calls/${id}?wait=25`, headers, body: "" }), 200);
    if (done !== undefined) return done;
  }
}

/** Undefined while the call is not over. Throws when it ended in anything but the expected quote. */
function isQuote({ status, body }: Reply, expected: number): boolean | undefined {
  const read: unknown = JSON.parse(body);
  const state = member(read, "state");
  if (status !== expected || state === "failed" || state === "refused") throw new Error(`the call failed: ${status} ${body}`);
  if (state !== "completed") return undefined;
  return member(member(member(read, "result"), "structuredContent"), "total") === 2500;
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
  return { figures, ratios: [...levels.flatMap((level) => cpuRatios(samples, level)), ...extraTime(samples)] };
}

function cpuRatios(samples: Samples, level: number): readonly Ratio[] {
  const cpuOf = (name: string, by: string): number => pairedRatio(samples, `${name}, ${level} at a time`, `${by}, ${level} at a time`, cpuUsPerOp);
  return [
    { name: `host / direct CPU, ${level} at a time`, value: cpuOf("through the host", "SDK client directly"), goal: { most: 1.25 } },
    { name: `floor / direct CPU, ${level} at a time`, value: cpuOf("floor", "SDK client directly") },
    { name: `host / floor CPU, ${level} at a time`, value: cpuOf("through the host", "floor") },
  ];
}

function extraTime(samples: Samples): readonly Ratio[] {
  const p50 = (name: string): number => summarize(samples, `${name}, 1 at a time`).p50Ms;
  const directMs = p50("SDK client directly");
  return [
    { name: "host - direct at p50, 1 at a time, / 1 ms", value: p50("through the host") - directMs, goal: { most: 1 } },
    { name: "floor - direct at p50, 1 at a time, / 1 ms", value: p50("floor") - directMs },
    {
      name: "started then read / in one exchange, CPU, 1 at a time",
      value: pairedRatio(samples, "through the host, started then read, 1 at a time", "through the host, 1 at a time", cpuUsPerOp),
    },
  ];
}

async function run(say: (progress: string) => void): Promise<Findings> {
  const engine = startSqlite();
  const undo: (() => Promise<void> | void)[] = [() => engine.close()];
  const start = async (name: ProgramName, options: object): Promise<RunningProgram> => {
    const program = await startProgram(name, options);
    undo.push(() => program.stop());
    return program;
  };
  const open = (program: RunningProgram): { origin: string; load: Load } => {
    const origin = String(program.facts["url"]);
    const load = openLoad(origin, inFlightMax);
    undo.push(() => load.close());
    return { origin, load };
  };
  try {
    const shop = await start("call-kit", { isOpen: true });
    const shopUrl = String(shop.facts["url"]);
    const client = await start("sdk-client", { shopUrl });
    const bare = await start("call-floor", { shopUrl, databaseUrl: await engine.newDatabase() });
    const full = await start("host", { shopUrl, databaseUrl: await engine.newDatabase() });
    const cast = { shop, client, callerCpuUs: new WeakMap<Sample, number>() };
    const floor: Server = { name: "floor", program: bare, headers: { "content-type": "application/json" }, load: open(bare).load };
    const { origin, load } = open(full);
    const host: Server = { name: "through the host", program: full, headers: await signIn(load, origin), load, warmUpMs: hostWarmUpMs };
    const contestants = levels.flatMap((inFlight) => [direct(cast, inFlight), through(cast, floor, inFlight), through(cast, host, inFlight)]);
    return findingsOf(await interleave([...contestants, startedThenRead(cast, host, 1)], plan, say), cast.callerCpuUs);
  } finally {
    for (const each of undo.reverse()) await each();
  }
}

export const scenario: Scenario = {
  name: "broker-call",
  question: "what does a durable call through the host cost over calling the server directly?",
  run,
};
