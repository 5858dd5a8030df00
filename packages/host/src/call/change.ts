import type { Events } from "../events.ts";
import type { CallView } from "./record.ts";

/** A call that changes, and what is asked of it. */
export interface Awaited {
  readonly userId: string;
  readonly id: string;
  /** Which change counts; by default any. */
  readonly until?: (call: CallView) => boolean;
}

/**
 * Resolves with one call of a user as it is once it has changed, or with undefined after `waitMs` or when one of `signals` aborts. Listens from the moment it is
 * made; `stop` lets go.
 */
export function nextChange(
  events: Events,
  { userId, id, until = () => true }: Awaited,
  waitMs: number,
  signals: readonly AbortSignal[],
): { readonly happened: Promise<CallView | undefined>; stop(): void } {
  const { promise, resolve } = Promise.withResolvers<CallView | undefined>();
  const unsubscribe = events.subscribe(userId, (event) => {
    if (event.type === "call" && event.data.id === id && until(event.data)) resolve(event.data);
  });
  const timer = setTimeout(resolve, waitMs, undefined);
  const aborted = (): void => resolve(undefined);
  for (const signal of signals) {
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) resolve(undefined);
  }
  return {
    happened: promise,
    stop: () => {
      unsubscribe();
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener("abort", aborted);
    },
  };
}
