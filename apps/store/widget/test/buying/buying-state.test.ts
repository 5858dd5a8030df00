import { describe, expect, test } from "vitest";
import { type BuyingAction, wholeShelf } from "../../src/buying/buying-state.ts";
import type { Checkout } from "../../src/buying/checkout.ts";
import { type Action, isRunning, type ShopEvent, type ShopState, type ShopStep } from "../../src/shop-state.ts";
import { callOf, emptyShop, stepShop } from "../../src/step-shop.ts";
import { order, receipt } from "../paying/fixtures.ts";
import { checkoutOf, lineOf, productOf } from "./examples.ts";

function play(state: ShopState, ...events: readonly ShopEvent[]): ShopStep {
  return events.reduce<ShopStep>((step, event) => stepShop(step.state, event), { state, next: undefined });
}

const started = (action: Action, call = 1): ShopEvent => ({ type: "started", call, action });
const answered = (action: Action, checkout: Checkout, call = 1): ShopEvent => ({ type: "succeeded", call, action, answer: { checkout } });
const refused = (action: Action, code: string, call = 1): ShopEvent => ({
  type: "failed",
  call,
  failure: { action, code, message: "No.", retryable: false },
});

const mug = productOf("mug");
const shelf: ShopState = { ...emptyShop, screen: "products", products: [mug] };
const buy: BuyingAction = { type: "buy", productId: "mug", variantId: "mug", quantity: 1 };
const open = checkoutOf({ lines: [lineOf("mug", 1), lineOf("kettle", 1)] });
const onOrder: ShopState = { ...emptyShop, screen: "checkout", checkout: open };
const check: Action = { type: "check", checkoutId: "chk_1" };

describe("buying", () => {
  test("begins an order and opens it", () => {
    expect(callOf(buy, shelf)).toMatchObject({ name: "create_checkout", args: { items: [{ product_id: "mug", variant_id: "mug", quantity: 1 }] } });
    expect(play(shelf, started(buy), answered(buy, open)).state).toMatchObject({ screen: "checkout", checkout: { id: "chk_1" }, news: "added" });
  });

  test("puts more into the order that is open, in the version that is on the screen, and joins what is the same", () => {
    const state: ShopState = { ...shelf, checkout: { ...open, version: 4 } };
    const items = (action: BuyingAction): unknown => callOf(action, state).args["items"];
    expect(callOf(buy, state)).toMatchObject({ name: "update_checkout", args: { checkout_id: "chk_1", version: 4 } });
    expect(items(buy)).toEqual([
      { product_id: "kettle", variant_id: "kettle", quantity: 1 },
      { product_id: "mug", variant_id: "mug", quantity: 2 },
    ]);
    expect(items({ ...buy, variantId: "mug-sand" })).toHaveLength(3);
  });

  test.each(["completed", "canceled", "expired", "completing"])("begins a new order when the last one is %s", (status) => {
    expect(callOf(buy, { ...shelf, checkout: { ...open, status } }).name).toBe("create_checkout");
  });

  test("one product does not mark the others as busy", () => {
    const state = play(shelf, started(buy)).state;
    expect(isRunning(state, buy)).toBe(true);
    expect(isRunning(state, { ...buy, productId: "clock" })).toBe(false);
  });

  test("that failed stays on the shelf and says why", () => {
    const failed = play(shelf, started(buy), refused(buy, "out_of_stock"));
    expect(failed).toMatchObject({ state: { screen: "products", failure: { code: "out_of_stock", retryable: false } }, next: undefined });
  });

  test("into an order that is over looks at it, and the same press then begins a new one", () => {
    const failed = play({ ...shelf, checkout: open }, started(buy), refused(buy, "checkout_expired"));
    expect(failed).toMatchObject({ state: { failure: { code: "checkout_expired", retryable: true } }, next: check });
    const seen = play(failed.state, started(check, 2), answered(check, { ...open, status: "expired" }, 2)).state;
    expect(seen).toMatchObject({ screen: "products", failure: { retryable: true } });
    expect(callOf(buy, seen).name).toBe("create_checkout");
  });

  test("while the user walked on to the orders does not pull them back", () => {
    const walked = play(shelf, started(buy), started({ type: "orders" }, 2)).state;
    expect(play(walked, answered(buy, open)).state).toMatchObject({ screen: "orders", checkout: { id: "chk_1" } });
  });
});

