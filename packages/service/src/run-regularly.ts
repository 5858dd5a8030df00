import type { Logger } from "./log.ts";

/** Runs upkeep again and again, never two at a time; a failure is logged under `failed`. The answer stops it and waits for a running one. */
export function runRegularly(
  work: () => Promise<unknown>,
  how: { readonly periodMs: number; readonly failed: string },
  logger: Logger,
): () => Promise<void> {
  let running: Promise<unknown> | undefined;
  const timer = setInterval(() => {
    running ??= work()
      .catch((error: unknown) => logger.warn(how.failed, { error }))
      .finally(() => {
        running = undefined;
      });
  }, how.periodMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}
