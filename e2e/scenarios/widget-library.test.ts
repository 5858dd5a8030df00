import { fileURLToPath } from "node:url";
import type { Frame, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { build } from "vite";
import { findBarriers } from "../browser/inspect.ts";
import { type Browser, keepPicture, launchBrowser } from "../browser/launch.ts";
import { listen, portOf } from "../stack/listen.ts";

let browser: Browser;
let origin: string;
let stop: () => void;
const pages: Page[] = [];

beforeAll(async () => {
  const [view, host] = await Promise.all([bundle("../../packages/widget/test/views/react-view.ts"), bundle("../widget-views/library-host.ts")]);
  const style = ":root{color-scheme:light dark;font:15px system-ui}body{margin:16px}";
  const viewPage = page("Orders", style, '<div id="root"></div>', view);
  const frame = '<iframe title="Orders" sandbox="allow-scripts" style="border:0;width:100%;height:60px"></iframe>';
  const hostPage = page("Host", "body{margin:0}", frame, host);
  const server = await listen();
  server.on("request", (request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(request.url === "/view" ? viewPage : hostPage);
  });
  origin = `http://127.0.0.1:${portOf(server)}`;
  stop = () => {
    server.close();
    server.closeAllConnections();
  };
  browser = await launchBrowser();
});
afterEach(async () => {
  await Promise.all(pages.splice(0).map((each) => each.close()));
});
afterAll(async () => {
  await browser.close();
  stop();
});

async function bundle(path: string): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "error",
    // React's development build is the one whose strict mode mounts everything twice.
    mode: "development",
    define: { "process.env.NODE_ENV": '"development"' },
    build: {
      write: false,
      target: "esnext",
      minify: false,
      modulePreload: false,
      lib: { entry: fileURLToPath(new URL(path, import.meta.url)), formats: ["es"] },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  const [chunk] = (Array.isArray(built) ? built : [built]).flatMap((each) => ("output" in each ? each.output : []));
  if (chunk?.type !== "chunk") throw new TypeError(`${path} was not built`);
  return chunk.code;
}

function page(title: string, style: string, body: string, script: string): string {
  return `<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style></head>
<body>${body}<script type="module">${script.replaceAll("</script", "<\\/script")}</script></body></html>`;
}

interface Opened {
  readonly page: Page;
  readonly view: Frame;
  /** The host page's notes of what the view did. */
  readonly seen: (name: string) => Promise<unknown>;
}

async function open(theme: "light" | "dark" = "light"): Promise<Opened> {
  const opened = await browser.newPage({ width: 360, height: 560 });
  pages.push(opened);
  const errors: string[] = [];
  opened.on("pageerror", (error) => errors.push(error.message));
  await opened.goto(`${origin}/?theme=${theme}`);
  await opened.frameLocator("iframe").locator("#connection", { hasText: "connected" }).waitFor();
  const view = opened.frames().find((frame) => frame !== opened.mainFrame());
  if (view === undefined) throw new TypeError(`the view is not there: ${errors.join(", ")}`);
  return { page: opened, view, seen: (name) => opened.evaluate((key) => Reflect.get(Reflect.get(Reflect.get(window, "page"), "seen"), key), name) };
}

const decide = (opened: Opened, status: string): Promise<void> => opened.page.evaluate((word) => Reflect.get(window, "page").decide(word), status);

describe("the widget library in a host made with the official AppBridge", () => {
  it("connects once from React's strict mode, hears what the host tells, and lets go when the last component has gone", async () => {
    const opened = await open("dark");
    await opened.view.locator("#told", { hasText: "with this" }).waitFor();
    expect(await opened.seen("initialized")).toEqual([1]);
    expect(await opened.view.locator("#theme").textContent()).toBe("dark");
    expect(await opened.view.locator("#orders").textContent()).toBe("idle null");
    const isAlive = (): Promise<unknown> => opened.page.evaluate(() => Reflect.get(window, "page").isAlive());
    expect(await isAlive()).toBe(true);
    await opened.view.evaluate(() => Reflect.get(window, "unmount")());
    await expect.poll(() => opened.view.locator("main").count()).toBe(0);
    expect(await isAlive()).toBe(false);
  });

  it("shows link, code and QR code in its panel, and the call ends after the user agreed elsewhere", async () => {
    const opened = await open();
    await opened.view.getByRole("button", { name: "Show my orders" }).press("Enter");
    const panel = opened.view.getByTestId("authorization");
    await panel.getByRole("img", { name: "QR code of the page’s address" }).waitFor();
    expect(await panel.getByRole("heading").textContent()).toBe("Sign in to go on");
    expect(await panel.getByText("BCDF-GHJK").isVisible()).toBe(true);
    expect(await panel.getByText("wallet.example", { exact: true }).isVisible()).toBe(true);
    expect(await panel.getByRole("timer").textContent()).toMatch(/^Ends in (10:00|9:[3-5]\d)$/);
    expect(await opened.view.locator("#authorization").textContent()).toBe("required link");
    expect(await opened.view.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    await panel.getByRole("button", { name: "Open page" }).press("Enter");
    await expect.poll(() => opened.seen("links")).toEqual(["https://wallet.example/device?user_code=BCDF-GHJK"]);
    await decide(opened, "linked");
    await opened.view.locator("#orders", { hasText: "ord_1" }).waitFor();
    expect(await opened.view.locator("#orders").textContent()).toBe('done {"orders":["ord_1"],"got":{"limit":3}}');
    const thanks = panel.getByText("Thank you. Going on.");
    await thanks.waitFor();
    await thanks.waitFor({ state: "hidden" });
    expect(await opened.seen("calls")).toEqual(["list_orders", "link_account", "await_link", "call_linked"]);
    expect(JSON.stringify(await opened.seen("log"))).not.toContain("lnk_");
  });

  it("says that the user declined, and asks the chat where there are no links", async () => {
    const opened = await open();
    const show = opened.view.getByRole("button", { name: "Show my orders" });
    await show.press("Enter");
    await opened.view.getByText("BCDF-GHJK").waitFor();
    await decide(opened, "denied");
    await opened.view.locator("#orders", { hasText: "failed access_denied" }).waitFor();
    expect(await opened.view.getByText("This was not approved.").isVisible()).toBe(true);
    await opened.page.evaluate(() => Object.assign(Reflect.get(window, "page"), { offersLinks: false }));
    await show.press("Enter");
    await opened.view.locator("#orders", { hasText: "failed asked_model" }).waitFor();
    expect(await opened.view.locator("#authorization").textContent()).toBe("pending model");
    expect(await opened.seen("messages")).toEqual(['[{"type":"text","text":"Please use list_orders with {\\"limit\\":3}."}]']);
  });

  it("gives a hook the answer of its newest call, whichever comes first", async () => {
    const opened = await open();
    await opened.view.getByRole("button", { name: "Echo first" }).press("Enter");
    await opened.view.locator("#echo", { hasText: "running null" }).waitFor();
    await opened.view.getByRole("button", { name: "Echo second" }).press("Enter");
    await opened.view.locator("#echo", { hasText: 'done {"words":"second"}' }).waitFor();
    await opened.page.evaluate(() => Reflect.get(window, "page").release());
    // One more round trip, so that the late answer has arrived.
    expect(await opened.page.evaluate(() => Reflect.get(window, "page").isAlive())).toBe(true);
    expect(await opened.view.locator("#echo").textContent()).toBe('done {"words":"second"}');
  });

  it.each(["light", "dark"] as const)("has a panel that everybody can read, on a small screen, %s", async (theme) => {
    const opened = await open(theme);
    await opened.view.getByRole("button", { name: "Show my orders" }).press("Enter");
    await opened.view.getByRole("img").waitFor();
    await expect.poll(() => opened.view.evaluate(() => innerHeight > 300)).toBe(true);
    expect(await findBarriers(opened.view)).toEqual([]);
    await keepPicture(opened.page, `widget-library/panel-${theme}`);
  });
});
