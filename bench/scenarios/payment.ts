import type { Figure, Findings, Ratio, Scenario } from "../scenario.ts";
import { type Engine, startEngines } from "../measure/databases.ts";
import { readSample } from "../measure/inside.ts";
import { eachOnce, type Load, openLoad, type Outgoing } from "../measure/load.ts";
import { createPaymentParties, type PaymentParties, signCheckout } from "../measure/payment-parties.ts";
import { type Contestant, cpuUsPerOp, interleave, opsPerSecond, pairedRatio, type Sample, type Samples, summarize } from "../measure/rounds.ts";
import { type ProgramName, type RunningProgram, startProgram } from "../measure/start-program.ts";
import { member } from "@countersign/protocol/shape";

const connections = 8;
const payers = 64;
const plan = { warmUpMs: 500, rounds: 4, roundMs: 800 };

/** A bare round trip is so short that a tenth of a second holds thousands. */
const pingMs = 100;

/** A party does a few hundred of these a second and must be warm before it is measured. */
const partyWarmUpMs = 4_000;

/** Signed before the clock starts: more than is used up in a round on a machine of today. */
const requestsPerMs = 0.6;

/** Both parties of a payment on one engine, and the engine alone. */
interface Stage {
  readonly engine: Engine;
  readonly contestants: readonly Contestant[];
  /** What is wrong with the books afterwards. */
  judge(): Promise<readonly string[]>;
}

/** Everything that must be stopped again, in order of its start. */
type Cleanup = (() => Promise<void> | void)[];

async function startStage(engine: Engine, cleanup: Cleanup): Promise<Stage> {
  const start = async (name: ProgramName, options: object = {}): Promise<RunningProgram> => {
    const program = await startProgram(name, { ...options, databaseUrl: await engine.newDatabase() });
    cleanup.push(() => program.stop());
    return program;
  };
  const parties = await createPaymentParties("http://localhost:4200");
  const bank = await start("bank", { walletIssuer: parties.walletIssuer, keySets: parties.keySets });
  const captures = await captureContestant(engine, parties, bank, cleanup);
  const floor = await start("capture-floor");
  const inFlight = engine.name === "SQLite" ? 1 : connections;
  const books = async (durationMs: number): Promise<Sample> => readSample(await floor.perform({ operation: "capture", durationMs, inFlight }));
  const ping = async (): Promise<Sample> => readSample(await floor.perform({ operation: "ping", durationMs: pingMs }));
  const lodging = await lodgeContestant(engine, start, cleanup);
  return {
    engine,
    contestants: [
      lodging,
      captures.contestant,
      { name: `${engine.name} books of a capture, raw`, run: books },
      { name: `${engine.name} round trip`, run: ping },
    ],
    judge: () => judgeBooks(bank, captures.acknowledged()),
  };
}

async function judgeBooks(bank: RunningProgram, acknowledged: number): Promise<readonly string[]> {
  const faults = await bank.perform({ acknowledged });
  if (!Array.isArray(faults)) throw new TypeError("the books were not judged");
  return faults.map(String);
}

/** Makes requests, then runs them against the clock and takes the server's CPU time meanwhile. */
async function sampleOf(durationMs: number, program: RunningProgram, load: Load, make: (at: number) => Promise<Outgoing>): Promise<Sample> {
  const requests = await prepare(durationMs, make);
  const before = await program.usage();
  const result = await load.run(eachOnce(durationMs, requests), (reply) => reply.status === 201);
  const after = await program.usage();
  return { ...result, cpuUs: after.cpuUs - before.cpuUs };
}

async function prepare(durationMs: number, make: (at: number) => Promise<Outgoing>): Promise<readonly Outgoing[]> {
  const requests: Outgoing[] = [];
  const count = Math.ceil(durationMs * requestsPerMs);
  for (let at = 0; at < count; at += 1) requests.push(await make(at));
  return requests;
}

