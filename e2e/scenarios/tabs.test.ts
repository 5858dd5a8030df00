import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrive, type Person } from "../browser/person.ts";
import { ConsolePage } from "../pages/console-page.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

/** More than the six connections that a browser opens to one HTTP/1.1 origin. */
const tabsCount = 8;

const isLive = (page: Page): Promise<boolean> => page.getByTestId("link-lost").isHidden();

describe("the console in eight tabs of one browser", () => {
  let stack: TestStack;
  let person: Person;
  let tabs: readonly ConsolePage[];

  beforeAll(async () => {
    stack = await runStack();
    person = await arrive(stack.urls.console);
    const opened = [person.console];
    while (opened.length < tabsCount) {
      const tab = new ConsolePage(await person.browser.newPage());
      await tab.open(stack.urls.console);
      opened.push(tab);
    }
    tabs = opened;
  });

  afterAll(async () => {
    await person?.leave();
    await stack?.stop();
  });

  it("opens in every tab, and a call in each gets its result", async () => {
    for (const tab of tabs) {
      await tab.page.bringToFront();
      await tab.callTool("browse_products");
      await tab.callCard("browse_products").locator('[data-testid="call-status"]').getByText("Done").waitFor();
    }
    expect(person.browser.context.serviceWorkers()).toHaveLength(0);
  });

  it("hears of a change in every tab at once", async () => {
    const [first] = tabs;
    await first?.page.bringToFront();
    await first?.page.getByTestId("add-connector").click();
    await first?.page.getByTestId("add-connector-url").fill(`${stack.urls.store}/mcp?again`);
    await first?.page.getByTestId("add-connector-submit").click();
    // The pages' own rereading comes every fifteen seconds and only while a call waits: these come by the stream.
    for (const tab of tabs) await tab.page.locator('[data-testid="connector"]').nth(1).waitFor({ timeout: 12_000 });
  });

  it("finds the way back in every tab after the host was away", async () => {
    await stack.restart();
    for (const tab of tabs) {
      await expect.poll(() => isLive(tab.page), { timeout: 20_000 }).toBe(true);
    }
    const last = tabs.at(-1);
    await last?.page.bringToFront();
    await last?.page.getByTestId("open-tool-picker").first().click();
    await last?.page.getByTestId("tool-option").first().click();
    await last?.page.getByTestId("tool-submit").click();
    await last?.callCard("browse_products").locator('[data-testid="call-status"]').getByText("Done").waitFor();
    expect(person.pageErrors).toEqual([]);
  });
});
