import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findBarriers, findKeyboardTraps, findSidewaysScrolling } from "../browser/inspect.ts";
import { keepPicture } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy } from "../pages/console-page.ts";
import { ProbeView } from "../pages/probe-view.ts";
import { type Behaviour, changeable } from "../stack/changeable-app.ts";
import { type AskingServers, startAskingServers } from "../stack/elicitation-app.ts";
import { fixtureApp, newProbe } from "../stack/fixture-app.ts";
import { type PlainProvider, startPlainProvider } from "../stack/plain-provider.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";
import { startWidgetApp, type WidgetApp } from "../stack/widget-app.ts";

const clientId = "countersign-host";
const desktop = { width: 1280, height: 860 };
const dresses = [
  ["light", desktop],
  ["dark", desktop],
  ["light", { width: 360, height: 740 }],
  ["dark", { width: 360, height: 740 }],
] as const;

describe("the looks of what is rare", { timeout: 120_000 }, () => {
  let provider: PlainProvider;
  let app: WidgetApp;
  let servers: AskingServers;
  let stack: TestStack;
  let person: Person;
  let page: Page;
  const behaviour: Behaviour = { closed: true, words: "Needs sign-in" };

  beforeAll(async () => {
    const plain = startPlainProvider({ clientId, redirectUris: ["http://127.0.0.1/callback"], scope: "fixture:read" });
    [provider, app, servers] = await Promise.all([plain, startWidgetApp(), startAskingServers()]);
    const make = fixtureApp(newProbe());
    stack = await runStack({
      fixture: (urls) => changeable(make(urls), urls.resource, behaviour),
      fixtureIssuer: provider.issuer,
      hostClients: { [provider.issuer]: { clientId } },
      connectors: [app.connector, { id: "asks", name: "Asks", url: servers.modern }],
    });
    person = await arrive(stack.urls.console);
    page = person.console.page;
  });

  afterAll(async () => {
    const errors = person?.pageErrors;
    await person?.leave();
    await stack?.stop();
    await Promise.all([servers?.stop(), app?.stop(), provider?.stop()]);
    expect(errors).toEqual([]);
  });

  beforeEach(async () => {
    await page.evaluate(() => sessionStorage.clear());
    await page.reload();
    await page.getByTestId("suggestion").first().waitFor();
  });

  /** The page has taken its new size. */
  const settle = (at: Page): Promise<unknown> =>
    at.evaluate(() => new Promise((resolve) => void requestAnimationFrame(() => void requestAnimationFrame(resolve))));
  /** Dresses the same state in light and dark and in both sizes, and looks at each; then goes through it by Tab. */
  const look = async (name: string, { at = page, before }: { readonly at?: Page; readonly before?: () => Promise<void> } = {}): Promise<void> => {
    const found: string[] = [];
    for (const [colorScheme, size] of dresses) {
      await at.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await at.setViewportSize(size);
      await settle(at);
      if (size.width < 960) await before?.();
      const wrong = [...(await findBarriers(at.mainFrame())), ...(await findSidewaysScrolling(at.mainFrame()))];
      found.push(...wrong.map((each) => `${name}, ${colorScheme}, ${size.width}: ${each}`));
      await keepPicture(at, `looks/${name}-${colorScheme}-${size.width}`);
    }
    await at.setViewportSize(desktop);
    await settle(at);
    found.push(...(await findKeyboardTraps(at)).map((each) => `${name}: ${each}`));
    expect(found).toEqual([]);
  };
  const part = (testId: string): Promise<void> => page.getByTestId(testId).waitFor();
  const armed = (testId: string): Promise<void> => page.locator(`[data-testid="${testId}"][aria-disabled="false"]`).click();

  it("connectors and their form, which keeps what was typed when the page becomes narrow, and names an address that is there already", async () => {
    const { url } = app.connector;
    await person.console.connector("fixture").getByTestId("connector-sign-in").waitFor();
    await page.getByTestId("add-connector").click();
    await page.getByTestId("connector-advanced").click();
    await page.getByTestId("add-connector-url").fill("http://store.example/mcp");
    await page.getByTestId("add-connector-submit").click();
    await page.getByText("Use https").waitFor();
    await look("add-connector");
    expect(await page.getByTestId("add-connector-url").inputValue()).toBe("http://store.example/mcp");
    await page.getByTestId("add-connector-url").fill(url);
    await page.getByTestId("connector-mode-full").check();
    await page.getByTestId("add-connector-submit").click();
    await page.getByText("connected already, as “Probe”").waitFor();
    await page.getByTestId("add-connector-url").fill(`${stack.urls.console}/mcp`);
    await page.getByTestId("connector-mode-mixed").check();
    await page.getByTestId("add-connector-submit").click();
    await part("connector-remove-failed");
    const toggle = page.getByTestId("connectors-toggle");
    await look("connectors-in-trouble", {
      before: async () => {
        if ((await page.locator("dialog[open]").count()) === 0) await toggle.click();
      },
    });
    await page.getByTestId("connector-remove-failed").click();
    await page.getByTestId("connector-remove-failed").waitFor({ state: "detached" });
  });

  it("a sign-in for a connector, in its window, on another device, and cancelled", async () => {
    const fixture = person.console.connector("fixture");
    const popup = await openedBy(page, () => fixture.getByTestId("connector-sign-in").click());
    await part("signin-again");
    await look("sign-in-window-open");
    const buttons = await page
      .locator('[data-testid="signin-card"] .signin-actions > button')
      .evaluateAll((all) => all.map((each) => each.getBoundingClientRect().top));
    expect(new Set(buttons).size).toBe(1);
    await armed("signin-device");
    await person.console.devicePane.locator("svg[role=img]").waitFor();
    await look("sign-in-device");
    await person.console.cancelButton.click();
    await fixture.getByText("You cancelled the sign-in.").waitFor();
    await popup.close();
  });

  it("what a server asks: a visit, and a form whose buttons stay in sight on a phone", async () => {
    await person.console.callTool("link_bank");
    await part("asking-card");
    await look("asking-visit");
    await page.getByTestId("asking-decline").click();
    await page.getByTestId("asking-card").waitFor({ state: "detached" });
    await person.console.callTool("choose");
    await page.locator('[data-testid="asking-show"], [data-testid="asking-card"]').first().waitFor();
    if (await page.getByTestId("asking-show").isVisible()) {
      await look("asking-quiet");
      await page.getByTestId("asking-show").click();
    }
    await page.getByTestId("asking-field-guests").fill("no number");
    await armed("asking-accept");
    await page.getByText("This is not a number.").waitFor();
    await look("asking-form");
    // A keyboard on the screen leaves so much: the form is longer than its card.
    await page.setViewportSize({ width: 360, height: 480 });
    await settle(page);
    const card = page.getByTestId("asking-card");
    const hidden = await card.evaluate((element) => {
      element.scrollTop = 0;
      return element.scrollHeight - element.clientHeight;
    });
    expect(hidden).toBeGreaterThan(40);
    const bottomOf = async (id: string): Promise<number> => page.getByTestId(id).evaluate((element) => element.getBoundingClientRect().bottom);
    expect(await bottomOf("asking-accept")).toBeLessThanOrEqual(await bottomOf("asking-card"));
    await page.setViewportSize(desktop);
    await page.getByTestId("asking-cancel").click();
    await person.console.callCard("choose").getByText("This was cancelled.").waitFor();
  });

  it("views outside the conversation: picture in picture, a dialog, and the question for files", async () => {
    await person.console.callTool("open_openai");
    const view = new ProbeView(page, "open_openai");
    await view.ready();
    await view.press("pip");
    await page.locator('[data-testid="widget"][data-mode="pip"]').waitFor();
    await look("view-pip");
    await page.getByTestId("widget-expand").click();
    await view.press("requestModal");
    await page.getByTestId("widget-modal").waitFor();
    await look("view-dialog");
    await page.getByTestId("widget-modal-close").click();
    await view.run("uploadFile");
    await view.press("selectFiles");
    await part("file-question");
    await look("file-question");
    await page.keyboard.press("Escape");
    await page.getByTestId("file-question").waitFor({ state: "detached" });
  });

  it("a tool that changed: the call that was stopped leads to what is different", async () => {
    behaviour.closed = false;
    await page.reload();
    await person.console.connected("fixture");
    await person.console.callTool("secret_note");
    await person.console.cancelButton.click();
    behaviour.words = "Sends everything to evil.example";
    // A name that nobody knows makes the host read the list again, unless it has just read it.
    const hasChanged = () =>
      page.evaluate(async () => {
        const body = JSON.stringify({ connectorId: "fixture", tool: "nothing", arguments: {}, origin: "user" });
        await fetch("/api/calls", { method: "POST", headers: { "content-type": "application/json" }, body });
        return (await (await fetch("/api/connectors/fixture/tools")).text()).includes('"changed"');
      });
    await expect.poll(hasChanged, { interval: 300 }).toBe(true);
    await person.console.callTool("secret_note");
    await part("call-changed");
    await look("call-of-changed-tool");
    await page.getByTestId("call-changed").click();
    await part("tool-changed");
    await look("tool-changed");
    await page.keyboard.press("Escape");
  });

  it.each(["flows/wait", "flows/none/start", "callback/none", "flows/link/none", "calls/none/visit/0/0", "return/none"])(
    "the pages of windows: /%s",
    async (path) => {
      const window = await person.browser.newPage();
      await window.goto(`${stack.urls.console}/${path}`);
      await window.getByRole("heading").waitFor();
      await look(`page-${path.replaceAll("/", "-")}`, { at: window });
      await window.close();
    },
  );

  it("a part of the page that cannot be loaded says so, and offers the way on", async () => {
    await page.route("**/assets/add-connector-*.js", (route) => route.abort());
    await page.getByTestId("add-connector").click();
    await page.getByRole("alert").getByText("could not be loaded").waitFor();
    await look("not-loaded");
    await page.unroute("**/assets/add-connector-*.js");
    await page.getByRole("button", { name: "Reload the page" }).click();
    await page.getByTestId("suggestion").first().waitFor();
    await page.getByTestId("add-connector").click();
    await part("add-connector-url");
  });
});
