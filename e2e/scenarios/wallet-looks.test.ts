import { gzipSync } from "node:zlib";
import type { Page, Response } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findBarriers, findKeyboardTraps, findSidewaysScrolling } from "../browser/inspect.ts";
import { keepPicture } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy } from "../pages/console-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

const sizes = { desktop: { width: 1280, height: 860 }, phone: { width: 360, height: 740 } } as const;
type Size = keyof typeof sizes;
type Scheme = "light" | "dark";

/** Pages that nobody needs to be signed in for, by the name of their picture. */
const openPages: Readonly<Record<string, string>> = {
  landing: "/",
  "sign-in": "/account",
  device: "/device",
  "unknown-client": "/authorize?response_type=code&client_id=nobody&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=openid",
  "over-interaction": "/interaction/unknown",
  "unknown-payment": "/approve/pr_unknown",
  "not-found": "/nothing",
  "signed-out": "/account/signed-out",
};

/** What a page of the wallet weighs at most, with everything it loads, in bytes as they travel compressed. */
const weightMax = 30_000;

let stack: TestStack;
let person: Person;
/** Every address of the account pages that a link of them leads to. */
const accountPages = new Set<string>();

beforeAll(async () => {
  stack = await runStack();
  person = await arrive(stack.urls.console);
});

afterAll(async () => {
  await person?.leave();
  await stack?.stop();
});

/** Goes to a page of the wallet; gives what loaded with it, and what its policy stopped. */
async function visit(page: Page, path: string): Promise<{ readonly loaded: readonly Response[]; readonly refused: readonly string[] }> {
  const loaded: Response[] = [];
  const refused: string[] = [];
  const onResponse = (response: Response): void => void loaded.push(response);
  const onConsole = (message: { text(): string }): void => {
    if (message.text().includes("Content Security Policy")) refused.push(`${path}: ${message.text()}`);
  };
  page.on("response", onResponse);
  page.on("console", onConsole);
  await page.goto(new URL(path, stack.urls.wallet).href, { waitUntil: "networkidle" });
  page.off("response", onResponse);
  page.off("console", onConsole);
  return { loaded, refused };
}

/** Looks at a page in one dress and keeps its picture. */
async function look(page: Page, name: string, scheme: Scheme, size: Size): Promise<readonly string[]> {
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
  await page.setViewportSize(sizes[size]);
  await page.mouse.move(0, 0);
  await keepPicture(page, `wallet-looks/${name}-${scheme}-${size}`);
  const wrong = [...(await findBarriers(page.mainFrame())), ...(await findSidewaysScrolling(page.mainFrame())), ...(await findKeyboardTraps(page))];
  return wrong.map((each) => `${name} (${scheme}, ${size}): ${each}`);
}

async function inEveryDress(page: Page, name: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const scheme of ["light", "dark"] as const) {
    for (const size of ["desktop", "phone"] as const) found.push(...(await look(page, name, scheme, size)));
  }
  return found;
}

/** The account pages that this one links to. */
async function linkedAccountPages(page: Page): Promise<readonly string[]> {
  const links = await page.locator("a[href^='/account/']").evaluateAll((all) => all.map((link) => link.getAttribute("href") ?? ""));
  return links.map((link) => link.split("?")[0] ?? "");
}

/** Signs up and pays once, so that the account has something to show. */
async function useTheWallet(): Promise<void> {
  const { widget } = person.console;
  await person.console.callTool("browse_products");
  await widget.getByTestId("buy").first().click();
  await widget.getByTestId("pay").waitFor();
  const popup = new WalletPage(await openedBy(person.console.page, () => widget.getByTestId("pay").click()));
  await popup.createPasskey.click();
  await popup.approve.click();
  await widget.getByTestId("receipt").waitFor();
}

