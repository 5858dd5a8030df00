import { readLinkOffer } from "@countersign/protocol/account-link";
import { member } from "@countersign/protocol/shape";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { FrameLocator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findBarriers, findSidewaysScrolling } from "../browser/inspect.ts";
import { type Browser, keepPicture, launchBrowser } from "../browser/launch.ts";
import { Authenticator } from "../browser/passkeys.ts";
import { press } from "../pages/console-page.ts";
import { WalletDevicePage } from "../pages/wallet-device-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";
import { type SilentHost, startSilentHost } from "../stack/silent-host.ts";

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

describe("the shop in a host that answers 400 {} to a view's call and starts no sign-in", () => {
  let host: SilentHost;
  let chat: Browser;
  let page: Page;

  beforeEach(async () => {
    host = await startSilentHost(`${stack.urls.store}/mcp`, "browse_products");
    chat = await launchBrowser();
    page = await openChat();
  });
  afterEach(async () => {
    await chat?.close();
    await host?.stop();
  });

  const openChat = async (size = { width: 900, height: 860 }): Promise<Page> => {
    const opened = await chat.newPage(size);
    await opened.goto(host.origin);
    await shop(opened).getByTestId("product-card").first().waitFor();
    return opened;
  };
  const shop = (of: Page): FrameLocator => of.frameLocator("iframe");
  const linkShown = async (): Promise<string> => {
    const panel = shop(page).getByTestId("authorization");
    await panel.getByRole("button", { name: "Open page" }).waitFor();
    await panel.locator("svg[role=img]").waitFor();
    await press(panel.getByRole("button", { name: "Open page" }));
    await expect.poll(() => host.seen.opened.length).toBe(1);
    return host.seen.opened.at(-1) ?? "";
  };

  it.each(["rejects with {}", "resolves with {}"] as const)("M26: its button works by a link on a phone, where the host %s", async (silence) => {
    host.silence = silence;
    await press(shop(page).getByTestId("my-orders"));
    const link = await linkShown();
    expect(new URL(link).origin).toBe(stack.urls.wallet);
    await approveOnPhone(link);
    await shop(page).getByText("No orders yet").waitFor();
    expect(host.seen.refused).toEqual(["list_orders"]);
    expect(host.seen.calls.filter((name) => name !== "browse_products" && name !== "await_link")).toEqual([
      "list_orders",
      "link_account",
      "call_linked",
    ]);
    expect(host.seen.prompts).toEqual([]);
    expect(await shop(page).getByTestId("error").count()).toBe(0);
  });

  it("M26: a second press and the view's next life use the same link, and the model's part of the state has no handle", async () => {
    await press(shop(page).getByTestId("my-orders"));
    await approveOnPhone(await linkShown());
    await shop(page).getByText("No orders yet").waitFor();
    await press(shop(page).getByTestId("my-orders"));
    await expect.poll(() => host.seen.calls.filter((name) => name === "call_linked").length).toBe(2);
    await page.reload();
    await shop(page).getByTestId("product-card").first().waitFor();
    await press(shop(page).getByTestId("my-orders"));
    await shop(page).getByText("No orders yet").waitFor();
    expect(host.seen.calls.filter((name) => name === "link_account")).toHaveLength(1);
    expect(host.seen.refused).toEqual(["list_orders"]);
    expect(host.seen.states.some((state) => state.includes("lnk_"))).toBe(true);
    for (const state of host.seen.states) expect(JSON.stringify(member(JSON.parse(state), "modelContent") ?? null)).not.toContain("lnk_");
  });

  it("shows the link, its code and who is behind it to everybody, light and dark, on a phone's width", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width: 360, height: 900 });
      await page.reload();
      await shop(page).getByTestId("product-card").first().waitFor();
      await press(shop(page).getByTestId("my-orders"));
      const panel = shop(page).getByTestId("authorization");
      await panel.locator("svg[role=img]").waitFor();
      expect(await panel.locator("code").innerText()).toMatch(/^[A-Z]{4}-[A-Z]{4}$/);
      await keepPicture(page, `link-shop-${colorScheme}-360`);
      const view = page.frames().find((each) => each !== page.mainFrame());
      if (view === undefined) throw new TypeError("there is no view");
      expect(await findBarriers(view)).toEqual([]);
      expect(await findSidewaysScrolling(view)).toEqual([]);
    }
  });

  it("tells the view when the user declines on the phone, and calls nothing", async () => {
    await press(shop(page).getByTestId("my-orders"));
    const phonePage = new WalletDevicePage(await phone.newPage(phoneSize));
    await phonePage.page.goto(await linkShown());
    await phonePage.proceed.click();
    await new WalletPage(phonePage.page).createPasskey.click();
    await phonePage.confirm.waitFor();
    await phonePage.page.getByRole("button", { name: "No" }).click();
    await shop(page).getByTestId("error").waitFor();
    expect(await shop(page).getByTestId("error").getAttribute("data-code")).toBe("access_denied");
    expect(host.seen.calls).not.toContain("call_linked");
  });
});
