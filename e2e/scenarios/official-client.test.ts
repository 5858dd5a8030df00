import { createServer, type Server } from "node:http";
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Browser, launchBrowser } from "../browser/launch.ts";
import { Authenticator } from "../browser/passkeys.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { KeepingProvider, officialClient } from "../stack/keeping-provider.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

describe("the official SDK client against the store", () => {
  let callback: Server;
  let stack: TestStack;
  let browser: Browser;
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
    stack = await runStack({
      walletClients: [officialClient(redirectUrl)],
    });
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
    callback?.close();
  });

  it.each([
    ["2026-07-28", "auto"],
    ["2025-11-25", "legacy"],
  ] as const)("completes 401, OAuth and the retried call in revision %s", async (_, mode) => {
    const provider = new KeepingProvider(redirectUrl);
    const transport = new StreamableHTTPClientTransport(new URL(`${stack.urls.store}/mcp`), { authProvider: provider });
    const client = new Client({ name: "independent-client", version: "1.0.0" }, { versionNegotiation: { mode } });
    await client.connect(transport);
    const anonymous = await client.callTool({ name: "browse_products", arguments: {} });
    expect(anonymous.isError ?? false).toBe(false);
    expect(provider.opened).toHaveLength(0);

    await expect(client.callTool({ name: "list_orders", arguments: {} })).rejects.toBeInstanceOf(UnauthorizedError);
    const authorizationUrl = provider.opened[0];
    expect(authorizationUrl?.origin).toBe(stack.urls.wallet);
    expect(authorizationUrl?.searchParams.get("resource")).toBe(`${stack.urls.store}/mcp`);
    expect(authorizationUrl?.searchParams.get("scope")).toContain("orders:read");

    const returned = new Promise<URL>((resolve) => {
      answered = resolve;
    });
    await browser.context.clearCookies();
    const page = await browser.newPage();
    await new Authenticator().plugInto(page);
    await page.goto(String(authorizationUrl));
    await new WalletPage(page).signUpAndAllow("Ada");
    await transport.finishAuth((await returned).searchParams);
    await page.close();

    const orders = await client.callTool({ name: "list_orders", arguments: {} });
    expect(orders.isError ?? false).toBe(false);
    expect(orders.structuredContent).toMatchObject({ orders: [] });
    expect(provider.opened).toHaveLength(1);
    await client.close();
  });
});
