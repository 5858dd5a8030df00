import { randomUUID } from "node:crypto";
import { eventClaims } from "@countersign/protocol/event-token";
import { paymentEvent } from "@countersign/protocol/payment-event";
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from "jose";
import { z } from "zod";
import { record } from "./record.ts";

/** What the bank does to the next capture. `lost`: it captures and the answer never arrives. `dropped`: the request never arrives. `-after`: it captures first. */
export type CaptureFault =
  | "lost"
  | "dropped"
  | "status-500-after"
  | "status-500-before"
  | "decline"
  | "spent"
  | "spent-after"
  | "garbage"
  | "redirect"
  | "hang";
/** What the bank does to the next refund. */
export type RefundFault = "lost" | "dropped" | "status-500-after" | "status-500-before" | "poor";
export type ReadFault = "unreachable" | "status-500" | "plain-404";

/** The bank's side of the contract in miniature: payments by id, replays by key, a mandate once. */
export interface TestBank {
  readonly origin: string;
  readonly captureFaults: CaptureFault[];
  readonly readFaults: ReadFault[];
  readonly refundFaults: RefundFault[];
  /** Every refund that moved money, in order. */
  readonly refunded: readonly { readonly id: string; readonly amount: number; readonly key: string }[];
  /** Every capture that moved money, in order. */
  readonly captured: readonly { readonly id: string; readonly jti: string; readonly amount: number; readonly checkoutHash: string }[];
  readonly requests: readonly string[];
  readonly keys: readonly string[];
  /** Payment ids that were sent again without a read in between. */
  readonly sentBlindly: readonly string[];
  /** Changes what the bank says about its payments. */
  tamper: ((payment: Record<string, unknown>) => Record<string, unknown>) | undefined;
  /** The bank gives money back, or captures what the store had given up, without being asked. */
  refundByItself(paymentId: string, amount: number): void;
  captureByItself(paymentId: string, amount: number): void;
  /** The event token of a change, with changes of claims and header after they are right; signed by a stranger when `forged`. */
  event(paymentId: string, change?: { claims?: object; typ?: string; forged?: boolean }): Promise<string>;
  keysDown: boolean;
  fetch(request: Request): Promise<Response>;
}

