import type { Logger } from "@countersign/service/log";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import { modelKindName, modelNames } from "./authorize/adapter.ts";
import { refreshAnswerKindName } from "./authorize/refresh-grace.ts";
import { challengeKind } from "./passkeys/challenges.ts";
import { liveRequestKind } from "./payment-requests/lodge.ts";
import { paymentRequestKind } from "./payment-requests/request.ts";

const periodMs = 60_000;
const deletedMax = 500;

const sweptKinds: readonly string[] = [
  ...modelNames.map(modelKindName),
  refreshAnswerKindName,
  challengeKind.name,
  liveRequestKind.name,
  paymentRequestKind.name,
];

/** Deletes expired records from time to time; what is expired counts as gone long before. The answer stops it and waits for a running sweep. */
export function startSweep(database: Database<unknown>, now: () => number, logger: Logger): () => Promise<void> {
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(() => sweep(database, now())).catch((error: unknown) => logger.warn("sweep.failed", { error }));
  }, periodMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}

/** Deletes up to 500 expired records of each kind. */
export async function sweep(database: Pick<Database<unknown>, "records">, now: number): Promise<void> {
  for (const name of sweptKinds) {
    const kind: RecordKind<unknown> = { name, parse: (json) => json };
    await database.records(kind).deleteExpired(now, deletedMax);
  }
}
