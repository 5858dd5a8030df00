import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepPicture } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

describe("the console with a mixed store", () => {
  let stack: TestStack;
  let person: Person;

  beforeAll(async () => {
    stack = await runStack();
    person = await arrive(stack.urls.console);
  });

  afterAll(async () => {
    await person?.leave();
    await stack?.stop();
  });

  it("has the store connected without a sign-in", async () => {
    const { console: page, browser } = person;
    expect(await page.connector("store").innerText()).toContain("Connected");
    expect(await page.signInCard.count()).toBe(0);
    expect(browser.context.pages().filter((each) => each.url() !== "about:blank")).toHaveLength(1);
    await keepPicture(page.page, "console-empty");
  });

  it("makes the form of a tool from its schema and sends only what was filled in", async () => {
    const { console: page } = person;
    await page.callTool("browse_products", { query: "mug" });
    await page.widget.getByTestId("product-card").first().waitFor();
    const titles = await page.widget.getByTestId("product-card").allInnerTexts();
    expect(titles.length).toBeGreaterThan(0);
    expect(titles.every((text) => /mug/i.test(text))).toBe(true);
    await keepPicture(page.page, "console-products");
  });

  it("shows the view on an origin of its own, in a frame that may only run scripts", async () => {
    const { console: page } = person;
    const outer = page.page.getByTestId("widget-frame").last();
    const frameUrl = new URL((await outer.getAttribute("src")) ?? "");
    expect(frameUrl.hostname).toMatch(/^[a-z0-9-]+\.localhost$/);
    expect(frameUrl.origin).not.toBe(stack.urls.console);
    const inner = outer.contentFrame().locator("iframe");
    expect(await inner.getAttribute("sandbox")).toBe("allow-scripts");
    const inside = await page.widget.locator("body").evaluate(() => {
      const attempt = (work: () => unknown): string => {
        try {
          return String(work());
        } catch (error) {
          return error instanceof Error ? error.name : "thrown";
        }
      };
      return {
        origin: globalThis.origin,
        parent: attempt(() => window.parent.document.title),
        top: attempt(() => window.top?.document.title),
        cookie: attempt(() => document.cookie),
        storage: attempt(() => localStorage.length),
        popup: attempt(() => window.open("about:blank")),
      };
    });
    expect(inside).toEqual({
      origin: "null",
      parent: "SecurityError",
      top: "SecurityError",
      cookie: "SecurityError",
      storage: "SecurityError",
      popup: "null",
    });
  });

  it("V05 lets the view reach nothing by fetch or picture", async () => {
    const { console: page } = person;
    const refused = await page.widget.locator("body").evaluate(async (_body, target) => {
      const violations: string[] = [];
      document.addEventListener("securitypolicyviolation", (event) => violations.push(event.effectiveDirective));
      const fetched = await fetch(target).then(
        () => "answered",
        () => "refused",
      );
      const picture = await new Promise<string>((resolve) => {
        const image = new Image();
        image.onload = () => resolve("loaded");
        image.onerror = () => resolve("refused");
        image.src = `${target}/x.png`;
      });
      return { fetched, picture, violations: [...new Set(violations)].sort() };
    }, stack.urls.bank);
    expect(refused).toEqual({ fetched: "refused", picture: "refused", violations: ["connect-src", "img-src"] });
  });

  it("V01 ignores messages that come from anywhere but the widget's own frame", async () => {
    const { console: page } = person;
    const before = await page.page.getByTestId("child-call").count();
    const other = await person.browser.newPage();
    await other.goto(`${stack.urls.wallet}/`);
    // The page posts to itself, as a script injected by another origin's window could: it is not the proxy frame.
    await page.page.evaluate(() =>
      window.postMessage({ jsonrpc: "2.0", id: "forged", method: "tools/call", params: { name: "list_orders", arguments: {} } }, "*"),
    );
    await page.widget.locator("body").evaluate(() => {
      const forged = document.createElement("iframe");
      forged.srcdoc =
        "<script>parent.parent.parent.postMessage({jsonrpc:'2.0',id:'nested',method:'tools/call',params:{name:'list_orders',arguments:{}}},'*')</script>";
      document.body.append(forged);
      return new Promise((resolve) => {
        forged.onload = () => resolve(undefined);
      });
    });
    // A call of the same kind through the right door works, so its answer shows that the forged ones had their time.
    await page.callTool("browse_products");
    await page.callCard("browse_products").locator('[data-testid="call-status"]').getByText("Done").waitFor();
    expect(await page.page.getByTestId("child-call").count()).toBe(before);
    expect(await page.signInCard.count()).toBe(0);
    await other.close();
  });

  it("leaves no script error behind", () => {
    expect(person.pageErrors).toEqual([]);
  });
});
