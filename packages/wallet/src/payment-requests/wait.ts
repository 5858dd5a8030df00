import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import { decisionChannel, type PaymentRequest, paymentRequestKind, statusOf } from "./request.ts";

/** A lost signal costs at most so long. */
const rereadMs = 5_000;

/**
 * Reads a payment request of this payee; undecided, waits up to `waitMs` for its decision. A signal only shortens the wait: the row is what counts.
 * Undefined when there is none or it is another payee's.
 */
export async function waitForDecision(
  database: Database<unknown>,
  query: { readonly id: string; readonly payeeId: string; readonly waitMs: number },
  abort: AbortSignal,
  now: () => EpochMs,
): Promise<PaymentRequest | undefined> {
  const deadline = performance.now() + query.waitMs;
  const wake = new EventTarget();
  const unsubscribe =
    query.waitMs > 0 ? await database.signals.subscribe(decisionChannel(query.id), () => wake.dispatchEvent(new Event("wake"))) : () => {};
  try {
    for (;;) {
      const heard = nextEvent(wake, abort);
      const found = await database.records(paymentRequestKind).get(query.id, now());
      const remainingMs = deadline - performance.now();
      const isFinal = found === undefined || found.value.payee.id !== query.payeeId || statusOf(found.value, now()) !== "created";
      if (isFinal || remainingMs <= 0 || abort.aborted) {
        heard.cancel();
        return found?.value.payee.id === query.payeeId ? found.value : undefined;
      }
      await heard.within(Math.min(remainingMs, rereadMs, Math.max(found.value.expiresAt - now(), 1)));
    }
  } finally {
    unsubscribe();
  }
}

/**
 * Waits until `read` gives something, `waitMs` have passed or `abort`; undefined when nothing came. A signal on the channel only shortens the wait: what is
 * read is what counts.
 */
export async function waitUntil<T>(
  database: Database<unknown>,
  query: { readonly channel: string; readonly waitMs: number },
  abort: AbortSignal,
  read: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const deadline = performance.now() + query.waitMs;
  const wake = new EventTarget();
  const unsubscribe = await database.signals.subscribe(query.channel, () => wake.dispatchEvent(new Event("wake")));
  try {
    for (;;) {
      const heard = nextEvent(wake, abort);
      const found = await read();
      const remainingMs = deadline - performance.now();
      if (found !== undefined || remainingMs <= 0 || abort.aborted) {
        heard.cancel();
        return found;
      }
      await heard.within(Math.min(remainingMs, rereadMs));
    }
  } finally {
    unsubscribe();
  }
}

export interface Heard {
  within(ms: number): Promise<void>;
  cancel(): void;
}

/** Listens from now on, so that a signal between the read and the wait is not missed. */
export function nextEvent(wake: EventTarget, abort: AbortSignal): Heard {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  wake.addEventListener("wake", done, { once: true });
  abort.addEventListener("abort", done, { once: true });
  const cancel = (): void => {
    wake.removeEventListener("wake", done);
    abort.removeEventListener("abort", done);
  };
  return {
    cancel,
    async within(ms) {
      const timer = setTimeout(done, ms);
      try {
        await promise;
      } finally {
        clearTimeout(timer);
        cancel();
      }
    },
  };
}
