import { describe, expect, test } from "vitest";
import { type Address, noAddress } from "../../src/buying/address.ts";
import { type Change, changeArgs, emptiesAll, isNothing, joinChanges, leftOver, noChange } from "../../src/buying/change.ts";
import { checkoutOf, lineOf } from "./examples.ts";

const address: Address = { ...noAddress, name: " Ada ", line1: "1 Quay", postalCode: "2611", city: "Delft", country: "NL" };
const checkout = checkoutOf({ version: 3, lines: [lineOf("mug", 2), lineOf("kettle", 1)] });

describe("changes of an order", () => {
  test("add up, the later one counts, and a new address forgets the way that was wanted for the old one", () => {
    const first: Change = { quantities: { mug: 3, kettle: 2 }, option: "express" };
    expect(joinChanges(first, { quantities: { mug: 4 } })).toEqual({ quantities: { mug: 4, kettle: 2 }, option: "express" });
    expect(joinChanges(first, { ...noChange, option: "standard" })).toEqual({ ...first, option: "standard" });
    expect(joinChanges(first, { ...noChange, address })).toEqual({ quantities: first.quantities, address });
  });

  test("leave over what was wanted since the shop was asked", () => {
    const asked: Change = { quantities: { mug: 3 }, address, option: "express" };
    expect(isNothing(leftOver(asked, asked))).toBe(true);
    expect(leftOver({ quantities: { mug: 4, kettle: 2 }, option: "standard" }, asked)).toEqual({
      quantities: { mug: 4, kettle: 2 },
      option: "standard",
    });
    expect(leftOver({ ...asked, address: { ...address, city: "Leiden" } }, asked)).toEqual({
      quantities: {},
      address: { ...address, city: "Leiden" },
    });
  });

  test("are asked for with the version that was seen, all lines when one of them changes, and nothing that stays", () => {
    const base = { checkout_id: "chk_1", version: 3 };
    expect(changeArgs(checkout, { quantities: { mug: 5 } })).toEqual({
      ...base,
      items: [
        { product_id: "mug", variant_id: "mug", quantity: 5 },
        { product_id: "kettle", variant_id: "kettle", quantity: 1 },
      ],
    });
    expect(changeArgs(checkout, { quantities: { mug: 0 } })).toEqual({
      ...base,
      items: [{ product_id: "kettle", variant_id: "kettle", quantity: 1 }],
    });
    expect(changeArgs(checkout, { ...noChange, option: "express" })).toEqual({ ...base, shipping_option: "express" });
    expect(changeArgs(checkout, { ...noChange, address })).toEqual({
      ...base,
      address: { name: "Ada", line1: "1 Quay", postal_code: "2611", city: "Delft", country: "NL" },
    });
  });

  test("that take every line away are known", () => {
    expect(emptiesAll(checkout, { quantities: { mug: 0, kettle: 0 } })).toBe(true);
    expect(emptiesAll(checkout, { quantities: { mug: 0 } })).toBe(false);
    expect(emptiesAll(checkout, noChange)).toBe(false);
  });
});
