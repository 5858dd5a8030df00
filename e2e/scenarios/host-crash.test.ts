import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy, press } from "../pages/console-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import type { Fate, FaultProxy, SeenRequest } from "../stack/fault-proxy.ts";
import { readBank } from "../stack/read-bank.ts";
import { type Processes, runProcesses } from "../stack/run-processes.ts";

/** A moment at which the host is killed, by the request of its own that is then on its way: before the other party hears of it, or when the answer is on its way back. */
interface Moment {
  readonly name: string;
  readonly peer: (processes: Processes) => FaultProxy;
  readonly matches: (request: SeenRequest) => boolean;
  readonly answered: boolean;
  /** Whether the user has to go to the wallet once more. */
  readonly signsInAgain: boolean;
}

const isToken = ({ method, path }: SeenRequest): boolean => method === "POST" && path === "/token";
const isCall = ({ body }: SeenRequest): boolean => body.includes('"tools/call"') && body.includes('"list_orders"');

const moments: readonly Moment[] = [
  { name: "the callback came, and the code is on its way", peer: (all) => all.walletFaults, matches: isToken, answered: false, signsInAgain: true },
  { name: "the token was given out, and is on its way", peer: (all) => all.walletFaults, matches: isToken, answered: true, signsInAgain: true },
  { name: "the token is stored, and the call is resumed", peer: (all) => all.storeFaults, matches: isCall, answered: false, signsInAgain: false },
  { name: "the call ran, and its result is on its way", peer: (all) => all.storeFaults, matches: isCall, answered: true, signsInAgain: false },
];

describe("a host that is killed (kill -9) at each step of a sign-in", () => {
  let processes: Processes;
  let person: Person;
  let ran: number;

  beforeAll(async () => {
    processes = await runProcesses();
  });
  afterAll(async () => {
    await processes?.stop();
  });

  beforeEach(async () => {
    for (const faults of [processes.walletFaults, processes.storeFaults, processes.bankFaults]) {
      faults.admit = () => undefined;
      faults.decide = () => "deliver";
    }
    person = await arrive(processes.urls.host);
    await person.console.callTool("browse_products");
    await view().getByTestId("product-card").first().waitFor();
    ran = 0;
  });
  afterEach(async () => {
    const errors = person.pageErrors;
    await person.leave();
    expect(errors).toEqual([]);
    expect(readBank(processes.folder("bank")).imbalance).toBe(0);
  });

  const view = () => person.console.widget;

  /** Kills the host while its request is held at the other party's door, or with the answer in hand. */
  const killAt = (moment: Pick<Moment, "peer" | "matches" | "answered">): { readonly dead: Promise<void> } => {
    const { promise: dead, resolve: died, reject } = Promise.withResolvers<void>();
    const faults = moment.peer(processes);
    const kill = async (request: SeenRequest): Promise<void> => {
      if (!moment.matches(request)) return;
      faults.admit = countRuns;
      faults.decide = () => "deliver";
      await processes.kill("host").then(died, reject);
    };
    const countRuns = (request: SeenRequest): void => {
      if (isCall(request)) ran += 1;
    };
    processes.storeFaults.admit = countRuns;
    if (moment.answered) {
      faults.decide = async (request): Promise<Fate> => {
        await kill(request);
        return "deliver";
      };
    } else {
      faults.admit = async (request) => {
        countRuns(request);
        await kill(request);
      };
    }
    return { dead };
  };

  const comesBack = async (): Promise<void> => {
    await person.console.page.getByTestId("link-lost").waitFor();
    await processes.start("host");
    await person.console.page.getByTestId("link-lost").waitFor({ state: "detached" });
  };

  /** Opens the sign-in that still waits, from its card in the console. */
  const openAgain = (): Promise<Page> =>
    openedBy(person.console.page, () => person.console.continueButton.or(person.console.openAgainButton).first().click());

  const seesNoOrders = async (): Promise<void> => {
    await view().getByText("No orders yet").waitFor();
    expect(await person.console.signInCard.count()).toBe(0);
  };

  it.each(moments)("I2 I4 keeps the widget's call, which ends in its result after the restart, when $name", async (moment) => {
    const { dead } = killAt(moment);
    const popup = await openedBy(person.console.page, () => view().getByTestId("my-orders").click());
    await new WalletPage(popup).signUpAndAllow("Ada");
    await dead;
    await comesBack();
    if (moment.signsInAgain) {
      await popup.close();
      const closed = await openAgain();
      const wallet = new WalletPage(closed);
      const over = closed.waitForEvent("close");
      await wallet.allow.click();
      await over;
    }
    await seesNoOrders();
    expect(ran).toBeLessThanOrEqual(2);
  });

  it("I4 keeps the call when the flow is stored and its window has not reached the host", async () => {
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const { promise: gone, resolve: goOn } = Promise.withResolvers<void>();
    await person.browser.context.route("**/flows/*/start", async (route) => {
      ask();
      await gone;
      await route.abort();
    });
    const popup = await openedBy(person.console.page, () => view().getByTestId("my-orders").click());
    await asked;
    await processes.kill("host");
    goOn();
    await person.browser.context.unrouteAll({ behavior: "wait" });
    await comesBack();
    await popup.close();
    const again = await openAgain();
    const over = again.waitForEvent("close");
    await new WalletPage(again).signUpAndAllow("Ada");
    await over;
    await seesNoOrders();
  });

  it("I2 keeps the session, the token and what was delivered when it dies after the result", async () => {
    const popup = await openedBy(person.console.page, () => view().getByTestId("my-orders").click());
    await new WalletPage(popup).signUpAndAllow("Ada");
    await seesNoOrders();
    await processes.kill("host");
    await comesBack();
    await seesNoOrders();
    const pages = person.browser.context.pages().length;
    await person.console.callTool("list_orders");
    await person.console.callCard("list_orders").getByText("Done").first().waitFor();
    expect(person.browser.context.pages()).toHaveLength(pages);
  });

  it("I2 I3 charges once when it dies as the store demands the payment's scope", async () => {
    await view().getByTestId("buy").first().click();
    await view().getByTestId("pay").waitFor();
    const total = (await view().getByTestId("total").innerText()).trim();
    const before = readBank(processes.folder("bank")).payments.length;
    const { dead } = killAt({
      peer: (all) => all.storeFaults,
      matches: ({ body }) => body.includes('"tools/call"') && body.includes('"pay"'),
      answered: true,
    });
    const opened = person.browser.context.waitForEvent("page", { timeout: 2000 }).catch(() => undefined);
    await press(view().getByTestId("pay"));
    await dead;
    await (await opened)?.close();
    await comesBack();
    const popup = await openAgain();
    const wallet = new WalletPage(popup);
    await wallet.createPasskey.click();
    await wallet.approve.click();
    await view().getByTestId("receipt").waitFor();
    expect(await view().getByTestId("receipt").innerText()).toContain(total);
    expect(readBank(processes.folder("bank")).payments.slice(before)).toHaveLength(1);
  });
});