describe("a product's page", () => {
  const look: BuyingAction = { type: "look", productId: "mug" };

  test("shows at once what the shelf knows, then what the shop says", () => {
    const opened = play(shelf, started(look)).state;
    expect(opened).toMatchObject({ screen: "product", product: { id: "mug" } });
    const said: ShopEvent = { type: "succeeded", call: 1, action: look, answer: { product: { ...mug, stock: 1 } } };
    expect(play(opened, said).state.product?.stock).toBe(1);
  });

  test("of a product that is not on the shelf waits for the shop", () => {
    expect(play(shelf, started({ type: "look", productId: "clock" })).state).toMatchObject({ screen: "product", product: undefined });
  });
});

describe("changing the order", () => {
  const want = (wish: Extract<ShopEvent, { type: "want" }>["wish"]): ShopEvent => ({ type: "want", wish });
  const more = (quantity: number): ShopEvent => want({ variantId: "mug", quantity });

  test("asks for one change after the other, and only for the last of what was pressed meanwhile", () => {
    const first = play(onOrder, more(2));
    expect(first.next).toEqual({ type: "change", checkoutId: "chk_1", change: { quantities: { mug: 2 } } });
    if (first.next === undefined) throw new TypeError("nothing is asked");
    const pressed = play(first.state, started(first.next), more(3), more(4));
    expect(pressed.next).toBeUndefined();
    expect(pressed.state.wanted.quantities).toEqual({ mug: 4 });
    const after = play(pressed.state, answered(first.next, checkoutOf({ version: 2, lines: [lineOf("mug", 2), lineOf("kettle", 1)] })));
    expect(after.next).toEqual({ type: "change", checkoutId: "chk_1", change: { quantities: { mug: 4 } } });
    if (after.next === undefined) throw new TypeError("nothing is asked");
    expect(callOf(after.next, after.state).args).toMatchObject({ version: 2 });
    const last = play(after.state, started(after.next, 2), answered(after.next, checkoutOf({ version: 3 }), 2));
    expect(last).toMatchObject({ state: { wanted: { quantities: {} }, news: "changed", movedFrom: undefined }, next: undefined });
  });

  test("with nothing left in it gives it up", () => {
    const one: ShopState = { ...onOrder, checkout: checkoutOf() };
    expect(play(one, want({ variantId: "mug", quantity: 0 })).next).toEqual({ type: "cancel", checkoutId: "chk_1" });
    expect(play(onOrder, want({ variantId: "mug", quantity: 0 })).next).toMatchObject({ type: "change" });
  });

  test("that is over asks for nothing", () => {
    const over: ShopState = { ...onOrder, checkout: { ...open, status: "expired" } };
    expect(play(over, more(2))).toEqual({ state: over, next: undefined });
  });

  test("by an address leads back to the order, which a refused one does not", () => {
    const address = { name: "Ada", line1: "1 Quay", line2: "", postalCode: "2611", city: "Delft", region: "", country: "NL" };
    const asked = play({ ...onOrder, screen: "address" }, want({ address }));
    if (asked.next === undefined) throw new TypeError("nothing is asked");
    const asking = play(asked.state, started(asked.next)).state;
    const sent = play(asking, answered(asked.next, checkoutOf({ version: 2, address }))).state;
    expect(sent).toMatchObject({ screen: "checkout", lastAddress: address, wanted: { quantities: {} } });
    const stayed = play(asking, refused(asked.next, "invalid_arguments"));
    expect(stayed).toMatchObject({
      state: { screen: "address", failure: { code: "invalid_arguments" }, wanted: { quantities: {} } },
      next: undefined,
    });
  });

  test("of a version that somebody else replaced shows the new one with the price it had, and can be pressed again", () => {
    const action: BuyingAction = { type: "change", checkoutId: "chk_1", change: { quantities: { mug: 2 } } };
    const failed = play(onOrder, started(action), refused(action, "conflict"));
    expect(failed).toMatchObject({ state: { failure: { code: "conflict", retryable: true }, wanted: { quantities: {} } }, next: check });
    const theirs = checkoutOf({ version: 5, lines: [lineOf("mug", 7)] });
    const seen = play(failed.state, started(check, 2), answered(check, theirs, 2)).state;
    expect(seen).toMatchObject({ checkout: { version: 5 }, movedFrom: open.total, failure: { code: "conflict" } });
    expect(callOf(action, seen).args).toMatchObject({ version: 5 });
    expect(play(seen, started(action, 3)).state).toMatchObject({ movedFrom: undefined, failure: undefined });
  });
});

