import type { Findings, Scenario } from "../scenario.ts";
import { type Engine, startEngines } from "../measure/databases.ts";
import { readSample } from "../measure/inside.ts";
import { type Contestant, cpuUsPerOp, interleave, opsPerSecond, pairedRatio, type Samples, summarize } from "../measure/rounds.ts";
import { type RunningProgram, startProgram } from "../measure/start-program.ts";

const operations = ["create", "consume", "get"] as const;
const sides = ["raw", "ours"] as const;
const plan = { warmUpMs: 700, rounds: 6, roundMs: 450 };

/** SQLite has one connection and answers inside the call; PostgreSQL is asked over several connections, as a server under load does. */
const inFlightOf = { SQLite: 1, PostgreSQL: 8 } as const;

/** More than an engine does in a millisecond, so that no round runs out of records. */
const opsPerMsMax = 20;

function nameOf(engine: Engine, operation: string, side: string): string {
  return `${engine.name} ${operation}, ${side}`;
}

function contestantsOf(engine: Engine, program: RunningProgram): readonly Contestant[] {
  return operations.flatMap((operation) =>
    sides.map((side) => ({
      name: nameOf(engine, operation, side),
      run: async (durationMs: number) =>
        readSample(await program.perform({ side, operation, durationMs, inFlight: inFlightOf[engine.name], opsPerMsMax })),
    })),
  );
}

function findingsOf(samples: Samples, engines: readonly Engine[]): Findings {
  const figures = [...samples.keys()].flatMap((name) => {
    const { cpuUsPerOp: cpu, opsPerSecond: ops, p50Ms, p99Ms } = summarize(samples, name);
    return [
      { name, value: ops, unit: "ops/s" as const },
      { name, value: cpu, unit: "us CPU/op" as const },
      { name, value: p50Ms, unit: "ms p50" as const },
      { name, value: p99Ms, unit: "ms p99" as const },
    ];
  });
  const ratios = engines.flatMap((engine) =>
    operations.flatMap((operation) => {
      const [own, bare] = [nameOf(engine, operation, "ours"), nameOf(engine, operation, "raw")];
      return [
        { name: `${engine.name} ${operation}: ours / raw, ops/s`, value: pairedRatio(samples, own, bare, opsPerSecond) },
        { name: `${engine.name} ${operation}: ours / raw, CPU`, value: pairedRatio(samples, own, bare, cpuUsPerOp) },
      ];
    }),
  );
  return { figures, ratios };
}

async function run(say: (progress: string) => void): Promise<Findings> {
  const engines = await startEngines(say);
  const programs: RunningProgram[] = [];
  try {
    const contestants: Contestant[] = [];
    for (const engine of engines) {
      const program = await startProgram("records", { databaseUrl: await engine.newDatabase() });
      programs.push(program);
      contestants.push(...contestantsOf(engine, program));
    }
    return findingsOf(await interleave(contestants, plan, say), engines);
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    await Promise.all(engines.map((engine) => engine.close()));
  }
}

export const scenario: Scenario = { name: "storage", question: "what do typed records cost on top of the engine's own statements?", run };
