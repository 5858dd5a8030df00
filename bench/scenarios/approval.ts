import { startEngines } from "../measure/databases.ts";
import { startProgram } from "../measure/start-program.ts";
import { type Figure, type Findings, quantile, type Ratio, type Scenario } from "../scenario.ts";

const warmUpMs = 1_500;
const measureMs = 6_000;
/** What a second device costs that polls every 5 s (RFC 8628 section 3.5): the mean of a uniform wait. */
const pollingMeanMs = 2_500;
const goalMs = { p50: 100, p99: 300 };

async function run(say: (progress: string) => void): Promise<Findings> {
  const figures: Figure[] = [];
  const ratios: Ratio[] = [];
  const engines = await startEngines(say);
  for (const engine of engines) {
    say(engine.name);
    const program = await startProgram("approvals", { databaseUrl: await engine.newDatabase() });
    try {
      await program.perform({ durationMs: warmUpMs });
      const latencies = numbersOf(await program.perform({ durationMs: measureMs }));
      const [p50, p99] = [quantile(latencies, 0.5), quantile(latencies, 0.99)];
      const name = `from the passkey's answer to the payee's mandate, ${engine.name}`;
      figures.push({ name, value: p50, unit: "ms p50" }, { name, value: p99, unit: "ms p99" });
      ratios.push(
        { name: `p50 / ${goalMs.p50} ms, ${engine.name}`, value: p50 / goalMs.p50, goal: { most: 1 } },
        { name: `p99 / ${goalMs.p99} ms, ${engine.name}`, value: p99 / goalMs.p99, goal: { most: 1 } },
        { name: `polling every 5 s / p50, ${engine.name}`, value: pollingMeanMs / p50 },
      );
    } finally {
      await program.stop();
    }
  }
  for (const engine of engines) await engine.close();
  return { figures, ratios };
}

function numbersOf(answer: unknown): readonly number[] {
  const list: readonly unknown[] = Array.isArray(answer) ? answer : [];
  return list.filter((each) => typeof each === "number");
}

export const scenario: Scenario = {
  name: "approval",
  question: "how long from the person's passkey until the payee, who waits, holds the mandate?",
  run,
};