describe("a look at the order", () => {
  const seen = (state: ShopState, checkout: Checkout): ShopState => play(state, started(check), answered(check, checkout)).state;

  test("says that the price moved only when the terms are others, and never because of what the user asked for", () => {
    const theirs = checkoutOf({ version: 2, lines: [lineOf("mug", 3)] });
    expect(seen(onOrder, theirs).movedFrom).toEqual(open.total);
    // A denied payment has a new version of the same terms.
    expect(seen(onOrder, { ...open, version: 2 }).movedFrom).toBeUndefined();
    expect(seen(onOrder, { ...theirs, status: "canceled" }).movedFrom).toBeUndefined();
    const changing = play(onOrder, started({ type: "change", checkoutId: "chk_1", change: { quantities: { mug: 3 } } }, 9)).state;
    expect(seen(changing, theirs).movedFrom).toBeUndefined();
  });

  test("that was overtaken by a newer answer changes nothing, nor does one at another order", () => {
    const newer: ShopState = { ...onOrder, checkout: { ...open, version: 3 } };
    expect(seen(newer, { ...open, version: 2 }).checkout?.version).toBe(3);
    expect(seen(onOrder, { ...open, id: "chk_2" }).checkout?.id).toBe("chk_1");
  });
});

describe("an order that ended", () => {
  test("is ordered again with its lines, and sent where it was to be sent, unless it was collected", () => {
    const address = { name: "Ada", line1: "1 Quay", line2: "", postalCode: "2611", city: "Delft", region: "", country: "NL" };
    const over = { ...open, status: "canceled", option: "express" };
    const again: BuyingAction = { type: "again", checkout: over };
    const state: ShopState = { ...onOrder, checkout: over, lastAddress: address };
    expect(callOf(again, state)).toMatchObject({ name: "create_checkout", args: { shipping_option: "express", address: { city: "Delft" } } });
    expect(callOf(again, state).args["items"]).toHaveLength(2);
    expect(callOf({ ...again, checkout: { ...over, option: "collect" } }, state).args).not.toHaveProperty("address");
    const next = checkoutOf({ id: "chk_2" });
    expect(play(state, started(again), answered(again, next)).state).toMatchObject({ screen: "checkout", checkout: { id: "chk_2" } });
  });

  test("by being canceled says so", () => {
    const cancel: BuyingAction = { type: "cancel", checkoutId: "chk_1" };
    const state = play(onOrder, started(cancel), answered(cancel, { ...open, status: "canceled" })).state;
    expect(state).toMatchObject({ checkout: { status: "canceled" }, news: "canceled" });
  });
});

describe("after a reload", () => {
  const recalled = (onScreen: boolean): ShopEvent => ({ type: "recalled", checkoutId: "chk_1", onScreen });

  test("the order comes back as it is now, whatever the host tells again, and nobody is told that it moved", () => {
    const back = play(emptyShop, recalled(true));
    expect(back.next).toEqual(check);
    const told = play(back.state, { type: "told", answer: { checkout: checkoutOf({ id: "chk_0" }) } }, { type: "told", answer: { products: [mug] } });
    expect(told).toMatchObject({ state: { screen: "start", products: [mug] }, next: undefined });
    const seen = play(told.state, started(check), answered(check, { ...open, version: 3 })).state;
    expect(seen).toMatchObject({ screen: "checkout", checkout: { version: 3 }, recalled: undefined, movedFrom: undefined });
  });

  test("whoever was on the shelf is there again, with the order at hand", () => {
    const told = play(emptyShop, recalled(false), { type: "told", answer: { products: [mug] } }).state;
    expect(play(told, started(check), answered(check, open)).state).toMatchObject({ screen: "products", checkout: { id: "chk_1" } });
  });

  test("an order that is gone gives way to the shelf", () => {
    const gone = play(emptyShop, recalled(true), started(check), refused(check, "not_found"));
    expect(gone).toMatchObject({ state: { failure: undefined, recalled: undefined }, next: wholeShelf });
  });

  test("an outcome that waited is shown at once", () => {
    expect(play(emptyShop, recalled(true), { type: "told", answer: { order, receipt } }).state.screen).toBe("receipt");
  });

  test("a checkout that the host tells is as old as the chat: it is shown and looked at", () => {
    const told = play(emptyShop, { type: "told", answer: { checkout: open } });
    expect(told).toMatchObject({ state: { screen: "checkout", checkout: { version: 1 } }, next: check });
    const seen = play(told.state, started(check), answered(check, { ...open, version: 2, lines: [lineOf("mug", 9)] })).state;
    expect(seen).toMatchObject({ checkout: { version: 2 }, movedFrom: undefined });
  });
});
