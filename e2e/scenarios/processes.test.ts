import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy, press } from "../pages/console-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { signalGroup } from "../stack/command.ts";
import type { Fate, SeenRequest } from "../stack/fault-proxy.ts";
import { readBank } from "../stack/read-bank.ts";
import { partyNames, type Processes, runProcesses } from "../stack/run-processes.ts";

describe("each party as a process of its own", () => {
  let processes: Processes;
  let person: Person;
  let paidBefore: number;

  beforeAll(async () => {
    processes = await runProcesses();
  });

  afterAll(async () => {
    await processes?.stop();
  });

  beforeEach(async () => {
    for (const faults of [processes.bankFaults, processes.storeFaults]) {
      faults.admit = () => undefined;
      faults.decide = () => "deliver";
    }
    person = await arrive(processes.urls.host);
    await person.console.callTool("browse_products");
    await view().getByTestId("product-card").first().waitFor();
    paidBefore = books().payments.length;
  });

  afterEach(async () => {
    const errors = person.pageErrors;
    await person.leave();
    expect(errors).toEqual([]);
    expect(books().imbalance).toBe(0);
  });

  const books = () => readBank(processes.folder("bank"));
  const newPayments = () => books().payments.slice(paidBefore);
  const view = () => person.console.widget;
  const minorUnits = (shown: string): number => Number(shown.replaceAll(/[^0-9]/g, ""));

  /** Signs up in the window that Pay opens, and stops before the approval. */
  const goToApproval = async (): Promise<{ readonly wallet: WalletPage; readonly total: string }> => {
    await view().getByTestId("buy").first().click();
    await view().getByTestId("pay").waitFor();
    const total = (await view().getByTestId("total").innerText()).trim();
    const wallet = new WalletPage(await openedBy(person.console.page, () => press(view().getByTestId("pay"))));
    await wallet.createPasskey.click();
    await wallet.approve.waitFor();
    return { wallet, total };
  };

  const paidOnce = (total: string): void => {
    expect(newPayments()).toMatchObject([{ payee: "store", authorized: minorUnits(total), captured: minorUnits(total), refunded: 0 }]);
  };

  /** The view found out by itself that the order is complete; the receipt is one press away. */
  const showsThatItIsPaid = async (total: string): Promise<void> => {
    await view().getByText("This order is paid.").waitFor();
    paidOnce(total);
    await press(view().getByTestId("pay"));
    await view().getByTestId("receipt").waitFor();
    expect(await view().getByTestId("receipt").innerText()).toContain(total);
    paidOnce(total);
  };

  /** Resolves with the first request that matches; the function given as `meet` is to be called with each. */
  const encounter = (): { readonly met: Promise<void>; readonly meet: () => void } => {
    const { promise, resolve } = Promise.withResolvers<void>();
    return { met: promise, meet: resolve };
  };

  it("needs its environment alone for browsing, signing in, paying and the receipt", async () => {
    for (const party of partyNames) expect((await fetch(`${processes.listening[party]}/readyz`)).status).toBe(200);
    const signIn = await openedBy(person.console.page, () => view().getByTestId("my-orders").click());
    await new WalletPage(signIn).signUpAndAllow("Ada");
    await view().getByText("No orders yet").waitFor();
    await person.console.callTool("browse_products");
    await view().getByTestId("buy").first().click();
    await view().getByTestId("pay").waitFor();
    const total = (await view().getByTestId("total").innerText()).trim();
    const wallet = new WalletPage(await openedBy(person.console.page, () => press(view().getByTestId("pay"))));
    await wallet.approve.click();
    await view().getByTestId("receipt").waitFor();
    paidOnce(total);
  });

  it.each([
    ["store", "before the bank hears of the capture"],
    ["store", "when the bank has captured and not answered"],
    ["bank", "when it has captured and not answered"],
  ] as const)("I2 I3 after a %s that dies %s the order completes by itself, charged once", async (party, moment) => {
    const { wallet, total } = await goToApproval();
    const { met, meet } = encounter();
    const { promise: isGone, resolve: goOn } = Promise.withResolvers<void>();
    const holdCapture = async ({ method, path }: SeenRequest): Promise<boolean> => {
      if (method !== "POST" || path !== "/payments") return false;
      meet();
      await isGone;
      return true;
    };
    const heard = !moment.startsWith("before");
    if (heard) processes.bankFaults.decide = async (request) => ((await holdCapture(request)) ? "drop" : "deliver");
    else processes.bankFaults.admit = async (request) => void (await holdCapture(request));
    await wallet.approve.click();
    await met;
    expect(newPayments()).toHaveLength(heard ? 1 : 0);
    await processes.kill(party);
    goOn();
    await view().getByTestId("error").waitFor();
    expect(await view().getByTestId("receipt").count()).toBe(0);
    processes.bankFaults.decide = () => "deliver";
    await processes.start(party);
    await showsThatItIsPaid(total);
  });

  it("I2 I3 a store that is down while the user approves completes the order after its restart, and charges once", async () => {
    const { wallet, total } = await goToApproval();
    await processes.kill("store");
    const closed = wallet.page.waitForEvent("close");
    await wallet.approve.click();
    await closed;
    await view().getByTestId("error").waitFor();
    expect(newPayments()).toEqual([]);
    await processes.start("store");
    await showsThatItIsPaid(total);
  });

  it.each(["comes back", "is still down, and the user reloads the window"])(
    "I4 a host that dies during a sign-in keeps the call, which ends once when the user has finished while the host %s",
    async (how) => {
      let asked = 0;
      processes.storeFaults.admit = ({ body }) => {
        if (body.includes('"tools/call"') && body.includes('"list_orders"')) asked += 1;
      };
      const popup = await openedBy(person.console.page, () => view().getByTestId("my-orders").click());
      const wallet = new WalletPage(popup);
      await wallet.createPasskey.waitFor();
      await processes.kill("host");
      await person.console.page.getByTestId("link-lost").waitFor();
      if (how === "comes back") {
        await processes.start("host");
        await person.console.page.getByTestId("link-lost").waitFor({ state: "detached" });
        const closed = popup.waitForEvent("close");
        await wallet.signUpAndAllow("Ada");
        await closed;
      } else {
        const failed = popup.waitForEvent("requestfailed", (request) => request.url().includes("/callback/"));
        await wallet.signUpAndAllow("Ada");
        await failed;
        await processes.start("host");
        const closed = popup.waitForEvent("close");
        await popup.reload().catch(() => undefined);
        await closed;
      }
      await view().getByText("No orders yet").waitFor();
      expect(asked).toBe(1);
      expect(await person.console.signInCard.count()).toBe(0);
    },
  );

  it.each(["presses Approve again", "reloads the page"])("I3 a wallet that dies before the approval charges once when the user %s", async (how) => {
    const { wallet, total } = await goToApproval();
    await processes.kill("wallet");
    await wallet.approve.click();
    await wallet.page.getByText("The wallet does not answer.").waitFor();
    expect(newPayments()).toEqual([]);
    await processes.start("wallet");
    if (how.startsWith("reloads")) await wallet.page.reload();
    const closed = wallet.page.waitForEvent("close");
    await wallet.approve.click();
    await closed;
    await view().getByTestId("receipt").waitFor();
    paidOnce(total);
  });

  it("lets a call that runs end in its result, drains and exits with 0 on SIGTERM", async () => {
    const { wallet, total } = await goToApproval();
    const { promise: stopping, resolve: goOn } = Promise.withResolvers<void>();
    const resumed = encounter();
    processes.bankFaults.decide = async ({ method, path }): Promise<Fate> => {
      if (method === "POST" && path === "/payments") await stopping;
      return "deliver";
    };
    processes.storeFaults.admit = ({ body }) => {
      if (body.includes('"tools/call"') && body.includes('"pay"')) resumed.meet();
    };
    await wallet.approve.click();
    await resumed.met;
    // What is asked later over a connection of its own is answered later: after this the call has arrived.
    expect((await fetch(`${processes.listening.store}/readyz`)).status).toBe(200);
    signalGroup(processes.running("store"), "SIGTERM");
    await processes.running("store").printed('"process.stopping"');
    goOn();
    await view().getByTestId("receipt").waitFor();
    expect((await processes.running("store").ended).code).toBe(0);
    paidOnce(total);
    for (const party of ["host", "wallet", "bank"] as const) {
      signalGroup(processes.running(party), "SIGTERM");
      expect((await processes.running(party).ended).code).toBe(0);
    }
  });
});
