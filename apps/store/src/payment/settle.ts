import { createHash } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import { type ErrorCode, type Refusal, refuse } from "@countersign/protocol/errors";
import { err, ok } from "@countersign/protocol/result";
import { Secret } from "@countersign/protocol/secret";
import type { Database } from "@countersign/storage/open";
import type { Sealer } from "@countersign/storage/sealed";
import type { BankClient, BankPayment } from "../bank-client.ts";
import { applyToCheckout, readCheckout } from "../checkout/checkout-rows.ts";
import type { AnnounceOrder } from "../orders/announce.ts";
import type { Order } from "../orders/order.ts";
import { insertOrder, readOrderOfPayment } from "../orders/order-rows.ts";
import { takeBack } from "../refunds/take-back.ts";
import type { Report } from "../report.ts";
import type { StoreTables } from "../tables.ts";
import { type Capture, type CaptureKnowledge, decideCapture, isOrderedPayment, mandateMarginMs, nextAttemptAt } from "./capture.ts";
import { countAttempt, postponeCapture, readCapture, settleCapture } from "./capture-rows.ts";

export type Settlement =
  | { readonly outcome: "captured"; readonly order: Order }
  | { readonly outcome: "refused"; readonly refusal: Refusal }
  /** The bank has not said; the recovery asks again. */
  | { readonly outcome: "unknown" };

/** Brings captures to their end. Several callers of one payment share one run. */
export interface Settler {
  settle(paymentId: string): Promise<Settlement>;
  /** Resolves when no run is under way. */
  idle(): Promise<void>;
}

export interface SettlerOptions {
  readonly db: Database<StoreTables>;
  readonly bank: BankClient;
  readonly sealer: Sealer;
  readonly clock: () => EpochMs;
  readonly report: Report;
  /** Notes a new order for whoever is told of it. */
  readonly announce: AnnounceOrder;
}

const sendsPerRun = 2;

/** Names the record that a sealed mandate belongs to. */
export function mandateAad(paymentId: string): string {
  return `store:capture:${paymentId}`;
}

/** Makes the settler. */
export function createSettler(options: SettlerOptions): Settler {
  const running = new Map<string, Promise<Settlement>>();
  return {
    settle(paymentId) {
      const current = running.get(paymentId);
      if (current !== undefined) {
        return current;
      }
      const run = runCapture(options, paymentId).finally(() => running.delete(paymentId));
      running.set(paymentId, run);
      return run;
    },
    async idle() {
      await Promise.allSettled(running.values());
    },
  };
}

async function runCapture(options: SettlerOptions, paymentId: string): Promise<Settlement> {
  const capture = await readCapture(options.db, paymentId);
  if (capture === undefined) {
    throw new TypeError("there is no such capture");
  }
  if (capture.state !== "pending") {
    return recall(options, paymentId);
  }
  let known: CaptureKnowledge = {
    attempts: capture.attempts,
    reply: "none",
    reading: "none",
    sendsLeft: sendsPerRun,
    mandateAlive: options.clock() < capture.mandateExpiresAt + mandateMarginMs,
  };
  let payment: BankPayment | undefined;
  let code: ErrorCode = "payment_declined";
  for (;;) {
    const step = decideCapture(known);
    switch (step) {
      case "finish":
        return finish(options, capture, payment);
      case "refuse":
        return giveUp(options, capture, code);
      case "postpone":
        return postpone(options, capture, known);
      case "read": {
        const reading = await options.bank.read(paymentId);
        payment = reading.outcome === "found" ? reading.payment : undefined;
        known = { ...known, reading: reading.outcome };
        break;
      }
      case "send": {
        const attempts = known.attempts + 1;
        if (!(await countAttempt(options.db, paymentId, nextAttemptAt(attempts, options.clock())))) {
          return recall(options, paymentId);
        }
        options.report({ event: "capture_sent", payment: paymentId, attempt: attempts });
        const reply = await options.bank.capture(orderFor(options, capture));
        payment = reply.outcome === "captured" ? reply.payment : undefined;
        code = reply.outcome === "refused" ? reply.refusal.code : code;
        if (reply.outcome === "unknown") {
          options.report({ event: "capture_unknown", payment: paymentId, why: reply.why });
        }
        known = { ...known, attempts, reply: reply.outcome, reading: "none", sendsLeft: known.sendsLeft - 1 };
        break;
      }
    }
  }
}

