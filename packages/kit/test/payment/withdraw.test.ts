import { beforeEach, expect, test } from "vitest";
import { createTestClock } from "../stand-ins/clock.ts";
import { createTestWallet, terms, type TestWallet } from "../stand-ins/wallet.ts";

let wallet: TestWallet;
beforeEach(async () => {
  wallet = await createTestWallet(createTestClock());
  await wallet.payee.lodge(await wallet.payee.signCheckout(terms));
});

test("P16 a request that its payee withdraws is over at the wallet, and withdrawing twice is withdrawing once", async () => {
  for (const _time of [1, 2]) {
    expect(await wallet.payee.withdraw("pr_1")).toMatchObject({ ok: true, value: { id: "pr_1", status: "canceled", mandate: undefined } });
  }
  expect(wallet.requests.get("pr_1")?.status).toBe("canceled");
});

test("P16 an approval that was not used is taken back", async () => {
  await wallet.approve("pr_1");
  expect(await wallet.payee.withdraw("pr_1")).toMatchObject({ ok: true, value: { status: "revoked" } });
});

test.each(["redeemed", "denied", "expired"] as const)("P16 one that is %s has ended otherwise", async (status) => {
  wallet.decide("pr_1", status);
  expect(await wallet.payee.withdraw("pr_1")).toMatchObject({ ok: false, error: { code: "conflict" } });
  expect(wallet.requests.get("pr_1")?.status).toBe(status);
});

test("one of another payee is not found, and an id cannot leave its place in the address", async () => {
  expect(await wallet.payee.withdraw("pr_9")).toMatchObject({ ok: false, error: { code: "not_found" } });
  expect(await wallet.payee.withdraw("../payment-requests/pr_1")).toMatchObject({ ok: false });
  expect(wallet.requests.get("pr_1")?.status).toBe("created");
});
