import type { Payee, PaymentApproval } from "@countersign/kit/payment/payee";
import { watchPayment } from "@countersign/kit/payment/watch-payment";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Checkout } from "../checkout/checkout.ts";
import { errorName, type Report } from "../report.ts";

/** Learns of approvals whether or not anybody still looks at the checkout. */
export interface Watchers {
  /** Watches the checkout's request, unless it is watched already or no place is free; the recovery comes back to it then. */
  watch(checkout: Checkout): void;
  /** Watches the checkout's request though no place is free or it was left alone: the wallet says that there is something to see. */
  look(checkout: Checkout): void;
  /** Resolves when no watch is running. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export interface WatcherOptions {
  readonly payee: Payee;
  /** How many requests are watched at a time. */
  readonly countMax: number;
  readonly onApproved: (checkoutId: string, approval: PaymentApproval) => Promise<void>;
  /** The wallet's last word was no. */
  readonly onEnded: (checkoutId: string, requestId: string, how: "denied" | "lapsed") => Promise<void>;
  readonly clock: () => EpochMs;
  readonly report: Report;
}

/** How long a request is left alone after the wallet's answer to it could not be used. */
const pauseMs = 30_000;

/** Makes the watchers. */
export function createWatchers(options: WatcherOptions): Watchers {
  const running = new Map<string, Promise<void>>();
  const paused = new Map<string, EpochMs>();
  const stop = new AbortController();
  const begin = (checkout: Checkout): void => {
    const { requestId, signed } = checkout;
    if (requestId === null || signed === null || running.has(requestId) || stop.signal.aborted) {
      return;
    }
    paused.delete(requestId);
    const run = watchOne(options, checkout.id, { checkout: signed, requestId }, stop.signal)
      .then((isUsable) => {
        if (!isUsable) {
          paused.set(requestId, options.clock() + pauseMs);
        }
      })
      .catch((thrown: unknown) => options.report({ event: "work_failed", where: "watch", error: errorName(thrown) }))
      .finally(() => running.delete(requestId));
    running.set(requestId, run);
  };
  return {
    watch(checkout) {
      const { requestId } = checkout;
      const isLeftAlone = requestId !== null && options.clock() < (paused.get(requestId) ?? 0);
      if (running.size < options.countMax && !isLeftAlone) begin(checkout);
    },
    look: begin,
    async idle() {
      while (running.size > 0) {
        await Promise.all(running.values());
      }
    },
    async close() {
      stop.abort();
      await Promise.all(running.values());
    },
  };
}

/** Follows one request to its end. False when the answer could not be used, so that asking again at once would only repeat it. */
async function watchOne(
  options: WatcherOptions,
  checkoutId: string,
  watch: Parameters<typeof watchPayment>[1],
  signal: AbortSignal,
): Promise<boolean> {
  const result = await watchPayment(options.payee, watch, signal);
  if (result.state !== "stopped") {
    options.report({ event: "approval_ended", checkout: checkoutId, request: watch.requestId, how: result.state });
  }
  switch (result.state) {
    case "approved":
      await options.onApproved(checkoutId, result.approval);
      return true;
    case "denied":
      await options.onEnded(checkoutId, watch.requestId, "denied");
      return true;
    case "expired":
      await options.onEnded(checkoutId, watch.requestId, "lapsed");
      return true;
    case "refused":
      return false;
    case "stopped":
      return true;
  }
}
