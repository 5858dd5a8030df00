import { readLinkOffer } from "@countersign/protocol/account-link";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Browser, launchBrowser } from "../browser/launch.ts";
import { Authenticator } from "../browser/passkeys.ts";
import { WalletDevicePage } from "../pages/wallet-device-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

const phoneSize = { width: 390, height: 844 };

let stack: TestStack;
let phone: Browser;

beforeAll(async () => {
  stack = await runStack();
});
afterAll(() => stack?.stop());
beforeEach(async () => {
  phone = await launchBrowser();
  new Authenticator().attachTo(phone.context);
});
afterEach(() => phone.close());

/** On the phone: opens the link, makes a passkey, sees who asks for what, and says yes. */
async function approveOnPhone(link: string): Promise<string> {
  const page = new WalletDevicePage(await phone.newPage(phoneSize));
  await page.page.goto(link);
  await page.proceed.click();
  await new WalletPage(page.page).createPasskey.click();
  await page.confirm.waitFor();
  const shown = await page.page.locator("main").innerText();
  await page.confirm.click();
  await page.done.waitFor();
  return shown;
}

describe.each([
  ["2026-07-28", "auto"],
  ["2025-11-25", "legacy"],
] as const)("a client that never signs anybody in, in revision %s", (_, mode) => {
  it("reaches the user's orders by a link that the store itself made", async () => {
    const client = new Client({ name: "no-sign-in", version: "1.0.0" }, { versionNegotiation: { mode } });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${stack.urls.store}/mcp`)));
    const call = (name: string, args: Record<string, unknown>): ReturnType<Client["callTool"]> => client.callTool({ name, arguments: args });

    const offer = readLinkOffer((await call("link_account", { tool: "list_orders" }))._meta);
    if (offer === undefined) throw new TypeError("there is no offer");
    const { handle } = offer;
    expect(new URL(offer.link).origin).toBe(stack.urls.wallet);
    expect((await call("call_linked", { handle, tool: "list_orders" })).structuredContent).toMatchObject({
      error: { code: "authorization_required" },
    });

    const waiting = call("await_link", { handle });
    const shown = await approveOnPhone(offer.link);
    expect(shown).toContain("Harbour Goods");
    expect(shown).toContain("See your orders and receipts");
    expect((await waiting).structuredContent).toEqual({ status: "linked" });
    expect((await call("call_linked", { handle, tool: "list_orders" })).structuredContent).toMatchObject({ orders: [] });

    expect((await call("unlink_account", { handle })).structuredContent).toEqual({ status: "ended" });
    expect((await call("call_linked", { handle, tool: "list_orders" })).structuredContent).toMatchObject({ error: { code: "not_found" } });
    await client.close();
  });
});
