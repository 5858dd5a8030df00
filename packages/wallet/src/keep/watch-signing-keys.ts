import type { Logger } from "@countersign/service/log";
import type { Database } from "@countersign/storage/database";
import type { WalletKeys } from "../keys.ts";
import { signingKeyChannel } from "./signing-keys.ts";

/** Much less than a new key is published ahead, so that every instance knows it long before it signs. */
const periodMs = 60_000;

/** Reads the signing keys again every minute and when another instance has changed them. The answer stops it and waits for a running read. */
export function watchSigningKeys(
  database: Pick<Database<unknown>, "signals">,
  keys: Pick<WalletKeys, "refresh">,
  logger: Logger,
): () => Promise<void> {
  let running = Promise.resolve();
  let stopped = false;
  const refresh = (): void => {
    if (stopped) return;
    running = running.then(() => keys.refresh()).catch((error: unknown) => logger.error("signing_keys.failed", { error }));
  };
  const subscribed = database.signals.subscribe(signingKeyChannel, refresh).catch((error: unknown) => {
    logger.warn("signing_keys.unheard", { error });
    return () => undefined;
  });
  const timer = setInterval(refresh, periodMs);
  timer.unref();
  return async () => {
    stopped = true;
    clearInterval(timer);
    (await subscribed)();
    await running;
  };
}
