import { randomBytes } from "node:crypto";
import { startSqlite } from "../measure/databases.ts";
import { type Load, openLoad } from "../measure/load.ts";
import { locationOf, openPage, type Page, pathOf } from "../measure/page.ts";
import { copyParkedCalls } from "../measure/parked-rows.ts";
import { median } from "../measure/rounds.ts";
import { type RunningProgram, startProgram } from "../measure/start-program.ts";
import { type Findings, quantile, type Scenario } from "../scenario.ts";

const parked = { calls: 100_000, callsOfFlow: 10 };
/** Parked by the host's own code, as many at a time. */
const parkedLive = 2_000;
const inFlight = 8;
const resumes = 60;
const starts = 3;
const goals = { growthMb: 50, resumeMs: 5, restartMs: 2_000 };
const settleMs = 6_000;

interface Running {
  readonly host: RunningProgram;
  readonly load: Load;
  readonly page: Page;
  /** From the start of the process until it answers. */
  readonly startMs: number;
  stop(): Promise<void>;
}

async function startHost(options: object): Promise<Running> {
  const startedAt = performance.now();
  const host = await startProgram("host", options);
  const startMs = performance.now() - startedAt;
  const origin = String(host.facts["url"]);
  const load = openLoad(origin, inFlight * 2);
  const page = await openPage(load, origin);
  const stop = async (): Promise<void> => {
    load.close();
    await host.stop();
  };
  return { host, load, page, startMs, stop };
}

/** Milliseconds from the window's return until the call has its result: token, store, resume, tool, answer. */
async function resumeOnce(page: Page, issuer: Load): Promise<number> {
  const callId = await page.startCall();
  const away = await page.openFlow(await page.untilParked(callId));
  const back = locationOf(await issuer.send({ method: "GET", path: pathOf(away), headers: {}, body: "" }));
  const returnedAt = performance.now();
  await page.callback(pathOf(back));
  await page.untilCompleted(callId);
  const taken = performance.now() - returnedAt;
  await page.signOut();
  return taken;
}

async function resumeTimes(page: Page, issuer: Load): Promise<readonly number[]> {
  const times: number[] = [];
  // The first half warms the code up.
  for (let count = 0; count < resumes * 1.5; count += 1) times.push(await resumeOnce(page, issuer));
  return times.slice(-resumes);
}

interface Memory {
  readonly rssMb: number;
  readonly heapMb: number;
}

/** Live heap, and resident memory after that, once the sweep has passed. */
async function memoryOf({ host }: Running): Promise<Memory> {
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const heapMb = Number(await host.perform({})) / 2 ** 20;
  return { heapMb, rssMb: (await host.usage()).rssBytes / 2 ** 20 };
}

async function parkMany(page: Page, count: number): Promise<void> {
  let left = count;
  const loop = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await page.untilParked(await page.startCall());
    }
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
}

interface Measured {
  readonly emptyStartMs: readonly number[];
  readonly fullStartMs: readonly number[];
  readonly emptyResumeMs: readonly number[];
  readonly fullResumeMs: readonly number[];
  readonly empty: Memory;
  readonly full: Memory;
  /** Heap that is held after so many more were parked by the host's own code. */
  readonly liveGrowthMb: number;
}

function findingsOf(measured: Measured): Findings {
  const thousands = `${parked.calls / 1000}k`;
  const growthMb = measured.full.rssMb - measured.empty.rssMb;
  const livePerCallKb = (measured.liveGrowthMb * 1024) / parkedLive;
  const restartMs = median(measured.fullStartMs);
  const resumeMs = quantile(measured.fullResumeMs, 0.5);
  return {
    figures: [
      { name: "resume, nobody else waits", value: quantile(measured.emptyResumeMs, 0.5), unit: "ms p50" },
      { name: `resume, ${thousands} others wait`, value: resumeMs, unit: "ms p50" },
      { name: `resume, ${thousands} others wait`, value: quantile(measured.fullResumeMs, 0.99), unit: "ms p99" },
      { name: "start of the process, nobody waits", value: median(measured.emptyStartMs), unit: "ms p50" },
      { name: `start of the process, ${thousands} wait`, value: restartMs, unit: "ms p50" },
      { name: "resident memory, nobody waits", value: measured.empty.rssMb, unit: "MB" },
      { name: `resident memory, ${thousands} wait`, value: measured.full.rssMb, unit: "MB" },
      { name: `live heap, ${thousands} wait`, value: measured.full.heapMb, unit: "MB" },
      { name: `growth of the live heap by ${parkedLive} more, parked now`, value: measured.liveGrowthMb, unit: "MB" },
    ],
    ratios: [
      { name: `memory growth by ${thousands} / ${goals.growthMb} MB`, value: growthMb / goals.growthMb, goal: { most: 1 } },
      {
        name: `live heap by ${thousands} parked now, by what a call held / ${goals.growthMb} MB`,
        value: (livePerCallKb * parked.calls) / 1024 / goals.growthMb,
        goal: { most: 1 },
      },
      { name: `resume of one at p50 / ${goals.resumeMs} ms`, value: resumeMs / goals.resumeMs, goal: { most: 1 } },
      { name: "resume, with others / alone", value: resumeMs / quantile(measured.emptyResumeMs, 0.5) },
      { name: `restart / ${goals.restartMs / 1000} s`, value: restartMs / goals.restartMs, goal: { most: 1 } },
    ],
  };
}

async function run(say: (progress: string) => void): Promise<Findings> {
  const engine = startSqlite();
  const parties = await startProgram("sign-in-parties");
  const issuer = openLoad(String(parties.facts["issuer"]), 2);
  const options = {
    shopUrl: String(parties.facts["url"]),
    issuer: String(parties.facts["issuer"]),
    databaseUrl: await engine.newDatabase(),
    sealingKey: randomBytes(32).toString("base64url"),
  };
  let running = await startHost(options);
  const again = async (): Promise<number> => {
    await running.stop();
    running = await startHost(options);
    return running.startMs;
  };
  const startTimes = async (): Promise<readonly number[]> => {
    const times: number[] = [];
    for (let count = 0; count < starts; count += 1) times.push(await again());
    return times;
  };
  try {
    say("with nobody else waiting");
    const emptyResumeMs = await resumeTimes(running.page, issuer);
    await running.page.untilParked(await running.page.startCall());
    const emptyStartMs = await startTimes();
    const empty = await memoryOf(running);
    say(`writing ${parked.calls} waiting calls`);
    await running.stop();
    copyParkedCalls(options.databaseUrl, parked);
    running = await startHost(options);
    const fullStartMs = await startTimes();
    const full = await memoryOf(running);
    say("resuming among them");
    const fullResumeMs = await resumeTimes(running.page, issuer);
    const before = await memoryOf(running);
    say(`parking ${parkedLive} more`);
    await parkMany(running.page, parkedLive);
    const liveGrowthMb = (await memoryOf(running)).heapMb - before.heapMb;
    return findingsOf({ emptyStartMs, fullStartMs, emptyResumeMs, fullResumeMs, empty, full, liveGrowthMb });
  } finally {
    issuer.close();
    await running.stop();
    await parties.stop();
    await engine.close();
  }
}

export const scenario: Scenario = {
  name: "parked-calls",
  question: "what do a hundred thousand calls that wait for a sign-in cost a host?",
  run,
};
