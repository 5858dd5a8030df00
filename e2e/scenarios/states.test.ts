import { errorCatalogue } from "@countersign/protocol/errors";
import { isJsonObject, type JsonObject, member } from "@countersign/protocol/shape";
import { readApprovalAnswer } from "@countersign/protocol/approval-answer";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { Page, Route } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepPicture } from "../browser/launch.ts";
import { barriersOf, look as lookAt, sizes } from "../pictures/look.ts";
import { dresses } from "../pictures/states.ts";
import { arrive, type Person } from "../browser/person.ts";
import { press } from "../pages/console-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { type ForwardingHost, startForwardingHost } from "../stack/forwarding-host.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

describe("states that seldom show", { timeout: 120_000 }, () => {
  let stack: TestStack;
  let person: Person;
  let page: Page;

  beforeAll(async () => {
    stack = await runStack({ openingBalance: 5000 });
    person = await arrive(stack.urls.console);
    page = person.console.page;
  });

  afterAll(async () => {
    const errors = person?.pageErrors;
    await person?.leave();
    await stack?.stop();
    expect(errors).toEqual([]);
  });

  const look = (name: string, at: Page = page, prepare?: () => Promise<void>): Promise<void> => lookAt(at, `states/${name}`, prepare);

  /** Answers what the page asks of an address in another way while `run` looks at what comes of it. */
  const whileAnswering = async (address: string, answer: (route: Route) => Promise<void>, run: () => Promise<void>): Promise<void> => {
    await page.route(address, answer);
    try {
      await run();
    } finally {
      await page.unroute(address, answer);
    }
  };
  const fresh = async (): Promise<void> => {
    await page.evaluate(() => sessionStorage.clear());
    await page.reload({ waitUntil: "commit" });
  };
  const changeAnswer =
    (change: (body: JsonObject) => JsonObject) =>
    async (route: Route): Promise<void> => {
      const response = await route.fetch();
      const body: unknown = await response.json();
      await route.fulfill({ response, json: isJsonObject(body) ? change(body) : body });
    };

  it("the console while it loads, without its host, and with nothing connected", async () => {
    const held = Promise.withResolvers<void>();
    await whileAnswering(
      "**/api/session",
      async (route) => {
        await held.promise;
        await route.abort();
      },
      async () => {
        await fresh();
        await page.locator(".skeleton").first().waitFor();
        await look("console-loading");
        held.resolve();
        await page.getByTestId("session-failed").waitFor();
        await look("console-failed");
      },
    );
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByTestId("suggestion").first().waitFor();
    const none = changeAnswer((body) => ({ ...body, connectors: [] }));
    await whileAnswering("**/api/session", none, async () => {
      await fresh();
      await page.getByRole("heading", { name: "Nothing is connected yet" }).waitFor();
      await look("console-no-connectors");
    });
    await fresh();
    await page.getByTestId("suggestion").first().waitFor();
  });

  it("the console that has lost its host says so, and finds it again by itself", async () => {
    const alone = await person.browser.newPage(sizes.desktop);
    // Without the stream that all pages share, the page has one of its own, which can be cut.
    await alone.addInitScript(() => void Reflect.deleteProperty(globalThis, "SharedWorker"));
    await alone.route("**/api/events", (route) => route.abort());
    await alone.goto(stack.urls.console);
    await alone.getByTestId("link-lost").waitFor();
    await look("console-offline", alone);
    await alone.unroute("**/api/events");
    await alone.getByTestId("link-lost").waitFor({ state: "detached" });
    await alone.close();
  });

  it("the tools and the form of one", async () => {
    await page.getByTestId("open-tool-picker").first().click();
    await page.getByTestId("tool-search").fill("browse");
    await look("console-tools");
    await page.locator('[data-testid="tool-option"][data-tool="browse_products"]').click();
    await page.getByTestId("tool-submit").waitFor();
    await look("console-form");
    await page.keyboard.press("Escape");
  });

  it("another host that is acted out, where that is set, and the tools that only views call", async () => {
    const setting = page.getByTestId("profile");
    const fold = page.getByTestId("tools-for-views").first();
    await setting.selectOption("claude");
    await page.getByTestId("profile-mark").waitFor();
    await look("console-acting");
    await look("console-settings", page, async () => {
      if (!(await setting.isVisible())) await page.getByTestId("profile-mark").click();
      if ((await fold.getAttribute("open")) === null) await fold.locator("summary").click();
      await setting.scrollIntoViewIfNeeded();
    });
    await setting.selectOption("countersign");
    await page.getByTestId("profile-mark").waitFor({ state: "detached" });
  });

  it("calls that end badly: nobody signed in in time, the user stopped it, the server is away", async () => {
    const { code, entry } = { code: "flow_expired", entry: errorCatalogue.flow_expired } as const;
    const error = { code, message: entry.text, retryable: entry.retryable };
    const expired = changeAnswer((body) => ({ ...body, state: "failed", flow: undefined, error }));
    await person.console.callTool("list_orders");
    await person.console.signInCard.waitFor();
    for (const each of page.context().pages()) if (each !== page) await each.close();
    await whileAnswering("**/api/calls/call_*", expired, async () => {
      await page.reload();
      await person.console.callCard("list_orders").getByText(entry.text).waitFor();
      await look("console-expired");
    });
    await fresh();
    await page.getByTestId("suggestion").first().waitFor();
    await person.console.callTool("list_orders");
    await person.console.cancelButton.click();
    await person.console.callCard("list_orders").getByText("This was cancelled.").waitFor();
    await look("console-stopped");
    await fresh();
    await page.getByTestId("suggestion").first().waitFor();
    stack.storeFaults.decide = ({ body }) => (body.includes("browse_products") ? "drop" : "deliver");
    await person.console.callTool("browse_products");
    await person.console.widget.getByTestId("error").waitFor();
    await look("console-unreachable");
    stack.storeFaults.decide = () => "deliver";
  });

  it("the bank before and after the first payment, and the wallet where there is too little money or the payment is no longer asked for", async () => {
    for (const each of page.context().pages()) if (each !== page) await each.close();
    const bank = await person.browser.newPage(sizes.desktop);
    await bank.goto(stack.urls.bank);
    await look("bank-signed-out", bank);
    await bank.getByRole("button", { name: /^Sign in with/ }).click();
    await new WalletPage(bank).signUpAndAllow("Ada");
    await bank.getByText("You have no account here yet").waitFor();
    await look("bank-empty", bank);

    const links = new Client({ name: "claude-ai", version: "1.0.0" }, { versionNegotiation: { mode: "legacy" } });
    const requestInit = { headers: { "user-agent": "claude-user/1.0" } };
    await links.connect(new StreamableHTTPClientTransport(new URL(`${stack.urls.store}/mcp`), { requestInit }));
    const linkFor = async (product_id: string): Promise<{ readonly id: string; readonly link: string }> => {
      const made = await links.callTool({ name: "create_checkout", arguments: { items: [{ product_id, quantity: 1 }] } });
      const id = String(member(member(made.structuredContent, "checkout"), "id"));
      const asked = readApprovalAnswer((await links.callTool({ name: "pay", arguments: { checkout_id: id } }))._meta, Date.now());
      if (!asked.ok || asked.value === undefined) throw new TypeError("the answer asks for no approval");
      return { id, link: asked.value.link };
    };
    const dear = new WalletPage(await person.browser.newPage(sizes.desktop));
    await dear.page.goto((await linkFor("enamel-kettle")).link);
    await dear.page.locator(".notice-bad").waitFor();
    await look("wallet-insufficient", dear.page);
    await dear.page.close();

    const late = new WalletPage(await person.browser.newPage(sizes.desktop));
    const { id, link } = await linkFor("stoneware-mug");
    await late.page.goto(link);
    const approveLate = late.page.getByRole("button", { name: /^Approve €/ });
    await expect.poll(() => approveLate.isEnabled()).toBe(true);
    await links.callTool({ name: "cancel_checkout", arguments: { checkout_id: id } });
    await approveLate.click();
    await late.page.getByText("The shop no longer asks for this payment.").waitFor();
    await look("wallet-withdrawn", late.page);
    await late.page.close();

    const cheap = new WalletPage(await person.browser.newPage(sizes.desktop));
    await cheap.page.goto((await linkFor("stoneware-mug")).link);
    await cheap.page.getByRole("button", { name: /^Approve €/ }).click();
    await cheap.page.getByRole("heading", { name: "Approved" }).waitFor();
    await cheap.page.close();
    await links.close();
    await bank.goto(stack.urls.bank);
    await bank.getByRole("link", { name: /Bank account/ }).waitFor();
    await look("bank-accounts", bank);
    await bank.getByRole("link", { name: /Bank account/ }).click();
    await bank.getByText("Opening balance").waitFor();
    await look("bank-statement", bank);
    await bank.close();
  });

  describe("the shop", () => {
    let host: ForwardingHost;

    beforeAll(async () => {
      host = await startForwardingHost(`${stack.urls.store}/mcp`);
    });
    afterAll(() => host?.stop());

    const short = { code: "out_of_stock", message: "There is not enough left of Stoneware mug, Harbour blue.", retryable: false };
    interface ShopState {
      readonly name: string;
      readonly change: ForwardingHost["change"];
      /** What the state is known by, after a press of what. */
      readonly shown: string;
      readonly pressed?: string;
    }
    const states: readonly ShopState[] = [
      { name: "shop-loading", change: () => new Promise(() => {}), shown: ".skeleton" },
      { name: "shop-failed", change: () => Promise.reject(new Error("away")), shown: '[data-testid="error"]' },
      {
        name: "shop-short",
        change: (tool, answer) =>
          tool === "create_checkout"
            ? { content: [{ type: "text", text: short.message }], structuredContent: { error: short }, isError: true }
            : answer,
        shown: '[data-testid="error"]',
        pressed: "buy",
      },
    ];

    it.each(states)("in a host that signs nobody in: $name", async ({ name, change, shown, pressed }) => {
      const at = await person.browser.newPage();
      const found: string[] = [];
      for (const [theme, screen] of dresses) {
        host.change = change;
        await at.setViewportSize({ ...sizes[screen], width: screen === "desktop" ? 900 : 360 });
        await at.emulateMedia({ reducedMotion: "reduce" });
        await at.goto(`${host.origin}/?theme=${theme}`);
        const view = at.frames().find((frame) => frame !== at.mainFrame());
        if (view === undefined) throw new TypeError("the view is not there");
        if (pressed !== undefined) await press(view.getByTestId(pressed).first());
        await view.locator(shown).first().waitFor();
        found.push(...(await barriersOf(view)).map((each) => `${name}, ${theme}, ${screen}: ${each}`));
        await keepPicture(at, `states/${name}-${theme}-${screen}`);
      }
      expect(found).toEqual([]);
      await at.close();
    });
  });
});
