import type { App } from "@countersign/kit/app";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findBarriers, findSidewaysScrolling } from "../browser/inspect.ts";
import { keepPicture } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy } from "../pages/console-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { fixtureApp, newProbe } from "../stack/fixture-app.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

/** The fixture as a server that answers nothing at all without a token. */
function closed(app: App, resource: string, isClosed: () => boolean): App {
  const origin = new URL(resource).origin;
  const header = `Bearer scope="fixture:read", resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`;
  return {
    ...app,
    fetch: async (request) => {
      const asks = new URL(request.url).pathname === "/mcp" && !request.headers.has("authorization");
      return asks && isClosed() ? new Response(null, { status: 401, headers: { "www-authenticate": header } }) : app.fetch(request);
    },
  };
}

describe("a connector that needs sign-in to connect", () => {
  let stack: TestStack;
  let person: Person;
  let isClosed = true;

  beforeAll(async () => {
    const make = fixtureApp(newProbe());
    stack = await runStack({ fixture: (urls) => closed(make(urls), urls.resource, () => isClosed) });
  });
  afterAll(() => stack?.stop());
  beforeEach(async () => {
    isClosed = true;
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
    await page.getByText("Sign-in was cancelled").waitFor();
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

  it("is followed when the server opens up: it is connected without sign-in at the next try", async () => {
    await standing("sign_in_required");
    isClosed = false;
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
