import { createServer, type Server } from "node:http";
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepPicture, launchBrowser } from "../browser/launch.ts";
import { Authenticator } from "../browser/passkeys.ts";
import { arrive } from "../browser/person.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { KeepingProvider, officialClient } from "../stack/keeping-provider.ts";
import { readBank } from "../stack/read-bank.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

/** Six mugs over 113.40 EUR: more than the shop refunds without the passkey. */
const items = [{ product_id: "stoneware-mug", quantity: 6 }];
const total = 11_340;

describe("a refund over the limit", () => {
  let stack: TestStack;
  let callback: Server;
  let redirectUrl: string;
  let answered: (url: URL) => void = () => {};

  beforeAll(async () => {
    callback = createServer((request, response) => {
      response.end("done");
      answered(new URL(request.url ?? "/", redirectUrl));
    });
    await new Promise<void>((resolve) => callback.listen(0, "127.0.0.1", resolve));
    const address = callback.address();
    redirectUrl = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}/callback`;
    stack = await runStack({ walletClients: [officialClient(redirectUrl)] });
  });

  afterAll(async () => {
    await stack?.stop();
    callback?.close();
  });

  it("is approved with the passkey in a window of the console, and the view's call then has it", async () => {
    const person = await arrive(stack.urls.console);
    await person.console.callTool("browse_products");
    await person.console.widget.getByTestId("product-card").first().waitFor();
    const call = (name: string, args: unknown): Promise<Record<string, unknown>> =>
      person.console.widget
        .locator("body")
        .evaluate(async (_body, asked) => (await window.openai.callTool(asked.name, asked.args)).structuredContent, { name, args });
    const { checkout } = await call("create_checkout", { items });
    const payWindow = person.browser.context.waitForEvent("page");
    const paying = call("pay", { checkout_id: Reflect.get(Object(checkout), "id") });
    const payPage = new WalletPage(await payWindow);
    await payPage.createPasskey.click();
    await payPage.approve.click();
    const order = Object((await paying)["order"]);

    const refundWindow = person.browser.context.waitForEvent("page");
    const refunding = call("refund_order", { order_id: Reflect.get(order, "id"), reason: "They were too blue" });
    const first = await refundWindow;
    await new WalletPage(first).allow.waitFor();
    const approveWindow = person.browser.context.waitForEvent("page");
    await new WalletPage(first).allow.click();
    // While the user's last click here counts the console opens it by itself; after that it asks for another one.
    const card = person.console.page.locator('[data-testid="signin-continue"][aria-disabled="false"]');
    card.click().catch(() => undefined);
    await keepPicture(person.console.page, "console-refund-second");
    const popup = await approveWindow;
    const wallet = new WalletPage(popup);
    await wallet.takeBack.waitFor();
    const shown = await popup.locator("body").innerText();
    for (const words of ["You get money back from", "Harbour Goods", "€113.40", String(Reflect.get(order, "id")), "To your account"]) {
      expect(shown).toContain(words);
    }
    // No window of the chat's speaks of a payment where money comes back.
    const asking = await person.console.signInCard.innerText();
    expect(asking).toContain("“Refund order”");
    expect(asking).not.toMatch(/payment/i);
    await keepPicture(popup, "wallet-refund");
    await popup.emulateMedia({ colorScheme: "dark" });
    await keepPicture(popup, "wallet-refund-dark");
    expect(readBank(stack.folder).payments).toMatchObject([{ captured: total, refunded: 0 }]);
    await wallet.takeBack.click();
    expect(await refunding).toMatchObject({ order: { status: "refunded" }, refund: { status: "done", amount: { amount: total } } });
    expect(readBank(stack.folder)).toMatchObject({ payments: [{ captured: total, refunded: total }], imbalance: 0 });
    expect(person.pageErrors).toEqual([]);
    await person.leave();
  });

  it("is approved through a client that knows only the step-up of its protocol", async () => {
    const browser = await launchBrowser();
    const authenticator = new Authenticator();
    const provider = new KeepingProvider(redirectUrl);
    const transport = new StreamableHTTPClientTransport(new URL(`${stack.urls.store}/mcp`), { authProvider: provider });
    const client = new Client({ name: "independent-client", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
    await client.connect(transport);
    const call = async (name: string, args: Record<string, unknown>): Promise<Record<string, unknown>> =>
      Object((await client.callTool({ name, arguments: args })).structuredContent);
    /** The call is challenged, the user does what the page asks, and the client has what came back. */
    const stepUp = async (asked: Promise<unknown>, act: (wallet: WalletPage) => Promise<void>): Promise<string> => {
      await expect(asked).rejects.toBeInstanceOf(UnauthorizedError);
      const returned = new Promise<URL>((resolve) => {
        answered = resolve;
      });
      const page = await browser.newPage();
      await authenticator.plugInto(page);
      const url = provider.opened.at(-1);
      await page.goto(String(url));
      await act(new WalletPage(page));
      await transport.finishAuth((await returned).searchParams);
      await page.close();
      return url?.searchParams.get("scope") ?? "";
    };

    const checkout = Object((await call("create_checkout", { items }))["checkout"]);
    const pay = { checkout_id: Reflect.get(checkout, "id") };
    await stepUp(call("pay", pay), async (wallet) => {
      await wallet.createPasskey.click();
      await wallet.approve.click();
    });
    const order = Object((await call("pay", pay))["order"]);
    const refund = { order_id: Reflect.get(order, "id") };
    expect(await stepUp(call("refund_order", refund), async (wallet) => wallet.allow.click())).toContain("orders:write");
    const scope = await stepUp(call("refund_order", refund), async (wallet) => wallet.takeBack.click());
    expect(scope).toMatch(/payment:pr_/);
    expect(await call("refund_order", refund)).toMatchObject({ order: { status: "refunded" }, refund: { status: "done" } });
    expect(readBank(stack.folder).payments.map(({ refunded }) => refunded)).toEqual([total, total]);
    await client.close();
    await browser.close();
  });
});
