import type { EpochMs } from "@countersign/protocol/brand";
import type { Logger } from "@countersign/service/log";
import type { Database } from "@countersign/storage/database";
import { Instances } from "@countersign/storage/instances";
import type { Sealer } from "@countersign/storage/sealed";
import type { WalletKeys } from "../keys.ts";
import type { RestoreMark } from "./restore-mark.ts";
import { signingKeyChannel } from "./signing-keys.ts";

/** Much less than a new key is published ahead, so that every instance knows it long before it signs. */
const periodMs = 60_000;

export interface UpkeepParts {
  readonly database: Database<unknown>;
  readonly sealer: Pick<Sealer, "keyId">;
  readonly keys: Pick<WalletKeys, "refresh">;
  readonly mark: Pick<RestoreMark, "advance">;
  readonly now: () => EpochMs;
  readonly logger: Logger;
}

/**
 * Says with which sealing key this instance seals, lets the mark grow by which a restored backup is recognized, and reads the signing keys again; all every
 * minute, and the keys also when another instance has changed them. The answer ends it, waits for what runs, and takes the instance off the list.
 */
export async function startUpkeep(parts: UpkeepParts): Promise<() => Promise<void>> {
  const { database, keys, logger } = parts;
  const instances = new Instances(database, parts.now);
  await instances.alive(parts.sealer.keyId);
  await parts.mark.advance();
  let running = Promise.resolve();
  let stopped = false;
  const refresh = (): void => {
    if (stopped) return;
    running = running.then(() => keys.refresh()).catch((error: unknown) => logger.error("upkeep.failed", { error }));
  };
  const tell = (): void => {
    running = running
      .then(() => instances.alive(parts.sealer.keyId))
      .then(() => parts.mark.advance())
      .catch((error: unknown) => logger.error("upkeep.failed", { error }));
  };
  const subscribed = database.signals.subscribe(signingKeyChannel, refresh).catch((error: unknown) => {
    logger.warn("upkeep.unheard", { error });
    return () => undefined;
  });
  const timer = setInterval(() => {
    tell();
    refresh();
  }, periodMs);
  timer.unref();
  return async () => {
    stopped = true;
    clearInterval(timer);
    (await subscribed)();
    await running;
    await instances.gone().catch((error: unknown) => logger.warn("upkeep.failed", { error }));
  };
}
