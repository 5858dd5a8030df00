import { beforeEach, expect, test } from "vitest";
import type { SignedCheckout } from "../../src/payment/payee.ts";
import { type Pause, watchPayment } from "../../src/payment/watch-payment.ts";
import { createTestClock, type TestClock } from "../stand-ins/clock.ts";
import { createTestWallet, terms, type TestWallet } from "../stand-ins/wallet.ts";

let clock: TestClock;
let wallet: TestWallet;
let checkout: SignedCheckout;
let pauses: number[];

beforeEach(async () => {
  clock = createTestClock();
  wallet = await createTestWallet(clock);
  checkout = await wallet.payee.signCheckout(terms);
  const lodged = await wallet.payee.lodge(checkout);
  expect(lodged).toMatchObject({ ok: true, value: { id: "pr_1" } });
  pauses = [];
});

/** Lets time pass instead of waiting, and does something at the n-th pause. */
function pausing(steps: Readonly<Record<number, () => Promise<void> | void>> = {}): Pause {
  return async (ms) => {
    pauses.push(ms);
    clock.advance(ms);
    await steps[pauses.length]?.();
  };
}

function watch(pause: Pause, signal: AbortSignal = new AbortController().signal, requestId = "pr_1"): ReturnType<typeof watchPayment> {
  return watchPayment(wallet.payee, { checkout, requestId }, signal, pause);
}

test("an approval ends the watch with the verified mandate", async () => {
  const outcome = await watch(pausing({ 2: () => wallet.approve("pr_1") }));
  expect(outcome).toMatchObject({ state: "approved", approval: { requestId: "pr_1", checkoutHash: checkout.hash } });
  expect(pauses).toEqual([1000, 1000]);
});

test.each([
  ["denied", "denied"],
  ["revoked", "denied"],
  ["expired", "expired"],
  ["canceled", "expired"],
  ["voided", "expired"],
] as const)("P16 a request that is %s ends it as %s", async (status, state) => {
  wallet.decide("pr_1", status);
  expect(await watch(pausing())).toEqual({ state });
});

test("an approval whose mandate the bank has redeemed already is still learnt of", async () => {
  await wallet.approve("pr_1");
  wallet.decide("pr_1", "redeemed");
  expect(await watch(pausing())).toMatchObject({ state: "approved", approval: { requestId: "pr_1" } });
});

test("a mandate that does not hold ends it with the reason", async () => {
  await wallet.approve("pr_1", { aud: ["https://bank.test"] });
  expect(await watch(pausing())).toMatchObject({ state: "refused", refusal: { code: "mandate_invalid" } });
});

test("P12 an approval of another checkout ends it with a mismatch", async () => {
  await wallet.approve("pr_1");
  const other = await wallet.payee.signCheckout({ ...terms, version: 2 });
  const outcome = await watchPayment(wallet.payee, { checkout: other, requestId: "pr_1" }, new AbortController().signal, pausing());
  expect(outcome).toMatchObject({ state: "refused", refusal: { code: "consent_mismatch" } });
});

test("a request that the wallet does not know ends it", async () => {
  expect(await watch(pausing(), undefined, "pr_404")).toMatchObject({ state: "refused", refusal: { code: "not_found" } });
});

test("a wallet that does not answer is asked ever more slowly, and the approval is still found", async () => {
  wallet.issuer.down = true;
  const back = async () => {
    wallet.issuer.down = false;
    await wallet.approve("pr_1");
  };
  expect(await watch(pausing({ 6: back }))).toMatchObject({ state: "approved" });
  expect(pauses).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000]);
});

test("the watch gives up when no approval could be of use any more", async () => {
  wallet.issuer.down = true;
  expect(await watch(pausing())).toMatchObject({ state: "refused", refusal: { code: "authorization_server_unreachable" } });
  expect(clock.now()).toBeGreaterThanOrEqual(checkout.expiresAt + 900_000);
});

test("its signal stops it at once, also in the middle of a pause", async () => {
  const stop = new AbortController();
  expect(await watch(pausing({ 3: () => stop.abort() }), stop.signal)).toEqual({ state: "stopped" });
  expect(pauses).toHaveLength(3);
  const later = new AbortController();
  const waiting = watchPayment(wallet.payee, { checkout, requestId: "pr_1" }, later.signal);
  later.abort();
  expect(await waiting).toEqual({ state: "stopped" });
});
