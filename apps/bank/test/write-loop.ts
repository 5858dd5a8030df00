// A process that reads its work from standard input, makes one write after the other and says so after each answer, until it is killed.
import { readFileSync, writeSync } from "node:fs";
import type { FaultPoint } from "../src/fault-point.ts";
import { type Parties, World } from "./world.ts";

/** One `POST` of the store. */
export interface LoopWrite {
  readonly key: string;
  readonly path: string;
  readonly body: unknown;
}

/** `dieAt`: where this process kills itself, and at which write. */
export interface WriteLoop {
  readonly databaseUrl: string;
  readonly parties: Parties;
  readonly writes: readonly LoopWrite[];
  readonly dieAt?: { readonly point: FaultPoint; readonly write: number };
}

if (import.meta.main) {
  const loop: WriteLoop = JSON.parse(readFileSync(0, "utf8"));
  let current = 0;
  const world = await World.open({
    databaseUrl: loop.databaseUrl,
    parties: loop.parties,
    reach: (point) => {
      if (point === loop.dieAt?.point && current === loop.dieAt.write) process.kill(process.pid, "SIGKILL");
    },
  });
  for (const { key, path, body } of loop.writes) {
    const response = await world.send(loop.parties.store, "POST", path, { body, headers: { "idempotency-key": key } });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    writeSync(1, `${key}\n`);
    current += 1;
  }
  // Whoever started this decides when it ends.
  setInterval(() => undefined, 60_000);
}