export function createTestBank(origin: string, now: () => number): TestBank {
  const payments = new Map<string, Record<string, unknown>>();
  const refunded: { id: string; amount: number; key: string }[] = [];
  const captured: { id: string; jti: string; amount: number; checkoutHash: string }[] = [];
  const requests: string[] = [];
  const keys: string[] = [];
  const sentBlindly: string[] = [];
  const unread = new Set<string>();
  const keyPair = generateKeyPair("ES256", { extractable: true });
  const bank: TestBank = {
    origin,
    captureFaults: [],
    readFaults: [],
    refundFaults: [],
    refunded,
    captured,
    requests,
    keys,
    sentBlindly,
    tamper: undefined,
    keysDown: false,
    refundByItself(paymentId, amount) {
      const payment = payments.get(paymentId) ?? {};
      payments.set(paymentId, { ...payment, refunded: Number(payment["refunded"]) + amount });
    },
    captureByItself(id, amount) {
      const sums = { amount, currency: "EUR", captured: amount, refunded: 0, moves: [{ kind: "capture", amount }] };
      payments.set(id, { id, status: "captured", ...sums, mandate_jti: id.slice(4) });
    },
    async event(paymentId, { claims = {}, typ = "secevent+jwt", forged = false } = {}) {
      const { privateKey } = forged ? await generateKeyPair("ES256") : await keyPair;
      const about = { id: randomUUID(), subjectId: paymentId, status: "captured", sequence: 1, at: now() };
      const right = eventClaims({ issuer: origin, audience: "store", event: paymentEvent, ...about }, now());
      return new SignJWT({ ...right, ...claims }).setProtectedHeader({ alg: "ES256", typ, kid: "b1" }).sign(privateKey);
    },
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/.well-known/jwks.json") return publishKeys();
      requests.push(`${request.method} ${request.method === "POST" ? pathname : "/payments/:id"}`);
      if (pathname.endsWith("/refunds")) return refund(pathname.split("/")[2] ?? "", request);
      if (request.method === "POST") {
        keys.push(request.headers.get("idempotency-key") ?? "");
        return capture(record(await request.json()));
      }
      const read = decodeURIComponent(pathname.slice("/payments/".length));
      for (const key of [read, ...unread]) if (key === read || key.startsWith("refund-")) unread.delete(key);
      const fault = bank.readFaults.shift();
      if (fault === "unreachable") throw new TypeError("fetch failed");
      if (fault === "status-500") return refusal(500, "internal_error");
      if (fault === "plain-404") return new Response("not here", { status: 404 });
      const payment = payments.get(decodeURIComponent(pathname.slice("/payments/".length)));
      return payment === undefined ? refusal(404, "unknown_payment") : Response.json(bank.tamper?.(payment) ?? payment);
    },
  };

  function capture(body: Record<string, unknown>): Promise<Response> | Response {
    if (unread.has(String(body["id"]))) sentBlindly.push(String(body["id"]));
    unread.add(String(body["id"]));
    const fault = bank.captureFaults.shift();
    if (fault === "dropped") throw new TypeError("fetch failed");
    if (fault === "status-500-before") return refusal(500, "internal_error");
    if (fault === "decline") return refusal(402, "payment_declined");
    if (fault === "spent") return refusal(409, "mandate_spent");
    if (fault === "garbage") return new Response("<html>", { status: 200 });
    if (fault === "redirect") return new Response(null, { status: 302, headers: { location: "https://elsewhere.test/" } });
    const claims = decodeJwt(String(body["mandate"]).replace(/~$/, ""));
    if (Number(claims.exp) * 1000 <= now()) return refusal(403, "mandate_invalid");
    const id = String(body["id"]);
    if (!payments.has(id)) {
      const amount = Number(body["amount"]);
      payments.set(id, {
        id,
        status: "captured",
        amount,
        currency: body["currency"],
        captured: amount,
        refunded: 0,
        payer_account: "••4821",
        payee: "store",
        mandate_jti: claims.jti,
        created_at: new Date(now()).toISOString(),
        moves: [{ kind: "capture", amount }],
      });
      captured.push({ id, jti: String(claims.jti), amount, checkoutHash: String(body["checkout_hash"]) });
    }
    if (fault === "hang") return new Promise(() => undefined);
    if (fault === "lost") throw new TypeError("terminated");
    if (fault === "spent-after") return refusal(409, "mandate_spent");
    if (fault === "status-500-after") return refusal(500, "internal_error");
    const payment = payments.get(id) ?? {};
    return Response.json(bank.tamper?.(payment) ?? payment, { status: 201 });
  }

  async function publishKeys(): Promise<Response> {
    if (bank.keysDown) throw new TypeError("fetch failed");
    return Response.json({ keys: [{ ...(await exportJWK((await keyPair).publicKey)), kid: "b1", alg: "ES256", use: "sig" }] });
  }

  async function refund(id: string, request: Request): Promise<Response> {
    const key = request.headers.get("idempotency-key") ?? "";
    if (unread.has(key)) sentBlindly.push(key);
    unread.add(key);
    const fault = bank.refundFaults.shift();
    if (fault === "dropped") throw new TypeError("fetch failed");
    if (fault === "status-500-before") return refusal(500, "internal_error");
    if (fault === "poor") return refusal(402, "insufficient_funds");
    const amount = Number(record(await request.json())["amount"]);
    const payment = payments.get(id);
    if (payment === undefined) return refusal(404, "unknown_payment");
    const moves = z.array(z.unknown()).parse(payment["moves"]);
    if (!refunded.some((each) => each.key === key)) {
      const left = Number(payment["captured"]) - Number(payment["refunded"]);
      if (amount > left) return refusal(409, left === 0 ? "payment_closed" : "exceeds_payment");
      refunded.push({ id, amount, key });
      const status = amount === left ? "refunded" : "captured";
      payments.set(id, { ...payment, status, refunded: Number(payment["refunded"]) + amount, moves: [...moves, { kind: "refund", amount, key }] });
    }
    if (fault === "lost") throw new TypeError("terminated");
    if (fault === "status-500-after") return refusal(500, "internal_error");
    const after = payments.get(id) ?? {};
    return Response.json(bank.tamper?.(after) ?? after);
  }
  return bank;
}

function refusal(status: number, code: string): Response {
  return Response.json({ error: code, code }, { status });
}
