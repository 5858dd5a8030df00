import { readApprovalAnswer } from "@countersign/protocol/approval-answer";
import { member } from "@countersign/protocol/shape";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as TransportV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Frame, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findBarriers } from "../browser/inspect.ts";
import { type Browser, keepPicture, launchBrowser } from "../browser/launch.ts";
import { Authenticator } from "../browser/passkeys.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { type ForwardingHost, startForwardingHost } from "../stack/forwarding-host.ts";
import { readBank } from "../stack/read-bank.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

const phoneSize = { width: 390, height: 844 };

let stack: TestStack;
let phone: Browser;
let paidBefore: number;

beforeAll(async () => {
  stack = await runStack();
});
afterAll(() => stack?.stop());
beforeEach(async () => {
  phone = await launchBrowser();
  new Authenticator().attachTo(phone.context);
  paidBefore = readBank(stack.folder).payments.length;
});
afterEach(async () => {
  await phone.close();
  expect(readBank(stack.folder).imbalance).toBe(0);
});

const newPayments = (): readonly unknown[] => readBank(stack.folder).payments.slice(paidBefore);
const endpoint = (): URL => new URL(`${stack.urls.store}/mcp`);

/** On the phone: opens the link, makes a passkey, and approves what the page names. Gives what it showed. */
async function approveOnPhone(link: string): Promise<string> {
  const wallet = new WalletPage(await phone.newPage(phoneSize));
  await wallet.page.goto(link);
  await wallet.createPasskey.click();
  // Beside it stands the offer to hand the payment to yet another phone.
  const approve = wallet.page.getByRole("button", { name: /^Approve €/ });
  await approve.waitFor();
  const shown = await wallet.page.locator("main").innerText();
  await approve.click();
  await wallet.page.getByRole("heading", { name: "Approved" }).waitFor();
  return shown;
}

const items = [{ product_id: "stoneware-mug", quantity: 2 }];
const checkoutIn = (structuredContent: unknown): string => String(member(member(structuredContent, "checkout"), "id"));

describe("a guest's client that shows addresses", () => {
  it("L30 pays in one call: the official client of 2026-07-28 shows the wallet's page and comes back with the receipt", async () => {
    const client = new Client(
      { name: "terminal", version: "1.0.0" },
      { capabilities: { elicitation: { url: {} } }, versionNegotiation: { mode: "auto" } },
    );
    const shown: string[] = [];
    client.setRequestHandler("elicitation/create", async ({ params }) => {
      if (params.mode !== "url") return { action: "decline" };
      shown.push(await approveOnPhone(params.url));
      return { action: "accept" };
    });
    await client.connect(new StreamableHTTPClientTransport(endpoint()));
    const checkout_id = checkoutIn((await client.callTool({ name: "create_checkout", arguments: { items } })).structuredContent);
    const paid = await client.callTool({ name: "pay", arguments: { checkout_id } });
    expect(paid.structuredContent).toMatchObject({ order: { checkout_id }, receipt: { payee: "Harbour Goods", human_present: true } });
    expect(shown).toEqual([expect.stringContaining("Stoneware mug")]);
    expect(newPayments()).toMatchObject([{ payee: "store", authorized: 3780, captured: 3780 }]);
    await client.close();
  });
});

/** The three calls that this scenario makes, by whatever client. */
type Call = (
  name: string,
  args: Record<string, unknown>,
) => Promise<{ readonly structuredContent?: unknown; readonly _meta?: unknown; readonly content?: unknown }>;

const clients: readonly (readonly [what: string, open: () => Promise<{ readonly call: Call; readonly close: () => Promise<void> }>])[] = [
  [
    "the official client of 2025-11-25, named as Claude is",
    async () => {
      const client = new Client({ name: "claude-ai", version: "1.0.0" }, { versionNegotiation: { mode: "legacy" } });
      const requestInit = { headers: { "user-agent": "claude-user/1.0" } };
      await client.connect(new StreamableHTTPClientTransport(endpoint(), { requestInit }));
      return { call: (name, args) => client.callTool({ name, arguments: args }), close: () => client.close() };
    },
  ],
  [
    "the official client of the SDK's first major version",
    async () => {
      const client = new ClientV1({ name: "goose", version: "1.0.0" });
      await client.connect(new TransportV1(endpoint(), { requestInit: { headers: { "user-agent": "goose/1.38" } } }));
      return { call: (name, args) => client.callTool({ name, arguments: args }), close: () => client.close() };
    },
  ],
  [
    "a script that speaks HTTP as ChatGPT does",
    async () => {
      const call: Call = async (name, args) => {
        const headers = {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          "user-agent": "openai-mcp/1.0.0 (ChatGPT)",
        };
        const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: args } });
        const response = await fetch(endpoint(), { method: "POST", headers, body });
        expect(response.status).toBe(200);
        const text = await response.text();
        const json: unknown = JSON.parse(text.startsWith("{") ? text : text.slice(text.indexOf("data: ") + 6));
        const result = member(json, "result");
        return { structuredContent: member(result, "structuredContent"), _meta: member(result, "_meta"), content: member(result, "content") };
      };
      return { call, close: async () => undefined };
    },
  ],
];

