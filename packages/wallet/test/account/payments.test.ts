import { openDatabase } from "@countersign/storage/open";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepReceipt, listReceipts, receiptRetentionMs } from "../../src/payment-requests/receipts.ts";
import type { PaymentRequest } from "../../src/payment-requests/request.ts";
import { newMember, openAccount } from "../peers/account.ts";
import { formOf } from "../peers/browser.ts";
import { lodge } from "../peers/payments.ts";
import { checkout, startWorld, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

test("an approved payment is listed and has a receipt; a declined one has none", async () => {
  const person = await newMember(world);
  expect((await openAccount(world, person, "/account/payments")).html).toContain("No payments yet");
  const approved = await lodge(world);
  await person.usePasskey(await person.browser.open(approved.request.url), "/approve");
  const declined = await lodge(world);
  await person.browser.submit(formOf((await person.browser.open(declined.request.url)).html, "/decline"));

  const list = (await openAccount(world, person, "/account/payments")).html;
  expect(list).toContain(`/account/payments/${approved.id}`);
  expect(list).not.toContain(declined.id);
  expect(list).toContain("€42.50");

  const receipt = await openAccount(world, person, `/account/payments/${approved.id}`);
  for (const words of [
    "Harbour Goods",
    "harbour.example",
    "2 × Mug",
    "€24.00",
    "€18.50",
    "€42.50",
    "Demo Bank ···· 4242",
    "With your passkey",
    approved.id,
  ]) {
    expect(receipt.html).toContain(words);
  }
  expect((await openAccount(world, person, `/account/payments/${declined.id}`)).status).toBe(404);
  expect((await openAccount(world, await newMember(world), `/account/payments/${approved.id}`)).status).toBe(404);
});

test("L25 P16 an approval that was not used yet is taken back on its receipt, once, by the one who gave it, and is never redeemed afterwards", async () => {
  const person = await newMember(world);
  const { id, request } = await lodge(world);
  await person.usePasskey(await person.browser.open(request.url), "/approve");
  const mandate = String((await world.payee.call(`/payment-requests/${id}`)).body["mandate"]);
  const receipt = await openAccount(world, person, `/account/payments/${id}`);
  const form = formOf(receipt.html, "/withdraw");
  const stateNow = async (): Promise<unknown> => (await world.payee.call(`/payment-requests/${id}`)).body["status"];

  const stranger = await newMember(world);
  await openAccount(world, stranger, "/account/payments");
  expect((await stranger.browser.submit(form)).status).toBe(403);
  expect((await person.browser.submit({ ...form, fields: {} })).status).toBe(403);
  expect(await stateNow()).toBe("approved");

  const after = await person.browser.submit(form);
  expect(after.html).toContain("Withdrawn");
  expect(after.html).not.toContain("/withdraw");
  expect(await stateNow()).toBe("revoked");
  expect(await world.bank.ask("redeem", { mandate, reference: "pay_1" })).toMatchObject({ body: { code: "mandate_revoked" } });
  expect((await openAccount(world, person, "/account/activity")).html).toContain("was taken back");
});

test("P16 an approval that the shop has used is not taken back", async () => {
  const person = await newMember(world);
  const { id, request } = await lodge(world);
  await person.usePasskey(await person.browser.open(request.url), "/approve");
  const form = formOf((await openAccount(world, person, `/account/payments/${id}`)).html, "/withdraw");
  const mandate = String((await world.payee.call(`/payment-requests/${id}`)).body["mandate"]);
  await world.bank.ask("redeem", { mandate, reference: "pay_1" });
  const late = await person.browser.submit(form);
  expect(late.status).toBe(409);
  const receipt = await openAccount(world, person, `/account/payments/${id}`);
  expect(receipt.html).toContain("Paid");
  expect(receipt.html).not.toContain("/withdraw");
});

test("receipts come newest first, page by page, of one account only", async () => {
  const database = await openDatabase<unknown>({ url: "memory:", schema: "wallet", migrations: [] });
  const request: PaymentRequest = {
    payee: { id: "store", name: "Harbour Goods", website: "https://harbour.example/" },
    terms: checkout,
    checkoutHash: "h",
    keyThumbprint: "k",
    createdAt: 0,
    expiresAt: 1,
    decision: null,
    outcome: null,
    sequence: 0,
    isAnnounced: false,
    checkoutJwt: null,
    buyer: null,
  };
  const instrument = { type: "bank_account", id: "acc_1", description: "Demo Bank" } as const;
  for (let at = 1; at <= 60; at += 1) {
    const accountId = at === 30 ? "usr_2" : "usr_1";
    await keepReceipt(database, request, { requestId: `pr_${at}`, accountId, at, instrument, humanPresent: true });
  }
  const seen: number[] = [];
  let after: string | undefined;
  do {
    const page = await listReceipts(database, "usr_1", 61, after);
    seen.push(...page.receipts.map((each) => each.at));
    after = page.next;
  } while (after !== undefined);
  expect(seen).toEqual(Array.from({ length: 60 }, (_, index) => 60 - index).filter((at) => at !== 30));
  expect((await listReceipts(database, "usr_1", receiptRetentionMs + 60)).receipts).toEqual([]);
  expect((await listReceipts(database, "usr_1", 61, "'; drop table records; --")).receipts).toHaveLength(25);
  await database.close();
});
