// A process that reads its work from standard input, pays one order after the other and says so after each answer, until it is killed.
import { readFileSync, writeSync } from "node:fs";
import type { FaultPoint } from "../src/fault-point.ts";
import { type Parties, type PaymentBody, World } from "./world.ts";

/** `dieAt`: where this process kills itself, and at which order. */
export interface WriteLoop {
  readonly databaseUrl: string;
  readonly parties: Parties;
  readonly orders: readonly { readonly key: string; readonly body: PaymentBody }[];
  readonly dieAt?: { readonly point: FaultPoint; readonly order: number };
}

if (import.meta.main) {
  const loop: WriteLoop = JSON.parse(readFileSync(0, "utf8"));
  let current = 0;
  const world = await World.open({
    databaseUrl: loop.databaseUrl,
    parties: loop.parties,
    reach: (point) => {
      if (point === loop.dieAt?.point && current === loop.dieAt.order) process.kill(process.pid, "SIGKILL");
    },
  });
  for (const { key, body } of loop.orders) {
    const response = await world.pay(body, key);
    if (response.status !== 201) throw new Error(`order ${current}: ${response.status} ${await response.text()}`);
    writeSync(1, `${body.id}\n`);
    current += 1;
  }
  // Whoever started this decides when it ends.
  setInterval(() => undefined, 60_000);
}
