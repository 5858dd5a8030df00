import { member } from "@countersign/protocol/shape";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { Frame, FrameLocator, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { findBarriers, findSidewaysScrolling } from "../browser/inspect.ts";
import { type Browser, keepPicture, launchBrowser } from "../browser/launch.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy, press } from "../pages/console-page.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { type ForwardingHost, startForwardingHost } from "../stack/forwarding-host.ts";
import { readBank } from "../stack/read-bank.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

/** The shop's view as a person uses it. */
class Shop {
  readonly view: FrameLocator | Frame;

  constructor(view: FrameLocator | Frame) {
    this.view = view;
  }

  at(testId: string): Locator {
    return this.view.getByTestId(testId);
  }

  heading(name: string): Locator {
    return this.view.getByRole("heading", { level: 1, name });
  }

  button(name: string): Locator {
    return this.view.getByRole("button", { name, exact: true });
  }

  total(): Promise<string> {
    return this.at("total").innerText();
  }

  line(title: string): Locator {
    return this.at("order-line").filter({ hasText: title });
  }

  async openProduct(title: string): Promise<void> {
    await press(this.view.getByRole("button", { name: title, exact: true }));
    await this.heading(title).waitFor();
  }

  async pick(name: string, value: string): Promise<void> {
    await this.view.getByRole("group", { name }).getByRole("radio", { name: value }).press("Space");
  }

  /** Fills the address form by the names of its fields, as a screen reader says them. */
  async fillAddress(fields: Readonly<Record<string, string>>): Promise<void> {
    for (const [label, value] of Object.entries(fields)) {
      const field = this.view.getByLabel(label);
      await ((await field.evaluate((element) => element.tagName)) === "SELECT" ? field.selectOption(value) : field.fill(value));
    }
  }
}

const delft = { "Full name": "Ada Lovelace", Country: "NL", "Street and number": "Oude Delft 1", "Postal code": "2611 CA", "Town or city": "Delft" };

let stack: TestStack;

beforeAll(async () => {
  stack = await runStack();
});
afterAll(() => stack?.stop());

describe("a person in the console", () => {
  let person: Person;

  beforeAll(async () => {
    person = await arrive(stack.urls.console);
  });
  afterAll(() => person?.leave());

  it("picks a variant, has two products sent by express, changes and cancels the order, orders it again and pays", async () => {
    const { console: page } = person;
    await page.callTool("browse_products", { query: "wool" });
    const shop = new Shop(page.widget);
    await shop.openProduct("Ribbed wool beanie");
    await shop.pick("Colour", "Oat");
    await shop.pick("Size", "L");
    await press(shop.button("One more Ribbed wool beanie"));
    await press(shop.at("buy"));
    await shop.line("Ribbed wool beanie, L, Oat").waitFor();
    expect(await shop.total()).toBe("€64.00");

    await press(shop.button("Back to shop"));
    await press(shop.view.getByRole("button", { name: /^Show \d+ more$/ }));
    await shop.openProduct("Steel flask");
    await shop.pick("Colour", "Coral");
    expect(await shop.at("price").innerText()).toBe("€42.50");
    await press(shop.button("Add to order"));
    await shop.line("Steel flask, Coral").waitFor();
    expect(await shop.total()).toBe("€106.50");

    await press(shop.at("edit-address"));
    await shop.fillAddress(delft);
    await press(shop.at("use-address"));
    // Goods of that much are sent for nothing.
    await shop.view.getByText("Standard delivery to Delft").waitFor();
    await shop.view.getByRole("radio", { name: /Express/ }).press("Space");
    await shop.view.getByText("Express delivery to Delft").waitFor();
    expect(await shop.total()).toBe("€119.45");
    expect(await shop.at("order").innerText()).toContain("Including VAT 21 %");

    await press(shop.button("One less Ribbed wool beanie, L, Oat"));
    await expect.poll(() => shop.total()).toBe("€87.45");
    expect(await shop.at("said").innerText()).toBe("Your order is changed. Total €87.45.");

    await press(shop.at("cancel"));
    await shop.at("again").waitFor();
    expect(await shop.at("payment").innerText()).toContain("This order was canceled");
    await press(shop.at("again"));
    await shop.view.getByText("Express delivery to Delft").waitFor();
    expect(await shop.total()).toBe("€87.45");

    const wallet = new WalletPage(await openedBy(page.page, () => press(shop.at("pay"))));
    await wallet.createPasskey.click();
    await wallet.approve.waitFor();
    const shown = await wallet.page.locator("main").innerText();
    for (const part of ["Ribbed wool beanie, L, Oat", "Steel flask, Coral", "Express delivery to Oude Delft 1, 2611 CA Delft"])
      expect(shown).toContain(part);
    await wallet.approve.click();
    await shop.at("receipt").waitFor();
    expect(await shop.at("receipt").innerText()).toContain("€87.45");
    expect(readBank(stack.folder).payments).toMatchObject([{ payee: "store", authorized: 8745, captured: 8745 }]);
    expect(person.pageErrors).toEqual([]);
  });

  it("finds its order again after a reload, as it is now, and where it stood", async () => {
    const { console: page } = person;
    await page.callTool("browse_products", { query: "kettle" });
    await press(new Shop(page.widget).button("Buy Enamel kettle"));
    await new Shop(page.widget).line("Enamel kettle").waitFor();
    await press(new Shop(page.widget).button("One more Enamel kettle"));
    await expect.poll(() => new Shop(page.widget).total()).toBe("€129.00");
    await page.page.reload();
    await new Shop(page.widget).line("Enamel kettle").waitFor();
    expect(await new Shop(page.widget).total()).toBe("€129.00");
    expect(await new Shop(page.widget).at("moved").count()).toBe(0);
    await press(new Shop(page.widget).button("Back to shop"));
    await new Shop(page.widget).at("product-card").first().waitFor();
    await page.page.reload();
    await new Shop(page.widget).at("product-card").first().waitFor();
    await expect.poll(() => new Shop(page.widget).at("cart").innerText()).toContain("2");
    // A half-typed address is still there, and so is where it was typed.
    await press(new Shop(page.widget).at("cart"));
    await press(new Shop(page.widget).at("edit-address"));
    const kept = page.page.waitForResponse((response) => response.request().postData()?.includes("Oude Del") === true);
    await new Shop(page.widget).fillAddress({ Country: "NL", "Full name": "Ada", "Street and number": "Oude Del" });
    await kept;
    await page.page.reload();
    await expect.poll(() => new Shop(page.widget).view.getByLabel("Street and number").inputValue()).toBe("Oude Del");
    expect(await new Shop(page.widget).view.getByLabel("Country").inputValue()).toBe("NL");
    expect(person.pageErrors).toEqual([]);
  });

  it("is asked for no approval any more once the order is canceled, and the wallet takes none", async () => {
    const { console: page } = person;
    await page.callTool("browse_products", { query: "kettle" });
    const shop = new Shop(page.widget);
    await press(shop.button("Buy Enamel kettle"));
    await shop.at("pay").waitFor();
    const paid = readBank(stack.folder).payments.length;
    const wallet = new WalletPage(await openedBy(page.page, () => press(shop.at("pay"))));
    await wallet.approve.waitFor();
    await page.signInCard.waitFor();
    await press(shop.at("cancel"));
    await shop.at("again").waitFor();
    await page.signInCard.waitFor({ state: "detached" });
    // The window has left the console's reach: it says itself that it came too late.
    await wallet.approve.click();
    await wallet.page.getByText("The shop no longer asks for this payment.").waitFor();
    expect(readBank(stack.folder).payments).toHaveLength(paid);
    expect(person.pageErrors).toEqual([]);
  });
});

describe("a guest in a host that signs nobody in", () => {
  let host: ForwardingHost;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    [host, browser] = await Promise.all([startForwardingHost(`${stack.urls.store}/mcp`), launchBrowser()]);
  });
  afterEach(async () => {
    host.change = (_, answer) => answer;
    await page?.close();
  });
  afterAll(async () => {
    await browser?.close();
    await host?.stop();
  });

  async function open(theme: "light" | "dark" = "light", width = 360): Promise<Shop & { readonly view: Frame }> {
    page = await browser.newPage({ width, height: 760 });
    // Colours are judged when they are there, not on their way.
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.goto(`${host.origin}/?theme=${theme}`);
    await page.frameLocator("iframe").getByTestId("product-card").first().waitFor();
    const view = page.frames().find((frame) => frame !== page.mainFrame());
    if (view === undefined) throw new TypeError("the view is not there");
    return Object.assign(new Shop(view), { view });
  }

  /** Everybody can read and use what is on the screen, and nothing lies outside of it. Its picture is kept. */
  async function look({ view }: { readonly view: Frame }, name: string): Promise<void> {
    expect([name, await findBarriers(view)]).toEqual([name, []]);
    expect([name, await findSidewaysScrolling(view)]).toEqual([name, []]);
    expect([name, await findCovered(view)]).toEqual([name, []]);
    await page.setViewportSize({
      width: page.viewportSize()?.width ?? 360,
      height: await page.evaluate(() => document.documentElement.scrollHeight),
    });
    await keepPicture(page, name);
  }

  it.each([
    ["light", 360],
    ["dark", 360],
    ["light", 900],
    ["dark", 900],
  ] as const)("sees every screen up to the pay button whole, in %s and %s pixels wide, and everybody can use it", async (theme, width) => {
    const shop = await open(theme, width);
    const name = (screen: string): string => `buy-${screen}-${theme}-${width}`;
    await look(shop, name("shelf"));
    await press(shop.at("cart"));
    await shop.heading("Your cart is empty").waitFor();
    await look(shop, name("empty"));
    await press(shop.button("Look around"));
    await shop.openProduct("Stoneware mug");
    await shop.pick("Colour", "Sand");
    const picture = shop.at("product-page").locator("img.picture");
    const cutOff = await picture.evaluate(
      (img: HTMLImageElement) => 1 - (img.naturalWidth / img.naturalHeight) * (img.clientHeight / img.clientWidth),
    );
    expect(Math.abs(cutOff)).toBeLessThan(0.1);
    await look(shop, name("product"));
    await press(shop.at("buy"));
    await shop.line("Stoneware mug, Sand").waitFor();
    await look(shop, name("order"));
    await press(shop.at("edit-address"));
    await press(shop.at("use-address"));
    await look(shop, name("address-problems"));
    await shop.fillAddress({ ...delft, Country: "US" });
    await shop.fillAddress({ "State or region": "NY" });
    await press(shop.at("use-address"));
    await shop.view.getByText("Standard delivery to Delft").waitFor();
    expect(await shop.at("order").innerText()).toContain("Plus Sales tax 4 %");
    await look(shop, name("sent"));
    await press(shop.at("cancel"));
    await shop.at("again").waitFor();
    await look(shop, name("canceled"));
  });

  const focused = ({ view }: { readonly view: Frame }): Promise<string> =>
    view.evaluate(() => (document.activeElement instanceof HTMLElement ? document.activeElement.id || document.activeElement.innerText : ""));

  it("goes along with whoever uses the keyboard: to the heading of each screen, to the first field that lacks something, and out of a line that is gone", async () => {
    const shop = await open();
    await shop.openProduct("Stoneware mug");
    expect(await focused(shop)).toBe("Stoneware mug");
    await press(shop.at("buy"));
    await shop.line("Stoneware mug").waitFor();
    expect(await focused(shop)).toBe("Your order");
    await press(shop.at("edit-address"));
    await shop.fillAddress({ "Full name": "Ada" });
    // Enter in a field is as good as the button.
    await shop.view.getByLabel("Full name").press("Enter");
    await shop.view.getByText("Enter the street and number.").waitFor();
    expect(await focused(shop)).toBe("address-country");
    await press(shop.button("Back to order"));
    await press(shop.button("Back to shop"));
    await press(shop.button("Buy Enamel kettle"));
    await shop.line("Enamel kettle").waitFor();
    await press(shop.button("Remove Stoneware mug, Harbour blue"));
    await shop.line("Stoneware mug").waitFor({ state: "detached" });
    expect(await focused(shop)).toBe("Your order");
    expect(await shop.total()).toBe("€64.50");
    await press(shop.button("Remove Enamel kettle"));
    await shop.at("again").waitFor();
    expect(await shop.at("cart").innerText()).toContain("0");
  });

  it("says that the price changed when the order was changed elsewhere, and asks for no other sum than the button's", async () => {
    const shop = await open();
    const paid = readBank(stack.folder).payments.length;
    let id: unknown;
    host.change = (_, answer) => {
      id ??= member(member(answer.structuredContent, "checkout"), "id");
      return answer;
    };
    await press(shop.button("Buy Enamel kettle"));
    await shop.line("Enamel kettle").waitFor();
    const chat = new Client({ name: "chat", version: "1.0.0" });
    await chat.connect(new StreamableHTTPClientTransport(new URL(`${stack.urls.store}/mcp`)));
    const items = [{ product_id: "enamel-kettle", quantity: 2 }];
    await chat.callTool({ name: "update_checkout", arguments: { checkout_id: id, items } });
    await press(shop.at("pay"));
    await shop.at("moved").waitFor();
    expect(await shop.at("moved").innerText()).toContain("it was €64.50 and is €129.00 now");
    expect(await shop.at("payment").innerText()).toContain("This order was changed elsewhere meanwhile.");
    expect(await shop.at("pay").innerText()).toContain("€129.00");
    expect(await shop.at("authorization").isVisible()).toBe(false);
    await look(shop, "buy-moved-light-360");
    // The same press is for the sum that is on the button now.
    await press(shop.at("pay"));
    await shop.at("authorization").getByRole("heading").waitFor();
    expect(readBank(stack.folder).payments).toHaveLength(paid);
    await chat.close();
  });

  it("says when the time of the order is over, and orders the same again", async () => {
    const shop = await open();
    host.change = (tool, answer) => {
      const isOver = tool === "get_checkout";
      const expires_at = new Date(Date.now() + (isOver ? -1_000 : 200)).toISOString();
      return withCheckout(answer, isOver ? { status: "expired", expires_at } : { expires_at });
    };
    await press(shop.button("Buy Enamel kettle"));
    await shop.at("again").waitFor();
    expect(await shop.at("payment").innerText()).toContain("The time to pay this order is over");
    expect(await shop.at("pay").count()).toBe(0);
    await look(shop, "buy-expired-light-360");
    host.change = (_, answer) => answer;
    await press(shop.at("again"));
    await shop.at("pay").waitFor();
    expect(await shop.total()).toBe("€64.50");
  });

  it.each([
    ["JPY", 1_234_500, "¥1,234,500"],
    ["KWD", 1_234_500, "KWD 1,234.500"],
  ])("shows sums in %s as they are written, and names of any length, on the smallest screen", async (currency, amount, shown) => {
    const shop = await open();
    const sum = { amount, currency };
    const title = `${"Handgeschmiedete Donaudampfschifffahrtskapitänsmützenhalterung ".repeat(3)}${"ü".repeat(60)}`;
    const items = ["a", "b"].map((id) => ({ product_id: id, variant_id: id, title, quantity: 20, unit_price: sum, amount: sum }));
    const offers = [{ id: "express", title: title.slice(0, 90), amount: sum }];
    const tax = { region: "KW", name: "Tax", rate: 725, included: false, amount: sum };
    host.change = (_, answer) => withCheckout(answer, { items, shipping_options: offers, tax, total: sum });
    await press(shop.button("Buy Enamel kettle"));
    await shop.at("order").waitFor();
    expect((await shop.total()).replaceAll("\u00a0", " ")).toBe(shown);
    await look(shop, `buy-long-${currency.toLowerCase()}-light-360`);
  });
});

/** The controls that a pointer at their middle would miss, because something lies above them. */
function findCovered(view: Frame): Promise<readonly string[]> {
  return view.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("button, select, input:not(.visually-hidden)")]
      .filter((control) => {
        const { x, y, width, height } = control.getBoundingClientRect();
        const hit = document.elementFromPoint(x + width / 2, y + height / 2);
        return hit !== null && !control.contains(hit);
      })
      .map((control) => control.ariaLabel ?? control.innerText),
  );
}

/** An answer whose checkout says something else. */
function withCheckout<T extends { readonly structuredContent?: unknown }>(answer: T, more: object): T {
  const { structuredContent: content } = answer;
  const checkout = member(content, "checkout");
  if (typeof content !== "object" || typeof checkout !== "object") return answer;
  return { ...answer, structuredContent: { ...content, checkout: { ...checkout, ...more } } };
}
