import { Secret } from "@countersign/protocol/secret";
import { describe, expect, test, vi } from "vitest";
import { type BankClient, createBankClient } from "../src/bank-client.ts";

const payment = { id: "pay_1", status: "captured", amount: 500, currency: "EUR", captured: 500, refunded: 0, mandate_jti: "1", extra: "ignored" };
const order = { id: "pay_1", mandate: new Secret("m~"), total: { amount: 500, currency: "EUR" }, checkoutHash: "h", idempotencyKey: "capture-1" };

function client(answer: (request: Request) => Promise<Response> | Response, signal: AbortSignal = new AbortController().signal): BankClient {
  return createBankClient({
    bank: "https://bank.test",
    assertion: async (audience) => new Secret(`for ${audience}`),
    fetch: async (input, init) => {
      const request = new Request(input, init);
      request.signal.throwIfAborted();
      return new Promise((resolve, reject) => {
        request.signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")), { once: true });
        Promise.resolve(answer(request)).then(resolve, reject);
      });
    },
    captureMsMax: 20,
    readMsMax: 20,
    signal,
  });
}

describe("a capture", () => {
  test("is the contract's request: assertion for the bank, key, no redirects", async () => {
    const seen = vi.fn(async (request: Request) => {
      expect(request.redirect).toBe("manual");
      expect([...request.headers].filter(([name]) => name !== "accept")).toEqual([
        ["authorization", "Bearer for https://bank.test"],
        ["content-type", "application/json"],
        ["idempotency-key", "capture-1"],
      ]);
      expect(await request.json()).toEqual({ id: "pay_1", mandate: "m~", amount: 500, currency: "EUR", checkout_hash: "h", capture: true });
      return Response.json(payment, { status: 201 });
    });
    expect(await client(seen).capture(order)).toMatchObject({ outcome: "captured", payment: { id: "pay_1" } });
    expect(seen).toHaveBeenCalledOnce();
  });

  test.each([
    [402, { code: "payment_declined" }, "refused"],
    [402, { code: "insufficient_funds" }, "refused"],
    [409, { code: "mandate_spent" }, "refused"],
    [409, { code: "idempotency_in_flight" }, "unknown"],
    [429, { code: "rate_limited" }, "unknown"],
    [401, { code: "not_signed_in" }, "unknown"],
    [500, { code: "payment_declined" }, "unknown"],
    [402, "no json", "unknown"],
    [402, { code: "made_up" }, "unknown"],
    [200, { ...payment, amount: 1.5 }, "unknown"],
    [200, { ...payment, amount: "500" }, "unknown"],
    [204, null, "unknown"],
    [302, null, "unknown"],
  ] as const)("P14 answered %i %j is %s", async (status, body, outcome) => {
    const answer = (): Response => new Response(body === null ? null : typeof body === "string" ? body : JSON.stringify(body), { status });
    expect((await client(answer).capture(order)).outcome).toBe(outcome);
  });

  test("P14 without an answer in time, with a broken connection, or with an endless one is unknown", async () => {
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(40_000)) });
    expect(await client(() => new Promise(() => undefined)).capture(order)).toEqual({ outcome: "unknown", why: "timeout" });
    expect(await client(() => Promise.reject(new TypeError("terminated"))).capture(order)).toEqual({ outcome: "unknown", why: "TypeError" });
    expect(await client(() => new Response(endless)).capture(order)).toEqual({ outcome: "unknown", why: "the answer is too large" });
  });

  test("is given up as unknown when the store closes", async () => {
    const stop = new AbortController();
    const running = client(() => new Promise(() => undefined), stop.signal).capture(order);
    stop.abort();
    expect((await running).outcome).toBe("unknown");
  });
});

describe("a reading", () => {
  test.each([
    [200, payment, "found"],
    [404, { code: "unknown_payment" }, "absent"],
    [404, { code: "not_found" }, "unknown"],
    [404, "<html>", "unknown"],
    [500, { code: "unknown_payment" }, "unknown"],
    [200, {}, "unknown"],
  ] as const)("answered %i %j is %s", async (status, body, outcome) => {
    const answer = (): Response => new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
    expect((await client(answer).read("pay_1")).outcome).toBe(outcome);
  });
});
