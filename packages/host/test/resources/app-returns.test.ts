import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Browser, World } from "../stand-in/world.ts";

let world: World;
afterEach(async () => world.close());

const popupShape = z.object({ id: z.string(), url: z.string(), expiresAt: z.number() });
type Popup = z.infer<typeof popupShape>;

async function begin(): Promise<{ readonly browser: Browser; readonly widgetId: string; readonly popup: Popup }> {
  world = await World.start({ tools: { browse: {}, list_orders: { demands: ["orders:read"] } } });
  world.server.widget = {
    ...world.server.widget,
    meta: { "openai/widgetCSP": { redirect_domains: ["https://shop.example", world.authorizationServer.origin] } },
  };
  const browser = world.browser();
  await browser.open();
  const widgetId = await browser.openWidget();
  const opened = await browser.post(`/api/widgets/${widgetId}/popups`, { url: "https://shop.example/link?plan=a" });
  expect(opened.status).toBe(201);
  return { browser, widgetId, popup: popupShape.parse(await opened.json()) };
}

const wayBack = (popup: Popup): string => new URL(new URL(popup.url).searchParams.get("redirectUrl") ?? "").pathname;
const stateOf = async (browser: Browser, popup: Popup, waitS = 0): Promise<unknown> =>
  (await browser.fetch(`/api/popups/${popup.id}?wait=${waitS}`)).json();

describe("a window that an app has opened", () => {
  it("comes back with its parameters to the widget that opened it, which may be waiting", async () => {
    const { browser, popup } = await begin();
    expect(popup.url).toMatch(/^https:\/\/shop\.example\/link\?plan=a&redirectUrl=http%3A%2F%2F127\.0\.0\.1%3A4100%2Freturn%2F[\w-]{43}$/);
    expect(popup.url).not.toContain(popup.id);
    expect(await stateOf(browser, popup)).toEqual({ state: "open" });
    const waiting = stateOf(browser, popup, 20);
    const page = await browser.fetch(`${wayBack(popup)}?linked=yes&account=42`);
    expect([page.status, await page.text()]).toEqual([200, expect.not.stringContaining("42")]);
    const returned = { state: "returned", parameters: { linked: "yes", account: "42" } };
    expect(await waiting).toEqual(returned);
    expect(await stateOf(browser, popup)).toEqual(returned);
  });

  it("comes back once, within ten minutes", async () => {
    const { browser, widgetId, popup } = await begin();
    expect((await browser.fetch(`${wayBack(popup)}?a=1`)).status).toBe(200);
    expect((await browser.fetch(`${wayBack(popup)}?a=2`)).status).toBe(400);
    expect(await stateOf(browser, popup)).toMatchObject({ parameters: { a: "1" } });
    const late = popupShape.parse(await (await browser.post(`/api/widgets/${widgetId}/popups`, { url: "https://shop.example/" })).json());
    world.offsetMs = 10 * 60 * 1000 + 1;
    expect((await browser.fetch(`${wayBack(late)}?a=1`)).status).toBe(400);
    expect((await browser.fetch(`/api/popups/${late.id}`)).status).toBe(408);
  });

  it("of many returns at the same time one counts", async () => {
    const { browser, popup } = await begin();
    const pages = await Promise.all(Array.from({ length: 10 }, (_, at) => browser.fetch(`${wayBack(popup)}?a=${at}`)));
    expect(pages.filter((page) => page.status === 200)).toHaveLength(1);
  });

  it("O09 comes back only in the browser and session that opened it", async () => {
    const { browser, popup } = await begin();
    const other = world.browser();
    await other.open();
    expect((await other.fetch(`${wayBack(popup)}?a=1`)).status).toBe(400);
    const elsewhere = world.browser();
    const session = browser.cookies.get("cs_session");
    if (session !== undefined) elsewhere.cookies.set("cs_session", session);
    expect((await elsewhere.fetch(`${wayBack(popup)}?a=1`)).status).toBe(400);
    expect((await other.fetch(`/api/popups/${popup.id}`)).status).toBe(408);
    expect(await stateOf(browser, popup)).toEqual({ state: "open" });
  });

  it.each([
    ["doubled", "a=1&a=2"],
    ["too many", Array.from({ length: 21 }, (_, at) => `a${at}=1`).join("&")],
    ["too long", `a=${"x".repeat(2001)}`],
    ["reaching the prototype", "__proto__=1"],
  ])("parameters that are %s are refused, and the way back stays open", async (_, query) => {
    const { browser, popup } = await begin();
    expect((await browser.fetch(`${wayBack(popup)}?${query}`)).status).toBe(400);
    expect(await stateOf(browser, popup)).toEqual({ state: "open" });
  });

  it("V12 never goes to an issuer that the host knows, to an undeclared origin, or with the host's own redirect URI", async () => {
    const { browser, widgetId } = await begin();
    for (const url of [
      `${world.authorizationServer.origin}/authorize?client_id=x`,
      "https://other.example/",
      "https://shop.example/oauth?redirect_uri=http%3A%2F%2F127.0.0.1%3A4100%2Fcallback%2Fx",
      "javascript:alert(1)",
    ]) {
      const refused = await browser.post(`/api/widgets/${widgetId}/popups`, { url });
      expect([refused.status, await refused.json()]).toMatchObject([400, { code: "unsafe_url" }]);
    }
  });

  it("V12 the answer of one of the host's own sign-ins is not handed to the app", async () => {
    const { browser, popup } = await begin();
    const parked = await browser.parked((await browser.call("list_orders")).id);
    const callback = new URL(await browser.visitAuthorizationServer(parked.flow?.startUrl ?? ""));
    expect(callback.searchParams.get("code")).not.toBeNull();
    const { searchParams } = callback;
    const issuer = searchParams.get("iss") ?? world.authorizationServer.origin;
    for (const query of [callback.search.slice(1), `code=x&state=${searchParams.get("state")}`, `code=x&iss=${encodeURIComponent(issuer)}`]) {
      expect((await browser.fetch(`${wayBack(popup)}?${query}`)).status).toBe(400);
    }
    expect(await stateOf(browser, popup)).toEqual({ state: "open" });
    expect((await browser.fetch(`${callback.pathname}${callback.search}`)).status).toBe(200);
    expect((await browser.settled(parked.id)).state).toBe("completed");
  });
});
