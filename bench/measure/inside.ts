import { member } from "@countersign/protocol/shape";
import type { Sample } from "./rounds.ts";

/** Runs an operation inside this process, `inFlight` at a time, until the time is over or it says that there is nothing left. */
export async function runInside(durationMs: number, inFlight: number, operate: () => Promise<boolean>): Promise<Sample> {
  const latenciesMs: number[] = [];
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const until = startedAt + durationMs;
  const loop = async (): Promise<void> => {
    for (let at = performance.now(); at < until; ) {
      if (!(await operate())) return;
      const doneAt = performance.now();
      latenciesMs.push(doneAt - at);
      at = doneAt;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
  const { user, system } = process.cpuUsage(cpuBefore);
  return { elapsedMs: performance.now() - startedAt, cpuUs: user + system, latenciesMs };
}

/** Reads a sample that another process took. */
export function readSample(answer: unknown): Sample {
  const elapsedMs = member(answer, "elapsedMs");
  const cpuUs = member(answer, "cpuUs");
  const latenciesMs = member(answer, "latenciesMs");
  if (typeof elapsedMs !== "number" || typeof cpuUs !== "number" || !isNumbers(latenciesMs)) throw new TypeError("not a sample");
  return { elapsedMs, cpuUs, latenciesMs };
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((each) => typeof each === "number");
}
