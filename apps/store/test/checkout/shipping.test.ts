import { describe, expect, test } from "vitest";
import { type Address, addressLine, addressShape } from "../../src/checkout/address.ts";
import { collectId, offerShipping } from "../../src/checkout/shipping.ts";

const euros = (amount: number): { readonly amount: number; readonly currency: string } => ({ amount, currency: "EUR" });
const offers = (zone: string | undefined, grams: number, goods: number): readonly string[] =>
  offerShipping({ zone, grams, goods: euros(goods) }).map((offer) => `${offer.id} ${offer.amount.amount}`);

describe("shipping", () => {
  test.each([
    [undefined, 100, 1000, ["collect 0"]],
    ["home", 2000, 1000, ["collect 0", "standard 495", "express 1295"]],
    ["home", 2001, 1000, ["collect 0", "standard 795", "express 1295"]],
    ["home", 30_000, 7499, ["collect 0", "standard 1495", "express 2495"]],
    ["home", 30_000, 7500, ["collect 0", "standard 0", "express 2495"]],
    ["home", 30_001, 99_999, ["collect 0"]],
    ["europe", 100, 14_999, ["collect 0", "standard 995", "express 2495"]],
    ["world", 20_001, 1000, ["collect 0"]],
    ["toString", 100, 1000, ["collect 0"]],
  ])("to %s with %s g of goods for %s cents offers %j", (zone, grams, goods, expected) => {
    expect(offers(zone, grams, goods)).toEqual(expected);
  });

  test("offers nothing priced in another currency than the goods", () => {
    const parcel = { zone: "home", grams: 100, goods: { amount: 1000, currency: "JPY" } };
    expect(offerShipping(parcel)).toEqual([{ id: collectId, title: "Collect at the shop", amount: { amount: 0, currency: "JPY" } }]);
  });
});

const address: Address = { name: "A. Buyer", line1: "Keizersgracht 1", postal_code: "1015 CC", city: "Amsterdam", country: "NL" };

describe("an address", () => {
  test("is read with every part, also of other scripts", () => {
    const tokyo = { name: "山田 花子", line1: "千代田1-1", line2: "Room 4", postal_code: "100-0001", city: "東京", region: "13", country: "JP" };
    expect(addressShape.safeParse(tokyo)).toMatchObject({ success: true, data: tokyo });
  });

  test.each([
    [{ name: "" }],
    [{ name: "x".repeat(81) }],
    [{ line1: "a\nb" }],
    [{ line1: "a\u200bb" }],
    [{ city: "\ud800" }],
    [{ country: "nl" }],
    [{ country: "NLD" }],
    [{ region: "N-H" }],
    [{ price: 1 }],
    [{ postal_code: undefined }],
  ])("P03 with %j is refused", (change) => {
    expect(addressShape.safeParse(address).success).toBe(true);
    expect(addressShape.safeParse({ ...address, ...change }).success).toBe(false);
  });

  test("on one line keeps the town and cuts the street, between whole characters", () => {
    expect(addressLine(address, 120)).toBe("Keizersgracht 1, 1015 CC Amsterdam, NL");
    const long = addressLine({ ...address, line1: "😀".repeat(40), postal_code: "x".repeat(16), city: "y".repeat(60), region: "ABC" }, 100);
    expect(long.length).toBeLessThanOrEqual(100);
    expect(long.isWellFormed()).toBe(true);
    expect(long).toContain(`…, ${"x".repeat(16)} ${"y".repeat(60)}, ABC NL`);
  });
});
