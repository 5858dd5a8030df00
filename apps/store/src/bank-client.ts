import { errorCatalogue, type ErrorCode, type Refusal, refuse } from "@countersign/protocol/errors";
import type { Money } from "@countersign/protocol/money";
import type { Secret } from "@countersign/protocol/secret";
import { z } from "zod";

/** A payment as the bank tells it. */
export interface BankPayment {
  readonly id: string;
  readonly status: string;
  readonly amount: number;
  readonly currency: string;
  readonly captured: number;
  readonly refunded: number;
  readonly mandate_jti: string;
  /** In order; `key` is the idempotency key that this payee chose. */
  readonly moves: readonly { readonly kind: string; readonly amount: number; readonly key?: string | undefined }[];
}

export interface RefundOrder {
  readonly paymentId: string;
  readonly amount: Money;
  readonly idempotencyKey: string;
}

export interface CaptureOrder {
  readonly id: string;
  readonly mandate: Secret;
  readonly total: Money;
  readonly checkoutHash: string;
  readonly idempotencyKey: string;
}

/** `unknown`: the bank may or may not have acted. Only a word of the bank itself is `refused`. */
export type CaptureReply =
  | { readonly outcome: "captured"; readonly payment: BankPayment }
  | { readonly outcome: "refused"; readonly refusal: Refusal }
  | { readonly outcome: "unknown"; readonly why: string };

export type PaymentReading =
  | { readonly outcome: "found"; readonly payment: BankPayment }
  | { readonly outcome: "absent" }
  | { readonly outcome: "unknown"; readonly why: string };

export interface BankClient {
  /** `POST /payments`: redeems a mandate and captures, once per payment id and idempotency key. */
  capture(order: CaptureOrder): Promise<CaptureReply>;
  /** `GET /payments/:id`. */
  read(paymentId: string): Promise<PaymentReading>;
  /** `POST /payments/:id/refunds`: gives money back, once per payment and idempotency key. `captured` carries the payment as it is then. */
  refund(order: RefundOrder): Promise<CaptureReply>;
}

export interface BankClientOptions {
  /** The bank's origin, also the audience of the client assertion. */
  readonly bank: string;
  /** RFC 7523 client assertion for an audience, single use. */
  readonly assertion: (audience: string) => Promise<Secret>;
  readonly fetch: typeof fetch;
  readonly captureMsMax: number;
  readonly readMsMax: number;
  /** Aborted when the store closes. */
  readonly signal: AbortSignal;
}

const bodyBytesMax = 65_536;

const paymentShape = z.object({
  id: z.string().max(200),
  status: z.string().max(40),
  amount: z.int().nonnegative(),
  currency: z.string().length(3),
  captured: z.int().nonnegative(),
  refunded: z.int().nonnegative(),
  mandate_jti: z.string().max(200),
  moves: z
    .array(z.object({ kind: z.string().max(40), amount: z.int().nonnegative(), key: z.string().max(255).optional() }))
    .max(200)
    .default([]),
});

const refusalShape = z.object({ code: z.string().max(64) });

/** Refusals that will not change by asking again. Whether the payment was made before is for a read to say. */
const definite: ReadonlySet<string> = new Set<ErrorCode>([
  "payment_declined",
  "insufficient_funds",
  "consent_mismatch",
  "mandate_invalid",
  "mandate_spent",
  "mandate_revoked",
  "invalid_amount",
  "invalid_request",
  "unknown_account",
  "idempotency_conflict",
  "exists_with_different_fields",
  "payment_closed",
  "exceeds_payment",
]);

/** Speaks with the bank: bounded time, bounded answers, no redirects. It never throws. */
export function createBankClient(options: BankClientOptions): BankClient {
  return {
    async capture(order) {
      const body = JSON.stringify({
        id: order.id,
        mandate: order.mandate.reveal(),
        amount: order.total.amount,
        currency: order.total.currency,
        checkout_hash: order.checkoutHash,
        capture: true,
      });
      const headers = { "content-type": "application/json", "idempotency-key": order.idempotencyKey };
      const reply = await exchange(options, "/payments", { method: "POST", headers, body }, options.captureMsMax);
      return reply.ok ? judgeCapture(reply.status, reply.json) : { outcome: "unknown", why: reply.why };
    },
    async read(paymentId) {
      const reply = await exchange(options, `/payments/${encodeURIComponent(paymentId)}`, { method: "GET", headers: {} }, options.readMsMax);
      return reply.ok ? judgeReading(reply.status, reply.json) : { outcome: "unknown", why: reply.why };
    },
    async refund({ paymentId, amount: { amount, currency }, idempotencyKey }) {
      const headers = { "content-type": "application/json", "idempotency-key": idempotencyKey };
      const request = { method: "POST", headers, body: JSON.stringify({ amount, currency }) };
      const reply = await exchange(options, `/payments/${encodeURIComponent(paymentId)}/refunds`, request, options.captureMsMax);
      return reply.ok ? judgeCapture(reply.status, reply.json) : { outcome: "unknown", why: reply.why };
    },
  };
}

function judgeCapture(status: number, json: unknown): CaptureReply {
  const payment = paymentShape.safeParse(json);
  if ((status === 201 || status === 200) && payment.success) {
    return { outcome: "captured", payment: payment.data };
  }
  const code = codeOf(json);
  if (status >= 400 && status < 500 && code !== undefined && definite.has(code)) {
    return { outcome: "refused", refusal: refuse(code) };
  }
  return { outcome: "unknown", why: `status ${status}` };
}

function judgeReading(status: number, json: unknown): PaymentReading {
  const payment = paymentShape.safeParse(json);
  if (status === 200 && payment.success) {
    return { outcome: "found", payment: payment.data };
  }
  // A 404 without the bank's own code may come from something in between.
  return status === 404 && codeOf(json) === "unknown_payment" ? { outcome: "absent" } : { outcome: "unknown", why: `status ${status}` };
}

function codeOf(json: unknown): ErrorCode | undefined {
  const parsed = refusalShape.safeParse(json);
  return parsed.success && isErrorCode(parsed.data.code) ? parsed.data.code : undefined;
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}

type Exchange = { readonly ok: true; readonly status: number; readonly json: unknown } | { readonly ok: false; readonly why: string };

async function exchange(
  options: BankClientOptions,
  path: string,
  request: { readonly method: string; readonly headers: Readonly<Record<string, string>>; readonly body?: string },
  msMax: number,
): Promise<Exchange> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), msMax);
  try {
    const assertion = await options.assertion(options.bank);
    const response = await options.fetch(options.bank + path, {
      ...request,
      headers: { ...request.headers, accept: "application/json", authorization: `Bearer ${assertion.reveal()}` },
      redirect: "manual",
      signal: AbortSignal.any([timeout.signal, options.signal]),
    });
    const text = await readBounded(response);
    return text === undefined ? { ok: false, why: "the answer is too large" } : { ok: true, status: response.status, json: parseJson(text) };
  } catch (error) {
    return { ok: false, why: timeout.signal.aborted ? "timeout" : error instanceof Error ? error.name : "failed" };
  } finally {
    clearTimeout(timer);
  }
}

/** The text of an answer; undefined when it is larger than what the bank ever says. */
export async function readBounded(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > bodyBytesMax) {
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