describe("the looks of the wallet", () => {
  it("meets WCAG A and AA, is reached by Tab and scrolls in one direction on every page without sign-in", { timeout: 120_000 }, async () => {
    const page = await person.browser.newPage();
    const found: string[] = [];
    for (const [name, path] of Object.entries(openPages)) {
      found.push(...(await visit(page, path)).refused);
      found.push(...(await inEveryDress(page, name)));
    }
    await page.close();
    expect(found).toEqual([]);
  });

  it("meets WCAG A and AA, is reached by Tab and scrolls in one direction on every page of an account", { timeout: 180_000 }, async () => {
    await useTheWallet();
    const page = await person.browser.newPage();
    const found: string[] = [];
    const waiting = ["/account"];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (accountPages.has(path) || accountPages.size > 30) continue;
      accountPages.add(path);
      found.push(...(await visit(page, path)).refused);
      found.push(...(await inEveryDress(page, path.slice(1).replaceAll("/", "-"))));
      waiting.push(...(await linkedAccountPages(page)));
    }
    await page.close();
    expect([...accountPages]).toContain("/account/activity");
    expect(found).toEqual([]);
  });

  it("weighs at most 30 kB a page and asks nobody else for anything", async () => {
    const page = await person.browser.newPage();
    for (const path of [...Object.values(openPages), ...accountPages]) {
      const { loaded } = await visit(page, path);
      const bodies = await Promise.all(loaded.map(async (response) => (response.status() === 200 ? response.body() : Buffer.alloc(0))));
      const weight = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0);
      expect({ path, elsewhere: loaded.filter((response) => new URL(response.url()).origin !== stack.urls.wallet).length }).toEqual({
        path,
        elsewhere: 0,
      });
      expect({ path, isLight: weight > 0 && weight <= weightMax }).toEqual({ path, isLight: true });
    }
    await page.close();
  });
});

describe("the wallet's policy in a real browser", () => {
  it("O36 runs no inline script and no handler, and applies no inline style", async () => {
    const page = await person.browser.newPage();
    for (const path of ["/", "/account", "/nothing"]) {
      await visit(page, path);
      const outcome = await page.evaluate(async () => {
        const stopped: string[] = [];
        document.addEventListener("securitypolicyviolation", (event) => stopped.push(event.effectiveDirective));
        const script = document.createElement("script");
        script.textContent = "document.body.dataset.canary = 'ran'";
        document.body.append(script);
        document.body.insertAdjacentHTML(
          "beforeend",
          `<img src="data:," onerror="document.body.dataset.canary = 'ran'"><p id="styled" style="color: red">x</p>`,
        );
        // The reports come in tasks of their own. Either all three are there in the end, or something ran.
        while (new Set(stopped).size < 3 && document.body.dataset["canary"] === undefined) await new Promise(requestAnimationFrame);
        return { ran: document.body.dataset["canary"], stopped: [...new Set(stopped)].sort() };
      });
      expect(outcome).toEqual({ ran: undefined, stopped: ["script-src-attr", "script-src-elem", "style-src-attr"] });
    }
    await page.close();
  });

  it("O36 W06 is never shown in a frame, of another site or of its own", async () => {
    const page = await person.browser.newPage();
    await page.goto(stack.urls.store.replace(/\/mcp$/, "/healthz"));
    for (const path of ["/", "/account", "/nothing"]) {
      const framed = await page.evaluate(async (src) => {
        const frame = document.createElement("iframe");
        frame.src = src;
        const loaded = new Promise((resolve) => frame.addEventListener("load", resolve));
        document.body.append(frame);
        await loaded;
        return frame.contentDocument === null;
      }, new URL(path, stack.urls.wallet).href);
      const child = page.frames().at(-1);
      // What stands in the frame is the browser's own error page, which has another origin and nothing of the wallet.
      expect({ framed, shows: (await child?.content())?.includes("Countersign Wallet") }).toEqual({ framed: true, shows: false });
    }
    await page.close();
  });

  it("leaves no script error behind", () => {
    expect(person.pageErrors).toEqual([]);
  });
});
