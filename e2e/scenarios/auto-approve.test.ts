import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { keepPicture } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy, press } from "../pages/console-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { readBank } from "../stack/read-bank.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

describe("a policy of the user's", () => {
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
    expect(readBank(stack.folder).imbalance).toBe(0);
  });

  const view = () => person.console.widget;
  const windows = () => person.browser.context.pages().length;

  /** Asks for the shop in a view of its own and goes to the checkout of the first product. */
  const chooseFirst = async (): Promise<void> => {
    await person.console.callTool("browse_products");
    await view().getByTestId("product-card").first().waitFor();
    await view().getByTestId("buy").first().click();
    await view().getByTestId("pay").waitFor();
  };

  it("L12 L29 approves the next payment to a shop that was paid before, without a window and with nobody present", { timeout: 90_000 }, async () => {
    await person.console.callTool("browse_products");
    const signIn = await openedBy(person.console.page, () => view().getByTestId("my-orders").click());
    await new WalletPage(signIn).signUpAndAllow("Ada");
    await view().getByText("No orders yet").waitFor();

    await chooseFirst();
    const popup = await openedBy(person.console.page, () => press(view().getByTestId("pay")));
    const closed = popup.waitForEvent("close");
    await new WalletPage(popup).approve.click();
    await closed;
    await view().getByTestId("receipt").waitFor();

    const account = await person.browser.newPage();
    await account.goto(new URL("/account/policies", stack.urls.wallet).href);
    await account.getByLabel("At most, each payment").fill("100.00");
    await account.getByLabel("At most, in all").fill("150.00");
    await account.getByRole("button", { name: "Sign this policy" }).click();
    await account.getByText("Active").waitFor();
    await keepPicture(account, "wallet-account/policy-active");

    await chooseFirst();
    const before = windows();
    const opened: unknown[] = [];
    person.browser.context.on("page", (page) => opened.push(page.url()));
    await press(view().getByTestId("pay"));
    await view().getByTestId("receipt").waitFor();
    // The shop tells what the verified mandate says, and the wallet's own receipt says the same.
    expect(await view().getByTestId("receipt").innerText()).toContain("By your policy");
    await keepPicture(person.console.page, "console-receipt-by-policy");
    expect(opened).toEqual([]);
    expect(windows()).toBe(before);

    await account.goto(new URL("/account/payments", stack.urls.wallet).href);
    await account.getByText("By your policy").waitFor();
    expect(await account.getByText("By your policy").count()).toBe(1);

    const { payments } = readBank(stack.folder);
    expect(payments).toHaveLength(2);
    for (const each of payments) expect(each).toMatchObject({ payee: "store", refunded: 0, captured: payments[0]?.captured });
  });
});
