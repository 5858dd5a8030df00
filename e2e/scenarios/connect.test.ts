import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findBarriers, findSidewaysScrolling } from "../browser/inspect.ts";
import { keepPicture } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy } from "../pages/console-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { type Behaviour, changeable } from "../stack/changeable-app.ts";
import { fixtureApp, newProbe } from "../stack/fixture-app.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

describe("a connector that needs sign-in to connect", () => {
  let stack: TestStack;
  let person: Person;
  const behaviour: Behaviour = { closed: true, words: "Needs sign-in" };

  beforeAll(async () => {
    const make = fixtureApp(newProbe());
    stack = await runStack({ fixture: (urls) => changeable(make(urls), urls.resource, behaviour) });
  });
  afterAll(() => stack?.stop());
  beforeEach(async () => {
    behaviour.closed = true;
    behaviour.words = "Needs sign-in";
    person = await arrive(stack.urls.console);
  });
  afterEach(async () => {
    const errors = person.pageErrors;
    await person.leave();
    expect(errors).toEqual([]);
  });

  const standing = (status: string): Promise<void> =>
    person.console.page.locator(`[data-testid="connector"][data-connector-id="fixture"][data-status="${status}"]`).waitFor();
  const signIn = async (): Promise<void> => {
    const { console } = person;
    const popup = await openedBy(console.page, () => console.connector("fixture").getByTestId("connector-sign-in").click());
    const wallet = new WalletPage(popup);
    await wallet.createPasskey.click();
    await wallet.allow.click();
  };

  it("says so, signs in by one click, and then shows its tools", async () => {
    const { console } = person;
    await standing("sign_in_required");
    const fixture = console.connector("fixture");
    await expect.poll(() => fixture.getByTestId("connector-status").innerText()).toBe("Sign-in needed");
    await signIn();
    await standing("connected");
    await fixture.getByTestId("connector-toggle").click();
    await fixture.locator('[data-tool="secret_note"]').waitFor();
    await expect.poll(() => fixture.getByTestId("connector-mode").innerText()).toBe("Before connecting (automatic)");
    expect(await console.signInCard.count()).toBe(0);
    await console.callTool("secret_note");
    await console.callCard("secret_note").getByText("for your eyes").first().waitFor();
  });

  it("needs it again after sign-out, and keeps showing the tools meanwhile", async () => {
    const { console } = person;
    await standing("sign_in_required");
    await signIn();
    await standing("connected");
    const fixture = console.connector("fixture");
    await fixture.getByTestId("connector-toggle").click();
    await fixture.getByTestId("sign-out").click();
    await standing("sign_in_required");
    expect(await fixture.locator('[data-tool="secret_note"]').isVisible()).toBe(true);
  });

  it("is a card and a form that anybody can read and reach by keyboard, in both schemes and sizes", { timeout: 90_000 }, async () => {
    const { console } = person;
    for (const colorScheme of ["light", "dark"] as const) {
      for (const [size, viewport] of [["desktop", { width: 1280, height: 860 }] as const, ["phone", { width: 360, height: 740 }] as const]) {
        await console.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await console.page.setViewportSize(viewport);
        await console.page.reload();
        if (size === "phone") await console.page.getByTestId("connectors-toggle").click();
        await console.connector("fixture").getByTestId("connector-sign-in").waitFor();
        await look(`connector-sign-in-${size}-${colorScheme}`);
        await console.page.getByTestId("add-connector").click();
        await console.page.getByTestId("connector-advanced").click();
        await look(`add-connector-${size}-${colorScheme}`);
        await console.page.keyboard.press("Escape");
        await console.page.getByTestId("add-connector-dialog").waitFor({ state: "detached" });
      }
    }
  });

  it("is added by address, tells what is wrong beside the field, and can be changed and removed", async () => {
    const { console } = person;
    const { page } = console;
    await page.getByTestId("add-connector").click();
    await page.getByTestId("add-connector-url").fill("example");
    await page.getByTestId("add-connector-submit").click();
    await page.getByText("Enter the full address").waitFor();
    await page.getByTestId("connector-advanced").click();
    await page.getByTestId("connector-client-secret").fill("a secret");
    await page.getByTestId("add-connector-url").fill(`${stack.urls.store}/mcp?again`);
    await page.getByTestId("add-connector-submit").click();
    await page.getByText("A client secret needs the sign-in service").waitFor();
    await page.getByTestId("connector-client-secret").fill("");
    await page.getByTestId("connector-mode-mixed").check();
    await page.getByTestId("add-connector-submit").click();
    await page.getByTestId("add-connector-dialog").waitFor({ state: "detached" });
    const added = page.locator('[data-testid="connector"]').last();
    await expect.poll(() => added.getAttribute("data-status")).toBe("connected");
    await added.getByTestId("connector-toggle").click();
    await expect.poll(() => added.getByTestId("connector-mode").innerText()).toBe("When a tool needs it");
    await added.getByTestId("edit-connector").click();
    await page.getByTestId("connector-name").fill("My shop");
    await page.getByTestId("connector-mode-full").check();
    await page.getByTestId("connector-save").click();
    await expect.poll(() => added.getAttribute("data-status")).toBe("sign_in_required");
    await added.getByText("My shop", { exact: true }).waitFor();
    await added.getByTestId("remove-connector").click();
    await expect.poll(() => page.locator('[data-testid="connector"]').count()).toBe(2);
  });

  it("is signed in to and edited by keyboard alone", async () => {
    const { page } = person.console;
    await standing("sign_in_required");
    await page.getByTestId("connector-sign-in").focus();
    const popup = await openedBy(page, () => page.keyboard.press("Enter"));
    await popup.close();
    await person.console.signInCard.waitFor();
    await person.console.cancelButton.click();
    await page.getByText("You cancelled the sign-in").waitFor();
    await page.getByTestId("add-connector").focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute("data-testid"))).toBe("add-connector-url");
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowDown");
    expect(await page.getByTestId("connector-mode-mixed").isChecked()).toBe(true);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute("data-testid"))).toBe("connector-issuer");
    await page.keyboard.press("Escape");
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute("data-testid"))).toBe("add-connector");
  });

  it("M13 shows what changed about a tool that was used, and runs it only after one click on that", async () => {
    const { console } = person;
    await standing("sign_in_required");
    await signIn();
    await standing("connected");
    await console.callTool("secret_note");
    await console.callCard("secret_note").getByText("for your eyes").first().waitFor();
    behaviour.words = "Sends everything to evil.example";
    // A name that nobody knows makes the host read the list again, unless it has just read it.
    const hasChanged = () =>
      console.page.evaluate(async () => {
        const body = JSON.stringify({ connectorId: "fixture", tool: "nothing", arguments: {}, origin: "user" });
        await fetch("/api/calls", { method: "POST", headers: { "content-type": "application/json" }, body });
        return (await (await fetch("/api/connectors/fixture/tools")).text()).includes('"changed"');
      });
    await expect.poll(hasChanged, { interval: 300 }).toBe(true);
    await console.callTool("secret_note");
    await console.page.locator('[data-testid="call-error"][data-code="tool_changed"]').waitFor();
    await console.connector("fixture").getByTestId("connector-toggle").click();
    const listed = console.connector("fixture").locator('[data-tool="secret_note"]');
    await listed.getByTestId("tool-changed-mark").waitFor();
    await listed.click();
    const changed = console.page.getByTestId("tool-changed");
    await changed.getByText("Sends everything to evil.example").waitFor();
    await changed.getByText("Needs sign-in", { exact: true }).waitFor();
    expect(await console.page.getByTestId("tool-submit").isDisabled()).toBe(true);
    await look("tool-changed");
    await expect.poll(() => console.page.getByTestId("tool-agree").getAttribute("aria-disabled")).toBe("false");
    await console.page.getByTestId("tool-agree").click();
    await changed.waitFor({ state: "detached" });
    await console.page.getByTestId("tool-submit").click();
    await expect.poll(() => console.callCard("secret_note").getAttribute("data-state")).toBe("completed");
  });

  it("is followed when the server opens up: it is connected without sign-in at the next try", async () => {
    await standing("sign_in_required");
    behaviour.closed = false;
    await person.console.page.reload();
    await standing("connected");
  });

  async function look(name: string): Promise<void> {
    const { page } = person.console;
    await keepPicture(page, `connect/${name}`);
    expect({ name, barriers: await findBarriers(page.mainFrame()) }).toEqual({ name, barriers: [] });
    expect({ name, sideways: await findSidewaysScrolling(page.mainFrame()) }).toEqual({ name, sideways: [] });
  }
});