describe.each(clients)("%s, for a guest", (_, open) => {
  it("L23 L30 pays by the wallet's link on a second device, waits by the handle, and reads the order again with the receipt's", async () => {
    const { call, close } = await open();
    const checkout_id = checkoutIn((await call("create_checkout", { items })).structuredContent);
    const asked = await call("pay", { checkout_id });
    const read = readApprovalAnswer(asked._meta, Date.now());
    if (!read.ok || read.value === undefined) throw new TypeError("the answer asks for no approval");
    const { link, handle, awaitTool } = read.value;
    expect(new URL(link).origin).toBe(stack.urls.wallet);
    expect(JSON.stringify([asked.content, asked.structuredContent])).not.toContain(handle);

    const waiting = call(awaitTool, { handle });
    expect(await approveOnPhone(link)).toContain("Harbour Goods");
    const paid = await waiting;
    expect(paid.structuredContent).toMatchObject({ state: "approved", order: { checkout_id }, receipt: { human_present: true } });
    expect(newPayments()).toHaveLength(1);

    const order_id = member(member(paid.structuredContent, "order"), "id");
    const receipt_handle = member(member(paid._meta, "store/receipt"), "handle");
    expect((await call("get_order", { order_id, receipt_handle })).structuredContent).toMatchObject({ order: { id: order_id } });
    await close();
  });
});

describe("the shop's view in a host that signs nobody in", () => {
  let browser: Browser;
  let host: ForwardingHost;
  let page: Page;

  beforeAll(async () => {
    [host, browser] = await Promise.all([startForwardingHost(endpoint().href), launchBrowser()]);
  });
  afterEach(() => page?.close());
  afterAll(async () => {
    await browser?.close();
    await host?.stop();
  });

  async function openView(theme: "light" | "dark"): Promise<Frame> {
    page = await browser.newPage({ width: 360, height: 760 });
    await page.goto(`${host.origin}/?theme=${theme}`);
    await page.frameLocator("iframe").getByTestId("product-card").first().waitFor();
    const view = page.frames().find((frame) => frame !== page.mainFrame());
    if (view === undefined) throw new TypeError("the view is not there");
    return view;
  }

  it("L23 shows link, QR code and the time left, and goes on to the receipt when the guest approved on another device", async () => {
    const view = await openView("light");
    await view.getByTestId("buy").first().press("Enter");
    await view.getByTestId("pay").press("Enter");
    const panel = view.getByTestId("authorization");
    await panel.getByRole("img", { name: "QR code of the page’s address" }).waitFor();
    expect(await panel.getByRole("heading").innerText()).toBe("Approve in your wallet");
    expect(await panel.getByRole("timer").innerText()).toMatch(/^Ends in 1[45]:\d\d$/);
    expect(await view.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    expect(await findBarriers(view)).toEqual([]);
    await keepPicture(page, "shop-pay-by-link");

    const link = await linkOf(view);
    expect(link).toMatch(new RegExp(`^${stack.urls.wallet}/approve/pr_[A-Za-z0-9_-]{22}$`));
    expect(await approveOnPhone(link)).toContain("Harbour Goods");
    await view.getByTestId("receipt").waitFor();
    expect(await panel.isVisible()).toBe(false);
    expect(newPayments()).toHaveLength(1);
    const told: unknown = await page.evaluate(() => Reflect.get(window, "told"));
    expect(member(told, "calls")).toEqual(expect.arrayContaining(["pay", "await_approval"]));
    expect(JSON.stringify(member(told, "models"))).not.toMatch(/s1\.|approve\/pr_/);
  });

  it("has a panel that everybody can read in the dark, and says when the payment was declined", async () => {
    const view = await openView("dark");
    await view.getByTestId("buy").first().press("Enter");
    await view.getByTestId("pay").press("Enter");
    const panel = view.getByTestId("authorization");
    await panel.getByRole("img").waitFor();
    expect(await findBarriers(view)).toEqual([]);
    await keepPicture(page, "shop-pay-by-link-dark");
    const wallet = new WalletPage(await phone.newPage(phoneSize));
    await wallet.page.goto(await linkOf(view));
    await wallet.createPasskey.click();
    await wallet.decline.click();
    await view.getByTestId("error").waitFor();
    expect(await view.getByTestId("error").getAttribute("data-code")).toBe("payment_denied");
    expect(newPayments()).toEqual([]);
  });

  /** The address that the panel's button asks the host to open. */
  async function linkOf(view: Frame): Promise<string> {
    await view.getByTestId("authorization").getByRole("button", { name: "Open page" }).press("Enter");
    const links = (): Promise<unknown> => page.evaluate(() => Reflect.get(Reflect.get(window, "told"), "links"));
    await expect.poll(links).toHaveLength(1);
    return String([await links()].flat()[0]);
  }
});
