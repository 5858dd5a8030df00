import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy, press } from "../pages/console-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { readBank } from "../stack/read-bank.ts";
import { runTwoHosts, type TwoHosts } from "../stack/two-hosts.ts";

describe("two hosts as processes on one PostgreSQL, asked in turn", () => {
  let hosts: TwoHosts;
  let person: Person;

  beforeAll(async () => {
    hosts = await runTwoHosts();
  });
  afterAll(async () => {
    await hosts?.stop();
  });
  beforeEach(async () => {
    person = await arrive(hosts.processes.urls.host);
    await person.console.callTool("browse_products");
    await view().getByTestId("product-card").first().waitFor();
  });
  afterEach(async () => {
    const errors = person.pageErrors;
    await person.leave();
    expect(errors).toEqual([]);
  });

  const view = () => person.console.widget;

  const signsIn = async (): Promise<void> => {
    const popup = await openedBy(person.console.page, () => view().getByTestId("my-orders").click());
    await new WalletPage(popup).signUpAndAllow("Ada");
    await view().getByText("No orders yet").waitFor();
  };

  it("sign in, pay and show the receipt, whichever of them sees which request", async () => {
    await signsIn();
    await person.console.callTool("browse_products");
    await view().getByTestId("buy").first().click();
    await view().getByTestId("pay").waitFor();
    const before = readBank(hosts.processes.folder("bank")).payments.length;
    const wallet = new WalletPage(await openedBy(person.console.page, () => press(view().getByTestId("pay"))));
    await wallet.approve.click();
    await view().getByTestId("receipt").waitFor();
    expect(readBank(hosts.processes.folder("bank")).payments.slice(before)).toHaveLength(1);
    expect(Math.min(hosts.asked.A, hosts.asked.B)).toBeGreaterThan(10);
  });

  it("go on as one when the other is killed while a sign-in is open", async () => {
    const popup = await openedBy(person.console.page, () => view().getByTestId("my-orders").click());
    const wallet = new WalletPage(popup);
    await wallet.createPasskey.waitFor();
    await hosts.kill("B");
    const closed = popup.waitForEvent("close");
    await wallet.signUpAndAllow("Ada");
    await closed;
    await view().getByText("No orders yet").waitFor();
    expect(await person.console.signInCard.count()).toBe(0);
  });
});
