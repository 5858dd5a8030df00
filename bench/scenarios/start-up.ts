import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { median } from "../measure/rounds.ts";
import type { Findings, Scenario } from "../scenario.ts";

const root = join(import.meta.dirname, "../..");
const rounds = 4;
const goalMs = 3_000;
const giveUpMs = 30_000;
const askEveryMs = 10;
const parties = ["HOST", "WIDGET", "WALLET", "STORE", "BANK"] as const;

/** A server that does nothing: what Node alone needs to start and answer. */
const bareServer = `require("node:http").createServer((_, response) => response.end("ok")).listen(Number(process.env.COUNTERSIGN_HOST_PORT), "127.0.0.1")`;

/** Ports that are free now, held together so that all differ. */
async function findFreePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === "string") throw new TypeError("a TCP server has a port");
    return address.port;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function ask(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = get(url, { agent: false }, (reply) => {
      reply.resume();
      reply.once("end", () => resolve(reply.statusCode === 200));
    });
    sent.once("error", () => resolve(false));
  });
}

/** Milliseconds from the start of the process to its first good answer. */
async function timeToAnswer(args: readonly string[], ports: readonly number[], data: string): Promise<number> {
  const variables = parties.map((party, at) => [`COUNTERSIGN_${party}_PORT`, String(ports[at])]);
  const env = { PATH: join(process.execPath, ".."), HOME: tmpdir(), COUNTERSIGN_DATA: data, ...Object.fromEntries(variables) };
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ["ignore", "ignore", "inherit"] });
  try {
    while (!(await ask(`http://127.0.0.1:${ports[0]}/readyz`))) {
      if (child.exitCode !== null || performance.now() - startedAt > giveUpMs) throw new Error(`${args.join(" ")} did not start`);
      await sleep(askEveryMs);
    }
    return performance.now() - startedAt;
  } finally {
    await stop(child);
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  await ended;
}

async function run(say: (progress: string) => void): Promise<Findings> {
  const up = [join(root, "apps/cli/src/main.ts"), "up"];
  const times = { bare: [] as number[], first: [] as number[], second: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    say(`round ${round + 1} of ${rounds}`);
    const data = mkdtempSync(join(tmpdir(), "countersign-start-"));
    try {
      const ports = await findFreePorts(parties.length);
      times.bare.push(await timeToAnswer(["-e", bareServer], ports, data));
      times.first.push(await timeToAnswer(up, ports, data));
      times.second.push(await timeToAnswer(up, ports, data));
    } finally {
      rmSync(data, { recursive: true, force: true });
    }
  }
  const second = median(times.second);
  return {
    figures: [
      { name: "bare node:http server", value: median(times.bare), unit: "ms p50" },
      { name: "up, fresh data folder", value: median(times.first), unit: "ms p50" },
      { name: "up, second start", value: second, unit: "ms p50" },
      { name: "up, second start, slowest", value: Math.max(...times.second), unit: "ms" },
    ],
    ratios: [{ name: "second start / 3 s", value: second / goalMs, goal: { most: 1 } }],
  };
}

export const scenario: Scenario = { name: "start-up", question: "how long from the command until the console answers?", run };
