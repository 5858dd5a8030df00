import { createHash, randomBytes } from "node:crypto";
import { Secret } from "@countersign/protocol/secret";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findBarriers } from "../browser/inspect.ts";
import { type Browser, keepPicture, launchBrowser } from "../browser/launch.ts";
import { Authenticator } from "../browser/passkeys.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { AcpAgent, type AgentPlatform, objectOf, startPlatform } from "../stack/acp-agent.ts";
import { readBank } from "../stack/read-bank.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

const apiKey = randomBytes(32).toString("base64url");
const webhookSecret = randomBytes(32).toString("base64url");

let stack: TestStack;
let platform: AgentPlatform;
let phone: Browser;
let agent: AcpAgent;
let paidBefore: number;

beforeAll(async () => {
  platform = await startPlatform(webhookSecret);
  const keySha256 = createHash("sha256").update(apiKey).digest("base64url");
  const webhook = { url: platform.url, secret: new Secret(webhookSecret) };
  stack = await runStack({ agents: [{ id: "shopping-agent", keySha256, webhook }] });
  agent = new AcpAgent(stack.urls.store, apiKey);
});
afterAll(async () => {
  await stack?.stop();
  platform?.close();
});
beforeEach(async () => {
  phone = await launchBrowser();
  new Authenticator().attachTo(phone.context);
  paidBefore = readBank(stack.folder).payments.length;
});
afterEach(async () => {
  await phone.close();
  expect(readBank(stack.folder).imbalance).toBe(0);
  expect(platform.forged).toBe(0);
});

const newPayments = (): readonly unknown[] => readBank(stack.folder).payments.slice(paidBefore);

function payment(session: string): object {
  const credential = { type: "checkout_session", token: session };
  return { payment_data: { handler_id: "wallet", instrument: { type: "wallet_approval", credential } } };
}

/** The person opens what the agent showed them. */
async function openOnPhone(link: unknown): Promise<WalletPage> {
  const wallet = new WalletPage(await phone.newPage({ width: 390, height: 844 }));
  await wallet.page.goto(String(link));
  return wallet;
}

describe("a shopping agent's server", () => {
  it("sells to a shopping agent when a person approves at the address that it was given, and tells it of the order", async () => {
    const api = await agent.discover();
    const line_items = [{ id: "stoneware-mug" }, { id: "field-notebook" }];
    const made = await agent.post(api, "", { line_items, currency: "eur", capabilities: {} });
    expect(made).toMatchObject({ status: 201, body: { status: "ready_for_payment" } });
    const session = String(made.body["id"]);
    const address = { name: "Ada Lovelace", line_one: "Kerkstraat 1", city: "Utrecht", state: "UT", country: "NL", postal_code: "3581 AA" };
    const sent = await agent.post(api, `/${session}`, { fulfillment_details: { address } });
    const express = { selected_fulfillment_options: [{ type: "shipping", option_id: "express", item_ids: [] }] };
    const priced = await agent.post(api, `/${session}`, express);
    expect([sent.status, priced.status]).toEqual([200, 200]);
    expect(JSON.stringify(priced.body["totals"])).toContain('"display_text":"Total","amount":4435');
    const asked = await agent.post(api, `/${session}/complete`, payment(session));
    expect(asked.body).toMatchObject({
      status: "requires_escalation",
      messages: [{ code: "approval_required", resolution: "requires_buyer_review" }],
    });
    expect(newPayments()).toHaveLength(0);

    const wallet = await openOnPhone(asked.body["continue_url"]);
    await wallet.createPasskey.click();
    const approve = wallet.page.getByRole("button", { name: /^Approve €44.35/ });
    await approve.waitFor();
    const shown = await wallet.page.locator("main").innerText();
    for (const part of ["Harbour Goods", "Stoneware mug", "Field notebook", "Express delivery to Kerkstraat 1"]) expect(shown).toContain(part);
    await keepPicture(wallet.page, "acp-wallet");
    await approve.click();
    await wallet.page.getByRole("heading", { name: "Approved" }).waitFor();

    await expect.poll(async () => (await agent.read(api, session)).body["status"]).toBe("completed");
    const completed = await agent.post(api, `/${session}/complete`, payment(session));
    const order = objectOf(completed.body["order"]);
    expect(completed).toMatchObject({ status: 200, body: { status: "completed", order: { checkout_session_id: session, status: "confirmed" } } });
    expect(newPayments()).toMatchObject([{ payee: "store", authorized: 4435, captured: 4435 }]);
    await expect.poll(() => platform.events).toEqual([{ type: "order_create", order: order["id"] }]);

    const page = await phone.newPage({ width: 390, height: 844 });
    await page.goto(String(order["permalink_url"]));
    await page.getByRole("heading", { name: "Your order at Harbour Goods" }).waitFor();
    expect(await page.locator("main").innerText()).toContain("44.35 EUR");
    await keepPicture(page, "acp-order-page");
    expect(await findBarriers(page.mainFrame())).toEqual([]);
  });

  it("tells the agent that the person said no, and sells under the next approval, once", async () => {
    const api = await agent.discover();
    const made = await agent.post(api, "", { line_items: [{ id: "field-notebook" }], currency: "eur", capabilities: {} });
    const session = String(made.body["id"]);
    const first = await agent.post(api, `/${session}/complete`, payment(session));
    const wallet = await openOnPhone(first.body["continue_url"]);
    await wallet.createPasskey.click();
    await wallet.decline.or(wallet.cancel).first().click();
    await expect.poll(async () => (await agent.read(api, session)).body["status"]).toBe("ready_for_payment");
    expect((await agent.read(api, session)).body["messages"]).toMatchObject([{ code: "payment_declined", resolution: "recoverable" }]);
    expect(newPayments()).toHaveLength(0);

    const second = await agent.post(api, `/${session}/complete`, payment(session));
    expect(second.body["continue_url"]).not.toBe(first.body["continue_url"]);
    await wallet.page.goto(String(second.body["continue_url"]));
    await wallet.page.getByRole("button", { name: /^Approve €/ }).click();
    await wallet.page.getByRole("heading", { name: "Approved" }).waitFor();
    await expect.poll(async () => (await agent.read(api, session)).body["status"]).toBe("completed");
    expect(newPayments()).toMatchObject([{ payee: "store", captured: 1250 }]);
  });
});