function orderFor(options: SettlerOptions, capture: Capture): Parameters<BankClient["capture"]>[0] {
  const mandate = options.sealer.open(capture.sealedMandate, mandateAad(capture.paymentId));
  if (!mandate.ok) {
    throw new TypeError("the sealed mandate cannot be opened; the sealing key is another one");
  }
  const { paymentId: id, total, checkoutHash, idempotencyKey } = capture;
  return { id, mandate: new Secret(mandate.value), total, checkoutHash, idempotencyKey };
}

async function postpone(options: SettlerOptions, capture: Capture, known: CaptureKnowledge): Promise<Settlement> {
  await postponeCapture(options.db, capture.paymentId, nextAttemptAt(known.attempts, options.clock()));
  return { outcome: "unknown" };
}

async function finish(options: SettlerOptions, capture: Capture, payment: BankPayment | undefined): Promise<Settlement> {
  const { db, clock, report } = options;
  const { paymentId, checkoutId } = capture;
  if (payment === undefined || !isOrderedPayment(payment, paymentId, capture.total)) {
    report({ event: "capture_mismatch", payment: paymentId });
    await postponeCapture(db, paymentId, nextAttemptAt(10, clock()));
    return { outcome: "unknown" };
  }
  const checkout = await readCheckout(db, checkoutId);
  const now = clock();
  const order: Order | undefined = checkout && {
    id: orderIdOf(paymentId),
    checkoutId,
    paymentId,
    subject: capture.subject,
    lines: checkout.lines,
    shipping: checkout.shipping,
    tax: checkout.tax,
    total: checkout.total,
    createdAt: now,
    humanPresent: capture.humanPresent,
    paidWith: capture.paidWith,
    captured: payment.captured,
    refunded: payment.refunded,
  };
  if (order === undefined) {
    throw new TypeError("a capture has no checkout");
  }
  const done = await applyToCheckout(db, checkoutId, { type: "captured", paymentId }, now, async (tx) => {
    if (!(await settleCapture(tx, capture, "captured", null))) {
      return err(refuse("conflict"));
    }
    await insertOrder(tx, order);
    await options.announce(tx, order, "order_create", now);
    return ok(undefined);
  });
  if (!done.ok) {
    const before = await recall(options, paymentId);
    // Another instance had given it up: the money moved, and nothing will come of it.
    if (before.outcome === "refused") await takeBack(options, payment);
    return before;
  }
  report({ event: "order_completed", order: order.id, payment: paymentId, approvedBy: order.humanPresent ? "person" : "policy" });
  return { outcome: "captured", order };
}

async function giveUp(options: SettlerOptions, capture: Capture, code: ErrorCode): Promise<Settlement> {
  const { paymentId, checkoutId } = capture;
  const done = await applyToCheckout(options.db, checkoutId, { type: "declined", paymentId, code }, options.clock(), async (tx) =>
    (await settleCapture(tx, capture, "refused", code)) ? ok(undefined) : err(refuse("conflict")),
  );
  if (!done.ok) {
    return recall(options, paymentId);
  }
  options.report({ event: "capture_refused", payment: paymentId, code });
  return { outcome: "refused", refusal: refuse(code) };
}

/** What was settled before, here or by another instance. */
async function recall(options: SettlerOptions, paymentId: string): Promise<Settlement> {
  const order = await readOrderOfPayment(options.db, paymentId);
  if (order !== undefined) {
    return { outcome: "captured", order };
  }
  const capture = await readCapture(options.db, paymentId);
  return capture?.state === "refused" ? { outcome: "refused", refusal: refuse(capture.refusedWith ?? "payment_declined") } : { outcome: "unknown" };
}

function orderIdOf(paymentId: string): string {
  return `ord_${createHash("sha256").update(`countersign/order/${paymentId}`).digest("base64url").slice(0, 22)}`;
}

/** The key under which the bank knows one capture, however often it is sent: derived, so that it cannot be lost. */
export function captureKeyOf(paymentId: string): string {
  return `capture-${createHash("sha256").update(`countersign/capture/${paymentId}`).digest("base64url")}`;
}
