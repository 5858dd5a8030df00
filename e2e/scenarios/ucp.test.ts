import { readFileSync } from "node:fs";
import { join } from "node:path";
import { member } from "@countersign/protocol/shape";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findBarriers } from "../browser/inspect.ts";
import { type Browser, keepPicture, launchBrowser } from "../browser/launch.ts";
import { Authenticator } from "../browser/passkeys.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { readBank } from "../stack/read-bank.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";
import { openUcpCli, type UcpCli } from "../stack/ucp-cli.ts";

let stack: TestStack;
let cli: UcpCli;
let buyer: Browser;

beforeAll(async () => {
  [stack, buyer] = await Promise.all([runStack(), launchBrowser()]);
  new Authenticator().attachTo(buyer.context);
  cli = openUcpCli(stack.urls.store);
});
afterAll(async () => {
  cli?.leave();
  await buyer?.close();
  await stack?.stop();
});

const amsterdam = {
  first_name: "A.",
  last_name: "Buyer",
  street_address: "Damrak 1",
  postal_code: "1012 AB",
  address_locality: "Amsterdam",
  address_country: "NL",
};
const checkout = (answer: unknown): unknown => member(answer, "result");
const get = (value: unknown, ...path: readonly string[]): unknown => path.reduce(member, value);

it("is sold to by a client that somebody else made: found, priced, shipped, approved by the buyer in their wallet, completed", async () => {
  const found = await cli.run("discover");
  expect(JSON.stringify(found)).toContain("complete_checkout");

  const line_items = [{ item: { id: "stoneware-mug-sand" }, quantity: 2 }];
  const created = checkout(await cli.run("checkout", "create", "--input", JSON.stringify({ line_items })));
  expect(created).toMatchObject({ status: "ready_for_complete", currency: "EUR", totals: [{ amount: 3780 }, { type: "total", amount: 3780 }] });
  const id = String(member(created, "id"));

  const method = {
    type: "shipping",
    line_item_ids: ["li_stoneware-mug-sand"],
    destinations: [amsterdam],
    groups: [{ selected_option_id: "express" }],
  };
  const updated = checkout(await cli.run("checkout", "update", id, "--input", JSON.stringify({ line_items, fulfillment: { methods: [method] } })));
  expect(updated).toMatchObject({ totals: [{ type: "subtotal" }, { type: "fulfillment", amount: 1295 }, { type: "total", amount: 5075 }] });

  const instrument = { id: "pi_1", handler_id: "wallet", type: "wallet_approval" };
  const payment = JSON.stringify({ payment: { instruments: [instrument] } });
  const hook = `cat >> ${join(cli.home, "escalations")}`;
  const asked = checkout(await cli.run("checkout", "complete", id, "--input", payment, "--on-escalation", hook));
  expect(asked).toMatchObject({ status: "requires_escalation", messages: [{ severity: "requires_buyer_review" }, {}] });
  const handed: unknown = JSON.parse(readFileSync(join(cli.home, "escalations"), "utf8"));
  expect(handed).toMatchObject({ status: "requires_escalation", url: member(asked, "continue_url") });
  expect(checkout(await cli.run("checkout", "get", id))).toMatchObject({
    status: "requires_escalation",
    continue_url: member(asked, "continue_url"),
  });

  const link = String(member(handed, "url"));
  expect(link.startsWith(`${stack.urls.wallet}/approve/`)).toBe(true);
  const wallet = new WalletPage(await buyer.newPage({ width: 390, height: 844 }));
  await wallet.page.goto(link);
  await wallet.createPasskey.click();
  const approve = wallet.page.getByRole("button", { name: "Approve €50.75" });
  await approve.waitFor();
  expect(await wallet.page.locator("main").innerText()).toContain("Express delivery to Damrak 1, 1012 AB Amsterdam, NL");
  await approve.click();
  await wallet.page.getByRole("heading", { name: "Approved" }).waitFor();

  const done = checkout(await cli.run("checkout", "complete", id, "--input", payment));
  expect(done).toMatchObject({ status: "completed", order: { id: expect.stringMatching(/^ord_/) } });
  expect(checkout(await cli.run("checkout", "complete", id, "--input", payment))).toMatchObject({ order: { id: get(done, "order", "id") } });
  expect(readBank(stack.folder)).toMatchObject({ imbalance: 0, payments: [{ payee: "store", authorized: 5075, captured: 5075 }] });
  expect(JSON.stringify([found, asked, done])).not.toMatch(/eyJ(?:hbGci|0eXAi|raWQi|[\w-]{10,}\.[\w-])|mandate/);

  for (const theme of ["light", "dark"] as const) {
    const page = await buyer.newPage({ width: 360, height: 760 });
    await page.emulateMedia({ colorScheme: theme });
    await page.goto(String(get(done, "order", "permalink_url")));
    expect(await page.locator("main").innerText()).toContain(String(get(done, "order", "id")));
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    expect(await findBarriers(page.mainFrame())).toEqual([]);
    await keepPicture(page, theme === "light" ? "order-page" : "order-page-dark");
    await page.close();
  }
});

it("tells that client what to put right, and what cannot be", async () => {
  const wrong = await cli.run("checkout", "create", "--input", JSON.stringify({ line_items: [{ item: { id: "wall-clock" }, quantity: 19 }] }));
  expect(wrong).toMatchObject({ ucp: { status: "error" } });
  expect(checkout(wrong)).toMatchObject({ messages: [{ code: "out_of_stock", severity: "recoverable" }] });
  const line_items = [{ item: { id: "wall-clock" }, quantity: 1 }];
  const id = String(get(await cli.run("checkout", "create", "--input", JSON.stringify({ line_items })), "result", "id"));
  expect(checkout(await cli.run("checkout", "cancel", id))).toMatchObject({ status: "canceled" });
  const late = checkout(await cli.run("checkout", "complete", id, "--input", JSON.stringify({ payment: {} })));
  expect(late).toMatchObject({ status: "canceled", messages: [{ code: "checkout_not_open", severity: "unrecoverable" }, {}] });
});
