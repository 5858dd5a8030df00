import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { keepPicture } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy, waitWithoutGesture } from "../pages/console-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { type FixtureProbe, fixtureApp, newProbe } from "../stack/fixture-app.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

interface Shown {
  readonly kind: "result" | "error";
  readonly value: Readonly<Record<string, unknown>>;
}

describe("a protected tool called from a widget", () => {
  let stack: TestStack;
  let probe: FixtureProbe;
  let person: Person;

  beforeAll(async () => {
    probe = newProbe();
    stack = await runStack({ fixture: fixtureApp(probe) });
  });

  afterAll(async () => {
    await stack?.stop();
  });

  beforeEach(async () => {
    probe.beforeChallenge = () => Promise.resolve();
    for (const tool of Object.keys(probe.runs)) delete probe.runs[tool];
    person = await arrive(stack.urls.console);
    await person.console.connected("fixture");
  });

  afterEach(async () => {
    const errors = person.pageErrors;
    await person.leave();
    expect(errors).toEqual([]);
  });

  const openPanel = async (): Promise<void> => {
    await person.console.callTool("open_panel");
    await person.console.widget.getByText("ready").waitFor();
  };
  const press = (name: string): Promise<void> => person.console.widget.getByRole("button", { name, exact: true }).click();
  const shown = async (): Promise<Shown> => {
    const out = person.console.widget.locator("#out");
    await out.getByText(/^\{/).waitFor();
    return JSON.parse(await out.innerText()) as Shown;
  };

  it.each(["openai", "bridge"])("M26 opens the sign-in in the click and resolves the same promise after it (%s)", async (way) => {
    await openPanel();
    const popup = await openedBy(person.console.page, () => press(way));
    await new WalletPage(popup).createPasskey.waitFor();
    expect(new URL(popup.url()).origin).toBe(stack.urls.wallet);
    await keepPicture(popup, `wallet-sign-in-${way}`);
    await keepPicture(person.console.page, `console-waiting-${way}`);
    const closed = popup.waitForEvent("close");
    await new WalletPage(popup).signUpAndAllow("Ada");
    await closed;
    expect(await shown()).toMatchObject({ kind: "result", value: { note: "for your eyes" } });
    expect(probe.runs["secret_note"]).toBe(1);
    expect(await person.console.signInCard.count()).toBe(0);
  });

  it("shows the orders of the store in its own view after the sign-in", async () => {
    await person.console.callTool("browse_products");
    const popup = await openedBy(person.console.page, () => person.console.widget.getByTestId("my-orders").click());
    await new WalletPage(popup).signUpAndAllow("Ada");
    await person.console.widget.getByText("No orders yet").waitFor();
    await keepPicture(person.console.page, "console-orders");
  });

  it("ends with a typed error when the user cancels in the console", async () => {
    await openPanel();
    await openedBy(person.console.page, () => press("openai"));
    await person.console.cancelButton.click();
    const end = await shown();
    expect(end).toMatchObject({ kind: "error", value: { code: "cancelled", retryable: true } });
    expect(end.value["callId"]).toMatch(/^call_/);
    expect(String(end.value["message"]).length).toBeGreaterThan(0);
    expect(probe.runs["secret_note"]).toBeUndefined();
  });

  it.each([
    ["on the sign-in page", async (page: WalletPage) => page.cancel.click()],
    [
      "on the consent page",
      async (page: WalletPage) => {
        await page.createPasskey.click();
        await page.allow.waitFor();
        await page.cancel.click();
      },
    ],
  ])("ends with a typed error when the user declines %s", async (_, decline) => {
    await openPanel();
    const popup = await openedBy(person.console.page, () => press("openai"));
    const closed = popup.waitForEvent("close");
    await decline(new WalletPage(popup));
    await closed;
    expect(await shown()).toMatchObject({ kind: "error", value: { code: "access_denied", retryable: true } });
    expect(probe.runs["secret_note"]).toBeUndefined();
  });

  it("keeps the call waiting when the window is closed, and completes it from a new one", async () => {
    await openPanel();
    const first = await openedBy(person.console.page, () => press("openai"));
    await new WalletPage(first).createPasskey.waitFor();
    await first.close();
    await person.console.openAgainButton.waitFor();
    expect(await person.console.widget.locator("#out").innerText()).toBe("pending");
    await keepPicture(person.console.page, "console-window-closed");
    const second = await openedBy(person.console.page, () => person.console.openAgainButton.click());
    await new WalletPage(second).signUpAndAllow("Ada");
    expect(await shown()).toMatchObject({ kind: "result", value: { note: "for your eyes" } });
    expect(probe.runs["secret_note"]).toBe(1);
  });

  it("V17 opens no window without a click, but offers to continue", async () => {
    await openPanel();
    const opened: string[] = [];
    person.browser.context.on("page", (page) => opened.push(page.url()));
    await press("timer");
    await waitWithoutGesture(person.console.page, `document.querySelector('[data-testid="signin-continue"]') !== null`);
    expect(opened).toEqual([]);
    const popup = await openedBy(person.console.page, () => person.console.continueButton.click());
    await new WalletPage(popup).signUpAndAllow("Ada");
    expect(await shown()).toMatchObject({ kind: "result", value: { note: "for your eyes" } });
  });

  it("offers to continue when the challenge comes six seconds after the click", async () => {
    await openPanel();
    const opened: string[] = [];
    person.browser.context.on("page", (page) => opened.push(page.url()));
    // Chromium keeps the activation of a click for five seconds; the driver must not renew it by looking at the page.
    probe.beforeChallenge = () => new Promise((resolve) => setTimeout(resolve, 6000));
    await press("late");
    await waitWithoutGesture(person.console.page, `document.querySelector('[data-testid="signin-continue"]') !== null`);
    expect(opened).toEqual([]);
    await keepPicture(person.console.page, "console-continue");
    const popup = await openedBy(person.console.page, () => person.console.continueButton.click());
    await new WalletPage(popup).signUpAndAllow("Ada");
    expect(await shown()).toMatchObject({ kind: "result", value: { note: "late but here" } });
    expect(probe.runs["late_note"]).toBe(2);
  });

  it("uses the token for the next call and asks again after signing out", async () => {
    await openPanel();
    const popup = await openedBy(person.console.page, () => press("openai"));
    await new WalletPage(popup).signUpAndAllow("Ada");
    await shown();
    await press("openai");
    expect(await shown()).toMatchObject({ kind: "result" });
    expect(probe.runs["secret_note"]).toBe(2);
    const connector = person.console.connector("fixture");
    if ((await connector.getByTestId("sign-out").count()) === 0) await connector.getByTestId("connector-toggle").click();
    await connector.getByTestId("sign-out").click();
    await connector.getByText("Connected").waitFor();
    const again = await openedBy(person.console.page, () => press("openai"));
    await again.waitForURL((url) => url.origin === stack.urls.wallet);
    expect(probe.runs["secret_note"]).toBe(2);
  });

  it("takes the same path when the tool is called from the chat", async () => {
    const popup = await openedBy(person.console.page, () => person.console.callTool("secret_note"));
    await new WalletPage(popup).signUpAndAllow("Ada");
    const card = person.console.callCard("secret_note");
    await card.getByText("Done").first().waitFor();
    expect(await card.innerText()).toContain("for your eyes");
    expect(probe.runs["secret_note"]).toBe(1);
    const steps = (await person.console.traceSteps()).join("\n");
    for (const word of ["Received", "Decision", "Discovery", "Authorization", "Token", "Request", "Result"]) expect(steps).toContain(word);
    expect(steps).not.toMatch(/eyJ(?:hbGci|0eXAi|raWQi|[\w-]{10,}\.[\w-])/);
    await keepPicture(person.console.page, "console-trace");
  });
});

describe("a protected tool while the wallet is down", () => {
  it("ends with a typed error that can be retried", async () => {
    const probe = newProbe();
    const stack = await runStack({ fixture: fixtureApp(probe) });
    const person = await arrive(stack.urls.console);
    try {
      await person.console.connected("fixture");
      await person.console.callTool("open_panel");
      await person.console.widget.getByText("ready").waitFor();
      await stack.parties.wallet.stop();
      await person.console.widget.getByRole("button", { name: "openai", exact: true }).click();
      const out = person.console.widget.locator("#out");
      await out.getByText(/^\{/).waitFor();
      expect(JSON.parse(await out.innerText())).toMatchObject({
        kind: "error",
        value: { code: "authorization_server_unreachable", retryable: true },
      });
      expect(person.browser.context.pages().every((page) => !page.url().includes("/flows/"))).toBe(true);
      await keepPicture(person.console.page, "console-wallet-down");
    } finally {
      await person.leave();
      await stack.stop();
    }
  });
});