async function captureContestant(
  engine: Engine,
  parties: PaymentParties,
  bank: RunningProgram,
  cleanup: Cleanup,
): Promise<{ readonly contestant: Contestant; acknowledged(): number }> {
  const url = String(bank.facts["url"]);
  const load = openLoad(url, connections);
  cleanup.push(() => load.close());
  for (let at = 0; at < payers; at += 1) {
    const { status, body } = await load.send(parties.openAccount(url, `acc_${at}`));
    if (status !== 200) throw new Error(`no account: ${status} ${body}`);
  }
  let acknowledged = 0;
  const run = async (durationMs: number): Promise<Sample> => {
    const sample = await sampleOf(durationMs, bank, load, (at) => parties.capture(url, `acc_${at % payers}`));
    acknowledged += sample.latenciesMs.length;
    return sample;
  };
  return { contestant: { name: `${engine.name} capture at the bank`, warmUpMs: partyWarmUpMs, run }, acknowledged: () => acknowledged };
}

async function lodgeContestant(
  engine: Engine,
  start: (name: ProgramName, options: object) => Promise<RunningProgram>,
  cleanup: Cleanup,
): Promise<Contestant> {
  // The keys are needed to start the wallet, and its address to sign for it.
  const unaddressed = await createPaymentParties("http://localhost:4200");
  const [payeeKey] = unaddressed.payee.publicKeys().keys;
  const wallet = await start("wallet", { payeeKey: JSON.stringify(payeeKey) });
  const url = String(wallet.facts["url"]);
  const payee = unaddressed.payeeFor(url);
  const load = openLoad(url, connections);
  cleanup.push(() => load.close());
  const assertion = (await payee.assertion(url)).reveal();
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    scope: "payment_requests",
    resource: `${url}/payment-requests`,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: assertion,
  });
  const reply = await load.send({
    method: "POST",
    path: "/token",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: String(form),
  });
  const token = member(JSON.parse(reply.body), "access_token");
  if (typeof token !== "string") throw new Error(`no token: ${reply.status} ${reply.body}`);
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  const lodge = async (): Promise<Outgoing> => ({
    method: "POST",
    path: "/payment-requests",
    headers,
    body: JSON.stringify({ checkout_jwt: await signCheckout(payee) }),
  });
  return { name: `${engine.name} lodge at the wallet`, warmUpMs: partyWarmUpMs, run: (durationMs) => sampleOf(durationMs, wallet, load, lodge) };
}

function figuresOf(samples: Samples): readonly Figure[] {
  return [...samples.keys()].flatMap((name) => {
    const { cpuUsPerOp: cpu, opsPerSecond: ops, p50Ms, p99Ms } = summarize(samples, name);
    return [
      { name, value: ops, unit: "ops/s" as const },
      { name, value: cpu, unit: "us CPU/op" as const },
      { name, value: p50Ms, unit: "ms p50" as const },
      { name, value: p99Ms, unit: "ms p99" as const },
    ];
  });
}

function ratiosOf(samples: Samples, engine: Engine): readonly Ratio[] {
  const [lodge, capture, books] = [
    `${engine.name} lodge at the wallet`,
    `${engine.name} capture at the bank`,
    `${engine.name} books of a capture, raw`,
  ];
  const cpuUs = summarize(samples, lodge).cpuUsPerOp + summarize(samples, capture).cpuUsPerOp;
  return [
    { name: `${engine.name}: capture / raw books, ops/s`, value: pairedRatio(samples, capture, books, opsPerSecond) },
    { name: `${engine.name}: capture / raw books, CPU`, value: pairedRatio(samples, capture, books, cpuUsPerOp) },
    { name: `${engine.name}: lodge + capture a core / 300 a second`, value: 1_000_000 / cpuUs / 300, goal: { least: 1 } },
  ];
}

async function run(say: (progress: string) => void): Promise<Findings> {
  const engines = await startEngines(say);
  const cleanup: Cleanup = engines.map((engine) => () => engine.close());
  try {
    const stages: Stage[] = [];
    for (const engine of engines) stages.push(await startStage(engine, cleanup));
    const samples = await interleave(
      stages.flatMap((stage) => stage.contestants),
      plan,
      say,
    );
    for (const stage of stages) {
      const faults = await stage.judge();
      if (faults.length > 0) throw new Error(`${stage.engine.name}: the books are wrong: ${faults.slice(0, 5).join("; ")}`);
      say(`the books on ${stage.engine.name} sum to zero, each acknowledged capture is there once`);
    }
    return { figures: figuresOf(samples), ratios: engines.flatMap((engine) => ratiosOf(samples, engine)) };
  } finally {
    for (const undo of cleanup.reverse()) await undo();
  }
}

export const scenario: Scenario = { name: "payment", question: "how many payments can be lodged and captured, durably and exactly once?", run };
