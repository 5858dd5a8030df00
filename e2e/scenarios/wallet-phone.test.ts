import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findBarriers, findSidewaysScrolling } from "../browser/inspect.ts";
import { type Browser, keepPicture, launchBrowser } from "../browser/launch.ts";
import { Authenticator } from "../browser/passkeys.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy } from "../pages/console-page.ts";
import { WalletDevicePage } from "../pages/wallet-device-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { readBank } from "../stack/read-bank.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

const phoneSize = { width: 390, height: 844 };

describe("an approval link that is handed to a phone", () => {
  let stack: TestStack;
  let person: Person;
  let phone: Browser;

  beforeAll(async () => {
    stack = await runStack();
  });

  afterAll(async () => {
    await stack?.stop();
  });

  beforeEach(async () => {
    [person, phone] = await Promise.all([arrive(stack.urls.console), launchBrowser()]);
    new Authenticator().attachTo(phone.context);
  });

  afterEach(async () => {
    await Promise.all([person.leave(), phone.close()]);
  });

  const lookAt = async (page: Page, name: string): Promise<void> => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await keepPicture(page, `wallet-phone-${name}-${colorScheme}`);
      expect(await findBarriers(page.mainFrame())).toEqual([]);
      expect(await findSidewaysScrolling(page.mainFrame())).toEqual([]);
    }
  };

  /** Begins a payment in the view; gives its approval link, as the payee could send it. */
  const beginPayment = async (): Promise<string> => {
    await person.console.callTool("browse_products");
    await person.console.widget.getByTestId("buy").first().click();
    await person.console.widget.getByTestId("pay").waitFor();
    const asked = Promise.withResolvers<string>();
    person.browser.context.on("request", (request) => {
      const id = /[ :]?payment:(pr_[\w-]+)/.exec(new URL(request.url()).searchParams.get("scope") ?? "")?.[1];
      if (id !== undefined) asked.resolve(id);
    });
    await openedBy(person.console.page, () => person.console.widget.getByTestId("pay").click());
    return `${stack.urls.wallet}/approve/${await asked.promise}`;
  };

  it("L23 D07 pays on the phone after the number of the first screen, which is told within a second", async () => {
    const paidBefore = readBank(stack.folder).payments.length;
    const desktop = await person.browser.newPage();
    const stopped: string[] = [];
    desktop.on("console", (message) => message.text().includes("Content Security Policy") && stopped.push(message.text()));
    await desktop.goto(await beginPayment());
    await lookAt(desktop, "offer");
    await desktop.getByRole("button", { name: "Approve on my phone" }).click();
    await desktop.getByRole("heading", { name: "Approve on your phone" }).waitFor();
    await lookAt(desktop, "ticket");
    const shown = await desktop.locator("main").innerText();
    const address = /\S+\/approve\/phone\/[\w-]{43}/.exec(shown)?.[0] ?? "";
    const number = await desktop.locator("[data-number]").innerText();
    const page = new WalletDevicePage(await phone.newPage(phoneSize));
    await page.page.goto(address);
    await lookAt(page.page, "open");
    await page.proceed.click();
    const wallet = new WalletPage(page.page);
    await wallet.createPasskey.click();
    await page.number.waitFor();
    await desktop.getByRole("heading", { name: "Continue on your phone" }).waitFor();
    await lookAt(desktop, "opened");
    await lookAt(page.page, "payment");
    await page.number.fill(number);
    await wallet.approve.click();
    await page.page.getByRole("heading", { name: "Approved" }).waitFor();
    await desktop.getByRole("heading", { name: "Approved" }).waitFor();
    await lookAt(desktop, "approved");
    await expect.poll(() => readBank(stack.folder).payments.slice(paidBefore).length).toBe(1);
    expect(stopped).toEqual([]);
    expect(person.pageErrors).toEqual([]);
  });
});
