import { expect, test } from "vitest";
import type { BuyingAction } from "../../src/buying/buying-state.ts";
import { noChange } from "../../src/buying/change.ts";
import { buyingWords } from "../../src/buying/failure-words.ts";
import { checkoutOf } from "./examples.ts";

const address = { name: "Ada", line1: "1 Quay", line2: "", postalCode: "2611", city: "Delft", region: "", country: "NL" };
const buy: BuyingAction = { type: "buy", productId: "mug", variantId: "mug", quantity: 1 };
const change = (more: object): BuyingAction => ({ type: "change", checkoutId: "chk_1", change: { ...noChange, ...more } });

test.each<[action: BuyingAction, code: string, words: RegExp]>([
  [buy, "out_of_stock", /^Not enough mugs\. Choose a smaller quantity/],
  [{ type: "again", checkout: checkoutOf() }, "out_of_stock", /^Not enough mugs\. .* one by one/],
  [buy, "checkout_expired", /Try again to begin a new one/],
  [change({}), "checkout_expired", /^the shop's$/],
  [change({ address }), "invalid_arguments", /Check the country and the region/],
  [change({ option: "express" }), "invalid_arguments", /The order is as it was/],
  [buy, "invalid_arguments", /at most 20/],
  [change({}), "conflict", /changed elsewhere/],
  [{ type: "look", productId: "mug" }, "not_found", /not have this any more/],
  [buy, "server_unreachable", /^the shop's$/],
])("what failed (%j, %s) is said with what to do, or left to the shop's words", (action, code, words) => {
  const said = buyingWords({ action, code, message: "Not enough mugs.", retryable: false });
  expect(said ?? "the shop's").toMatch(words);
});
