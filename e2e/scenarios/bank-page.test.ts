import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { keepPicture } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy, press } from "../pages/console-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

describe("the bank's page", () => {
  let stack: TestStack;
  let person: Person;

  beforeAll(async () => {
    stack = await runStack();
  });

  afterAll(async () => {
    await stack?.stop();
  });

  beforeEach(async () => {
    person = await arrive(stack.urls.console);
  });

  afterEach(async () => {
    const errors = person.pageErrors;
    await person.leave();
    expect(errors).toEqual([]);
  });

  it("shows the one who paid what was paid, to whom, who said yes and through which app", async () => {
    await person.console.callTool("browse_products");
    const view = person.console.widget;
    await view.getByTestId("buy").first().click();
    await view.getByTestId("pay").waitFor();
    const total = (await view.getByTestId("total").innerText()).trim().replaceAll(/[^0-9.]/g, "");
    const wallet = new WalletPage(await openedBy(person.console.page, () => press(view.getByTestId("pay"))));
    await wallet.createPasskey.click();
    await wallet.approve.click();
    await view.getByTestId("receipt").waitFor();

    const page = await person.browser.newPage({ width: 360, height: 740 });
    await page.goto(stack.urls.bank);
    await keepPicture(page, "bank-sign-in");
    await page.getByRole("button", { name: /^Sign in with/ }).click();
    await new WalletPage(page).allow.click();
    await page.getByRole("link", { name: /Bank account/ }).waitFor();
    expect(page.url()).toBe(`${stack.urls.bank}/`);
    await keepPicture(page, "bank-accounts");
    await page.getByRole("link", { name: /Bank account/ }).click();
    const line = page.getByRole("listitem").filter({ hasText: "Harbour Goods" });
    await line.waitFor();
    const text = await line.innerText();
    expect(text).toContain(`−${total}`);
    expect(text).toContain("Approved by you with a passkey");
    const main = await page.locator("main").innerText();
    expect(text.split("Balance ")[1]).toBe(/Balance\s+(\S+ EUR)/.exec(main)?.[1]);
    expect(text).toContain("asked through countersign-host");
    expect(await page.locator("main").innerText()).toContain("Opening balance");
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)).toBe(true);
    await keepPicture(page, "bank-statement");
    await page.emulateMedia({ colorScheme: "dark" });
    await keepPicture(page, "bank-statement-dark");
    const statement = page.url();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: /^Sign in with/ }).waitFor();
    await page.goto(statement);
    expect(await page.locator("main").innerText()).not.toContain("Harbour Goods");
    await page.close();
  });

  it("shows nothing of others: a new person has no account, and another's statement is not there", async () => {
    const page = await person.browser.newPage();
    await page.goto(stack.urls.bank);
    await page.getByRole("button", { name: /^Sign in with/ }).click();
    await new WalletPage(page).signUpAndAllow();
    await page.getByText("You have no account here yet").waitFor();
    await page.goto(`${stack.urls.bank}/statement/acc_0000000000000000000000`);
    expect(page.url()).toBe(`${stack.urls.bank}/`);
    await page.close();
  });
});
