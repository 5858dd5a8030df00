import type { EpochMs } from "@countersign/protocol/brand";
import type { Logger } from "@countersign/service/log";
import type { Database } from "@countersign/storage/database";
import { runRegularly } from "@countersign/service/run-regularly";
import { readDue, setDeadline } from "./deadlines.ts";
import { moveRequest } from "./move.ts";
import { endOf, paymentRequestKind, statusOf, writtenStatusOf } from "./request.ts";

const batch = 100;
const periodMs = 2_000;
const pauseMs = 60_000;

/** Runs {@link expireRequests} every two seconds. The answer stops it and waits for a running one. */
export function startExpiry(database: Database<unknown>, now: () => EpochMs, logger: Logger): () => Promise<void> {
  return runRegularly(() => expireRequests(database, now()), { periodMs, failed: "expiry.failed" }, logger);
}

/**
 * Writes down what the clock has decided: open requests that nobody answered, and approvals that nobody redeemed. Everybody has seen them as expired since
 * their time; this frees what they held and tells the payee. Gives how many ended; several instances at once end each one once. One that fails is looked at
 * again in a minute and keeps no other one waiting; its error is thrown when all others have ended.
 */
export async function expireRequests(database: Database<unknown>, now: EpochMs): Promise<number> {
  let ended = 0;
  const errors: unknown[] = [];
  for (const id of await readDue(database, now, batch)) {
    try {
      if (await database.transaction((tx) => expireOne(tx, id, now))) ended += 1;
    } catch (error) {
      errors.push(error);
      await setDeadline(database, id, now + pauseMs);
    }
  }
  if (errors.length > 0) throw errors[0];
  return ended;
}

async function expireOne(tx: Database<unknown>, id: string, now: EpochMs): Promise<boolean> {
  const found = await tx.records(paymentRequestKind).get(id, now);
  const isOver = found !== undefined && statusOf(found.value, now) === "expired" && writtenStatusOf(found.value) !== "expired";
  if (!isOver) {
    await setDeadline(tx, id, found === undefined ? undefined : endOf(found.value));
    return false;
  }
  const end = { status: "expired", at: now } as const;
  const moved = await moveRequest(tx, found, found.value.decision === null ? { decision: end } : { outcome: end }, now);
  return moved.ok;
}
