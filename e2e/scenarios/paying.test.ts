import { errorCatalogue } from "@countersign/protocol/errors";
import { isJsonObject, member } from "@countersign/protocol/shape";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { Frame, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findBarriers, findSidewaysScrolling, viewFrame } from "../browser/inspect.ts";
import { type Browser, keepPicture, launchBrowser } from "../browser/launch.ts";
import { Authenticator } from "../browser/passkeys.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy, press } from "../pages/console-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { type ForwardingHost, startForwardingHost } from "../stack/forwarding-host.ts";
import { readBank } from "../stack/read-bank.ts";
import { startSilentHost } from "../stack/silent-host.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

const desktop = { width: 1280, height: 860 };
const dresses = [
  ["light", desktop],
  ["dark", desktop],
  ["light", { width: 360, height: 740 }],
  ["dark", { width: 360, height: 740 }],
] as const;

const places = ["payment", "refund", "order", "receipt", "order-row"].map((id) => `[data-testid="${id}"]`).join(", ");

/** Looks at a state in light and dark, on a desk and on a phone, and says what is wrong with it. */
async function look(page: Page, view: () => Frame, name: string): Promise<void> {
  const found: string[] = [];
  for (const [colorScheme, size] of dresses) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize(size);
    await view().locator(places).last().scrollIntoViewIfNeeded();
    await page.evaluate(() => new Promise((resolve) => void requestAnimationFrame(() => void requestAnimationFrame(resolve))));
    const wrong = [...(await findBarriers(view())), ...(await findSidewaysScrolling(view()))];
    found.push(...wrong.map((each) => `${name}, ${colorScheme}, ${size.width}: ${each}`));
    await keepPicture(page, `paying/${name}-${colorScheme}-${size.width}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(desktop);
  expect(found).toEqual([]);
}

const stageOf = (view: Frame, stage: string) => view.locator(`[data-testid="payment"][data-stage="${stage}"]`);

describe("the states of a payment in the shop's view", { timeout: 90_000 }, () => {
  let stack: TestStack;
  let paidBefore: number;

  beforeAll(async () => {
    stack = await runStack();
  });
  afterAll(() => stack?.stop());
  beforeEach(() => {
    stack.storeFaults.decide = () => "deliver";
    stack.bankFaults.admit = () => undefined;
    stack.bankFaults.decide = () => "deliver";
    paidBefore = readBank(stack.folder).payments.length;
  });
  const newPayments = () => readBank(stack.folder).payments.slice(paidBefore);

  describe("in a host that opens windows", () => {
    let person: Person;
    beforeEach(async () => {
      person = await arrive(stack.urls.console);
    });
    afterEach(async () => {
      const errors = person.pageErrors;
      await person.leave();
      expect(errors).toEqual([]);
    });
    const view = () => viewFrame(person.console.page);
    const goToCheckout = async (): Promise<void> => {
      await person.console.callTool("browse_products");
      await person.console.widget.getByTestId("buy").first().waitFor();
      await press(view().getByTestId("buy").first());
      await stageOf(view(), "ready").waitFor();
    };
    const openWallet = async (): Promise<WalletPage> => new WalletPage(await openedBy(person.console.page, () => press(view().getByTestId("pay"))));
    const continueInChat = async (): Promise<WalletPage> => {
      const button = person.console.page.locator('[data-testid="signin-continue"][aria-disabled="false"]');
      return new WalletPage(await openedBy(person.console.page, () => button.click()));
    };

    it("window lost and opened again, denied, Continue, stopped, and paid at last: one checkout, one charge", async () => {
      await goToCheckout();
      await look(person.console.page, view, "ready");
      const first = await openWallet();
      await stageOf(view(), "window").waitFor();
      expect(await view().getByRole("timer").innerText()).toMatch(/^Ends in \d+:\d\d$/);
      expect(await view().getByTestId("pay").getAttribute("aria-busy")).toBe("true");
      await look(person.console.page, view, "window");
      await first.page.close();
      // Within three seconds of the first press it is the same press to the console.
      const again = view().getByTestId("reopen");
      let second: WalletPage | undefined;
      await expect
        .poll(
          async () => {
            await press(again);
            second = person.browser.context.pages().flatMap((page) => (page.url().startsWith(stack.urls.wallet) ? [new WalletPage(page)] : []))[0];
            return second !== undefined;
          },
          { interval: 500, timeout: 15_000 },
        )
        .toBe(true);
      if (second === undefined) throw new TypeError("there is no window");
      await second.createPasskey.click();
      await second.decline.click();
      await stageOf(view(), "denied").waitFor();
      expect(await view().getByTestId("error").getAttribute("data-code")).toBe("access_denied");
      expect(await view().getByTestId("payment").innerText()).toContain("Nothing was charged");
      await look(person.console.page, view, "denied");

      await press(view().getByTestId("pay"));
      await stageOf(view(), "continue").waitFor();
      await look(person.console.page, view, "continue");
      await person.console.cancelButton.click();
      await stageOf(view(), "stopped").waitFor();
      await look(person.console.page, view, "stopped");
      expect(newPayments()).toEqual([]);

      await press(view().getByTestId("pay"));
      const third = await continueInChat();
      await third.approve.click();
      await view().getByTestId("receipt").waitFor();
      expect(newPayments()).toMatchObject([{ authorized: 1890, captured: 1890, refunded: 0 }]);
      await look(person.console.page, view, "receipt");
    });

    it("a step up from a sign-in, a bank that does not answer, and an order that is refunded in part and whole", async () => {
      await person.console.callTool("browse_products");
      await person.console.widget.getByTestId("buy").first().waitFor();
      const signIn = await openedBy(person.console.page, () => press(view().getByTestId("my-orders")));
      await new WalletPage(signIn).signUpAndAllow("Ada");
      await view().getByText("No orders yet").waitFor();
      await goToCheckout();
      const wallet = await openWallet();
      await stageOf(view(), "window").waitFor();
      expect(await view().getByTestId("payment").innerText()).toContain("You are signed in");
      await look(person.console.page, view, "step-up");

      stack.bankFaults.decide = ({ path }) => (path.startsWith("/payments") ? "drop" : "deliver");
      await wallet.approve.click();
      await stageOf(view(), "unconfirmed").waitFor();
      expect(await view().getByTestId("payment").innerText()).toContain("never charged twice");
      await look(person.console.page, view, "unconfirmed");
      stack.bankFaults.decide = () => "deliver";
      await stageOf(view(), "paid").waitFor();
      await look(person.console.page, view, "paid");
      await press(view().getByTestId("pay"));
      await view().getByTestId("receipt").waitFor();
      expect(newPayments()).toMatchObject([{ authorized: 1890, captured: 1890, refunded: 0 }]);

      await press(view().getByRole("button", { name: "See all orders" }));
      await view().getByTestId("order-row").first().waitFor();
      await press(view().getByRole("button", { name: "Stoneware mug" }));
      await view().getByTestId("order").getByText("By you, with your passkey").waitFor();
      await press(view().getByTestId("refund-open"));
      const sum = view().getByLabel("Sum in EUR");
      await sum.fill("20");
      await sum.press("Enter");
      await view().getByText("At most 18.90 can be refunded.").waitFor();
      await look(person.console.page, view, "refund-form");
      await sum.fill("5,00");
      const consent = await openedBy(person.console.page, () => sum.press("Enter"));
      await view().getByText("Go on in the window that opened").waitFor();
      await look(person.console.page, view, "refund-step-up");
      await new WalletPage(consent).allow.click();
      await view().getByTestId("refunds").waitFor();
      expect(await view().getByTestId("order").innerText()).toContain("Partly refunded");
      expect(newPayments()).toMatchObject([{ captured: 1890, refunded: 500 }]);
      await look(person.console.page, view, "partly-refunded");
      await press(view().getByTestId("refund-open"));
      await press(view().getByTestId("refund-send"));
      await view().getByTestId("refund").waitFor({ state: "detached" });
      expect(newPayments()).toMatchObject([{ captured: 1890, refunded: 1890 }]);
      expect(await view().getByTestId("refund-open").count()).toBe(0);
      await press(view().getByRole("button", { name: "My orders" }).last());
      await view().locator('[data-testid="order-row"][data-status="refunded"]').waitFor();
      await look(person.console.page, view, "orders-refunded");
    });

    it("a shop that does not answer while the user approves: the view says so, looks again, and finds the order paid", async () => {
      await goToCheckout();
      const wallet = await openWallet();
      await wallet.createPasskey.click();
      await wallet.approve.waitFor();
      stack.storeFaults.decide = ({ body }) => (/"tools\/call"/.test(body) && /"(pay|get_checkout)"/.test(body) ? "drop" : "deliver");
      await wallet.approve.click();
      await stageOf(view(), "doubted").waitFor();
      await look(person.console.page, view, "doubted");
      stack.storeFaults.decide = () => "deliver";
      await stageOf(view(), "paid").waitFor();
      expect(newPayments()).toMatchObject([{ authorized: 1890, captured: 1890 }]);
    });
  });

  describe("in a host that signs nobody in", () => {
    let host: ForwardingHost;
    let browser: Browser;
    let page: Page;
    beforeAll(async () => {
      [host, browser] = await Promise.all([startForwardingHost(`${stack.urls.store}/mcp`), launchBrowser()]);
      new Authenticator().attachTo(browser.context);
    });
    beforeEach(async () => {
      host.change = (_, answer) => answer;
      host.answers.splice(0);
      page = await browser.newPage();
      await page.goto(host.origin);
      await page.frameLocator("iframe").getByTestId("buy").first().waitFor();
      await press(view().getByTestId("buy").first());
      await press(view().getByTestId("pay"));
      await stageOf(view(), "link").waitFor();
    });
    afterEach(() => page?.close());
    afterAll(async () => {
      await browser?.close();
      await host?.stop();
    });
    const view = (): Frame => {
      const frame = page.frames().find((each) => each !== page.mainFrame());
      if (frame === undefined) throw new TypeError("the view is not there");
      return frame;
    };
    const models = (): Promise<string> => page.evaluate(() => JSON.stringify(Reflect.get(Reflect.get(window, "told"), "models")));

    it("link and QR code stand where the payment is, with the time that is left, and above the shop when the user walks on", async () => {
      const inPayment = view().getByTestId("payment").getByTestId("authorization");
      await inPayment.getByRole("img").waitFor();
      const first = await inPayment.getByRole("timer").innerText();
      expect(first).toMatch(/^Ends in 1[345]:\d\d$/);
      await expect.poll(() => inPayment.getByRole("timer").innerText()).not.toBe(first);
      await look(page, view, "link");
      await press(view().getByRole("button", { name: "Back to shop" }));
      await view().getByTestId("buy").first().waitFor();
      expect(await inPayment.count()).toBe(0);
      expect(await view().getByTestId("authorization").getByRole("img").isVisible()).toBe(true);
    });

    it("a payment whose order the chat cancels ends here too, and is told to the chat once", async () => {
      const client = new Client({ name: "chat", version: "1.0.0" });
      await client.connect(new StreamableHTTPClientTransport(new URL(`${stack.urls.store}/mcp`)));
      const checkoutId = /chk_[\w-]{22}/.exec(JSON.stringify(host.answers))?.[0] ?? "";
      await client.callTool({ name: "cancel_checkout", arguments: { checkout_id: checkoutId } });
      await client.close();
      await stageOf(view(), "canceled").waitFor();
      await look(page, view, "canceled");
      expect(newPayments()).toEqual([]);
      await expect.poll(async () => (await models()).split(`canceled checkout ${checkoutId}`).length - 1).toBeGreaterThan(0);
    });

    it("a payment that nobody approved in time says so, and the same can be ordered again", async () => {
      await page.close();
      // The shop of a quarter of an hour later, as far as this view can see.
      host.change = (tool, answer) => {
        if (tool === "await_approval") return { ...answer, structuredContent: { state: "expired" } };
        const checkout = member(answer.structuredContent, "checkout");
        if (tool !== "get_checkout" || !isJsonObject(checkout)) return answer;
        return { ...answer, structuredContent: { checkout: { ...checkout, status: "expired" } } };
      };
      page = await browser.newPage();
      await page.goto(host.origin);
      await page.frameLocator("iframe").getByTestId("buy").first().waitFor();
      await press(view().getByTestId("buy").first());
      await press(view().getByTestId("pay"));
      await stageOf(view(), "expired").waitFor();
      await look(page, view, "expired");
      await press(view().getByTestId("again"));
      await stageOf(view(), "ready").waitFor();
    });

    it("every other word of the shop has its stage, says whether anything was charged, and leaves a way on", async () => {
      const refusals = [
        ["payment_declined", "declined", "Your bank declined"],
        ["insufficient_funds", "declined", "There is not enough money in the account."],
        ["over_limit", "over_limit", "Over a limit of yours"],
        ["flow_expired", "lapsed", "The time to approve is over"],
        ["out_of_stock", "failed", "This did not work"],
        ["payment_pending", "elsewhere", "Waiting for an approval"],
      ] as const;
      await page.close();
      page = await browser.newPage();
      await page.goto(host.origin);
      await page.frameLocator("iframe").getByTestId("buy").first().waitFor();
      await press(view().getByTestId("buy").first());
      for (const [code, stage, words] of refusals) {
        const error = { code, message: errorCatalogue[code].text, retryable: errorCatalogue[code].retryable, callId: "" };
        host.change = (tool, answer) => (tool === "pay" ? { content: [], isError: true, structuredContent: { error } } : answer);
        await press(view().getByTestId("pay"));
        await stageOf(view(), stage).getByText(words).first().waitFor();
        expect(await view().getByTestId("error").getAttribute("data-code")).toBe(code);
        expect(await view().getByTestId("pay").getAttribute("aria-busy")).toBe("false");
        await look(page, view, `refused-${code}`);
      }
      const { promise, resolve: goOn } = Promise.withResolvers<void>();
      host.change = async (_, answer) => promise.then(() => answer);
      await press(view().getByTestId("pay"));
      await stageOf(view(), "asking").waitFor();
      await look(page, view, "asking");
      goOn();
      await stageOf(view(), "link").waitFor();
      expect(newPayments()).toEqual([]);
    });
  });

  describe("in a host that keeps the view's state", () => {
    it("a guest's receipt comes back by its handle, which neither the model nor the page's address has", async () => {
      const host = await startSilentHost(`${stack.urls.store}/mcp`, "browse_products", { "user-agent": "openai-mcp/1.0.0 (ChatGPT)" });
      const browser = await launchBrowser();
      new Authenticator().attachTo(browser.context);
      try {
        const page = await browser.newPage();
        await page.goto(host.origin);
        const view = page.frameLocator("iframe");
        await view.getByTestId("buy").first().waitFor();
        await press(view.getByTestId("buy").first());
        await press(view.getByTestId("pay"));
        await press(view.getByTestId("authorization").getByRole("button", { name: "Open page" }));
        await expect.poll(() => host.seen.opened).toHaveLength(1);
        const wallet = new WalletPage(await browser.newPage());
        await wallet.page.goto(host.seen.opened[0] ?? "");
        await wallet.createPasskey.click();
        await wallet.page.getByRole("button", { name: /^Approve €/ }).click();
        await view.getByTestId("receipt").waitFor();
        await page.reload();
        await view.getByTestId("order").getByText("By you, with your passkey").waitFor();
        expect(host.seen.calls.at(-1)).toBe("get_order");
        expect(host.seen.refused).toEqual([]);
        const kept: unknown = await page.evaluate(() => JSON.parse(localStorage.getItem("state") ?? "null"));
        const handle = member(member(member(kept, "privateContent"), "order"), "handle");
        expect(handle).toMatch(/^.{22,}$/);
        expect(JSON.stringify(member(kept, "modelContent"))).toMatch(/The user paid in the shop's view\. Order ord_/);
        expect(JSON.stringify(member(kept, "modelContent"))).not.toContain(String(handle));
        await keepPicture(page, "paying/guest-order-after-reload");
      } finally {
        await browser.close();
        await host.stop();
      }
    });
  });
});
