import type { EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { respondJson } from "@countersign/service/respond";
import type { Hono } from "hono";
import { reasonOf } from "./bank-event.ts";
import type { Door, Visit } from "./door.ts";
import type { WriteOutcome } from "./idempotency.ts";
import type { KeyedWrite, ServeKeyed } from "./keyed-writes.ts";
import { readMoves, readPayment } from "./make-payment.ts";
import { movePayment } from "./move-payment.ts";
import { isPaymentId, parseCaptureRequest, parseRefundRequest, parseVoidRequest, viewPayment } from "./payment.ts";
import type { PaymentMove } from "./payment-sums.ts";
import { type RedeemParts, redeemMandate } from "./redeem-mandate.ts";

export interface PaymentRouteParts extends RedeemParts {
  readonly door: Door;
  readonly serveKeyed: ServeKeyed;
}

/** A payee's payments: made against a mandate, read, captured in parts, voided and refunded. */
export function routePayments(app: Hono, parts: PaymentRouteParts): void {
  const { door, database } = parts;
  app.post("/payments", (c) =>
    door(c.req.raw, "payee", (visit) => write(parts, visit, "/payments", (asked) => redeemMandate(parts, asked, visit.caller, visit.now))),
  );
  app.get("/payments/:id", (c) =>
    door(c.req.raw, "payee", async (visit) => {
      const id = c.req.param("id");
      const row = isPaymentId(id) ? await readPayment(database, id) : undefined;
      if (row === undefined || row.payee !== visit.caller.client.clientId) return err(refuse("unknown_payment"));
      return ok(respondJson(200, viewPayment(row, await readMoves(database, id), visit.now)));
    }),
  );
  for (const [word, parse] of moves) {
    app.post(`/payments/:id/${word}`, (c) =>
      door(c.req.raw, "payee", async (visit) => {
        const id = c.req.param("id") ?? "";
        if (!isPaymentId(id)) return err(refuse("unknown_payment"));
        return write(parts, visit, `/payments/${id}/${word}`, (asked) => move(parts, id, parse(asked.body), asked, visit.now));
      }),
    );
  }
}

interface ParsedMove {
  readonly move: PaymentMove;
  readonly currency: string | undefined;
}

const moves: readonly (readonly [string, (body: unknown) => Result<ParsedMove, Refusal>])[] = [
  [
    "captures",
    (body) => {
      const asked = parseCaptureRequest(body);
      if (!asked.ok) return asked;
      const { amount, currency, isFinal } = asked.value;
      return ok({ move: { kind: "capture", amount, isFinal }, currency });
    },
  ],
  [
    "refunds",
    (body) => {
      const asked = parseRefundRequest(body);
      return asked.ok ? ok({ move: { kind: "refund", amount: asked.value.amount }, currency: asked.value.currency }) : asked;
    },
  ],
  [
    "void",
    (body) => {
      const asked = parseVoidRequest(body);
      return asked.ok ? ok({ move: { kind: "void" }, currency: undefined }) : asked;
    },
  ],
];

async function move(
  parts: PaymentRouteParts,
  paymentId: string,
  parsed: Result<ParsedMove, Refusal>,
  { claim }: KeyedWrite,
  now: EpochMs,
): Promise<Result<WriteOutcome, Refusal>> {
  return parsed.ok ? movePayment(parts, { claim, paymentId, ...parsed.value }, now) : parsed;
}

async function write(
  parts: PaymentRouteParts,
  visit: Visit,
  path: string,
  act: (asked: KeyedWrite) => Promise<Result<WriteOutcome, Refusal>>,
): Promise<Result<Response, Refusal>> {
  const outcome = await parts.serveKeyed(visit.request, { clientId: visit.caller.client.clientId, path }, act);
  if (!outcome.ok) return outcome;
  report(visit, outcome.value);
  const { status, body } = outcome.value.answer;
  const replayed = outcome.value.outcome === "replayed" ? { "idempotent-replayed": "true" } : {};
  return ok(new Response(body, { status, headers: { "content-type": "application/json", "cache-control": "no-store", ...replayed } }));
}

function report(visit: Visit, outcome: WriteOutcome): void {
  const { clientId } = visit.caller.client;
  switch (outcome.outcome) {
    case "done":
      return visit.report(outcome.event);
    case "replayed":
      return visit.report({ event: "answer_replayed", clientId });
    case "declined":
      return visit.report({ event: "request_refused", clientId, ...reasonOf(outcome.refusal) });
  }
}
