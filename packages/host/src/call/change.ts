import { member } from "@countersign/protocol/shape";
import type { Events } from "../events.ts";

/** Resolves when one call of a user has changed, after `waitMs`, or when `signal` aborts. Listens from the moment it is made; `stop` lets go. */
export function nextChange(
  events: Events,
  call: { readonly userId: string; readonly id: string },
  waitMs: number,
  signal: AbortSignal,
): { readonly happened: Promise<void>; stop(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const unsubscribe = events.subscribe(call.userId, (event) => {
    if (event.type === "call" && member(event.data, "id") === call.id) resolve();
  });
  const timer = setTimeout(resolve, waitMs);
  const aborted = (): void => resolve();
  signal.addEventListener("abort", aborted, { once: true });
  if (signal.aborted) resolve();
  return {
    happened: promise,
    stop: () => {
      unsubscribe();
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
    },
  };
}
