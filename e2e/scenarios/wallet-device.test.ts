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

describe("the wallet on another device", () => {
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
    await person.console.callTool("browse_products");
    await person.console.widget.getByTestId("product-card").first().waitFor();
  });

  afterEach(async () => {
    const errors = person.pageErrors;
    await Promise.all([person.leave(), phone.close()]);
    expect(errors).toEqual([]);
  });

  const shownCode = async (): Promise<string> => (await person.console.devicePane.getByTestId("device-code").innerText()).trim();

  /** Asks for something that needs the wallet, and chooses the other device. */
  const chooseDevice = async (click: () => Promise<void>): Promise<string> => {
    await openedBy(person.console.page, click);
    await person.console.useDeviceButton.click();
    await person.console.devicePane.waitFor();
    return shownCode();
  };

  const lookAt = async (page: Page, name: string): Promise<void> => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await keepPicture(page, `wallet-device-${name}-${colorScheme}`);
      expect(await findBarriers(page.mainFrame())).toEqual([]);
      expect(await findSidewaysScrolling(page.mainFrame())).toEqual([]);
    }
  };

  it("signs in with the code typed on the phone, after a passkey there, and the view goes on", async () => {
    const code = await chooseDevice(() => person.console.widget.getByTestId("my-orders").click());
    expect(code).toMatch(/^[A-Z]{4}-[A-Z]{4}$/);
    const page = new WalletDevicePage(await phone.newPage(phoneSize));
    await page.page.goto(`${stack.urls.wallet}/device`);
    await lookAt(page.page, "enter");
    await page.enter(`${stack.urls.wallet}/device`, code.toLowerCase().replace("-", " "));
    await new WalletPage(page.page).createPasskey.click();
    await page.confirm.waitFor();
    const shown = await page.page.locator("main").innerText();
    expect(shown).toContain("Countersign console");
    expect(shown).toContain(code);
    expect(shown).toContain("Just now");
    await lookAt(page.page, "confirm");
    await page.confirm.click();
    await page.done.waitFor();
    await lookAt(page.page, "done");
    await person.console.widget.getByText("No orders yet").waitFor();
  });

  it("L23 D07 pays on the phone after the number on the first screen was named there, and the view shows the receipt", async () => {
    const paidBefore = readBank(stack.folder).payments.length;
    await person.console.widget.getByTestId("buy").first().click();
    await person.console.widget.getByTestId("pay").waitFor();
    const code = await chooseDevice(() => person.console.widget.getByTestId("pay").click());
    expect(code).toMatch(/^[A-Z]{4}-[A-Z]{4}-\d{2}$/);
    await keepPicture(person.console.page, "wallet-device-console-payment");
    const page = new WalletDevicePage(await phone.newPage(phoneSize));
    // What the QR code holds: everything but the number.
    await page.page.goto(`${stack.urls.wallet}/device?user_code=${code.slice(0, 9)}`);
    await lookAt(page.page, "compare");
    await page.proceed.click();
    const wallet = new WalletPage(page.page);
    await wallet.createPasskey.click();
    await page.number.waitFor();
    await lookAt(page.page, "payment");
    expect(await page.page.locator("main").innerText()).toContain("Harbour Goods");
    await page.number.fill(code.slice(10));
    await wallet.approve.click();
    await page.done.waitFor();
    await person.console.widget.getByTestId("receipt").waitFor();
    expect(readBank(stack.folder).payments.slice(paidBefore)).toHaveLength(1);
  });

  it("D07 pays nothing after a wrong number, and the view is told", async () => {
    const paidBefore = readBank(stack.folder).payments.length;
    await person.console.widget.getByTestId("buy").first().click();
    await person.console.widget.getByTestId("pay").waitFor();
    const code = await chooseDevice(() => person.console.widget.getByTestId("pay").click());
    const page = new WalletDevicePage(await phone.newPage(phoneSize));
    await page.enter(`${stack.urls.wallet}/device?user_code=${code.slice(0, 9)}`);
    const wallet = new WalletPage(page.page);
    await wallet.createPasskey.click();
    await page.number.fill(code.endsWith("00") ? "01" : "00");
    await wallet.approve.click();
    await page.page.getByText("That was not the number on your other device").waitFor();
    await lookAt(page.page, "wrong-number");
    await person.console.widget.getByTestId("error").waitFor();
    expect(await person.console.widget.getByTestId("error").getAttribute("data-code")).toBe("access_denied");
    expect(readBank(stack.folder).payments.slice(paidBefore)).toEqual([]);
  });
});
