import { isMinorUnits } from "@countersign/protocol/money";
import { parseCheckoutTerms } from "@countersign/protocol/payment";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Product, Variant } from "../../src/catalogue/product.ts";
import { findProduct, variants } from "../../src/catalogue/products.ts";
import type { Address } from "../../src/checkout/address.ts";
import { termsOf } from "../../src/checkout/bill.ts";
import { newCheckout } from "../../src/checkout/checkout.ts";
import { type CheckoutPrice, type PriceList, priceCheckout, quantityMax, type WantedItem, type Wish } from "../../src/checkout/price.ts";
import type { ShippingWay } from "../../src/checkout/shipping.ts";

const plenty = new Map(variants.map((variant) => [variant.id, 1000]));
const shop: PriceList = { findProduct, available: plenty };
const amsterdam: Address = { name: "A. Buyer", line1: "Keizersgracht 1", postal_code: "1015 CC", city: "Amsterdam", country: "NL" };
const oakland: Address = { name: "A. Buyer", line1: "Broadway 1", postal_code: "94607", city: "Oakland", region: "CA", country: "US" };

function wish(items: readonly WantedItem[], more: Partial<Wish> = {}): Wish {
  return { items, address: null, option: undefined, ...more };
}

function priced(items: readonly WantedItem[], more: Partial<Wish> = {}, list: PriceList = shop): CheckoutPrice {
  const price = priceCheckout(wish(items, more), list);
  if (!price.ok) throw new Error(price.error.code);
  return price.value;
}

const twoMugs: readonly WantedItem[] = [{ product_id: "stoneware-mug", quantity: 2 }];

describe("pricing goods", () => {
  test("comes from the catalogue alone: quantity times price, added up", () => {
    expect(priced([...twoMugs, { product_id: "wall-clock", quantity: 1 }]).total).toEqual({ amount: 2 * 1890 + 8400, currency: "EUR" });
  });

  test("takes each variant at its own price under its own name, the first where none is named", () => {
    const { lines, total } = priced([
      { product_id: "steel-flask", quantity: 1 },
      { product_id: "steel-flask", variant_id: "steel-flask-coral", quantity: 1 },
    ]);
    expect(lines.map((line) => [line.variant_id, line.title, line.amount.amount])).toEqual([
      ["steel-flask", "Steel flask, Steel", 3950],
      ["steel-flask-coral", "Steel flask, Coral", 4250],
    ]);
    expect(total.amount).toBe(8200);
  });

  test("joins lines of the same variant, named or not, so that the bound holds for their sum", () => {
    const half = { product_id: "stoneware-mug", quantity: quantityMax / 2 };
    expect(priced([half, { ...half, variant_id: "stoneware-mug" }]).lines).toMatchObject([{ quantity: quantityMax }]);
    expect(priceCheckout(wish([half, half, half]), shop)).toMatchObject({ ok: false, error: { code: "invalid_arguments" } });
  });

  test.each([
    [[], "invalid_arguments"],
    [[{ product_id: "nothing", quantity: 1 }], "invalid_arguments"],
    [[{ product_id: "stoneware-mug", variant_id: "wool-beanie", quantity: 1 }], "invalid_arguments"],
    [[{ product_id: "stoneware-mug", quantity: 0 }], "invalid_arguments"],
    [[{ product_id: "stoneware-mug", quantity: -1 }], "invalid_arguments"],
    [[{ product_id: "stoneware-mug", quantity: 1.5 }], "invalid_arguments"],
    [[{ product_id: "stoneware-mug", quantity: Number.NaN }], "invalid_arguments"],
  ])("P03 refuses %j as %s", (items, code) => {
    expect(priceCheckout(wish(items), shop)).toMatchObject({ ok: false, error: { code } });
  });

  test("refuses more of a variant than there is of it", () => {
    const list = { findProduct, available: new Map([["stoneware-mug", 2]]) };
    expect(priceCheckout(wish(twoMugs), list).ok).toBe(true);
    expect(priceCheckout(wish([{ product_id: "stoneware-mug", quantity: 3 }]), list)).toMatchObject({ error: { code: "out_of_stock" } });
    const sand = [{ product_id: "stoneware-mug", variant_id: "stoneware-mug-sand", quantity: 1 }];
    expect(priceCheckout(wish(sand), list)).toMatchObject({ error: { code: "out_of_stock" } });
  });
});

describe("shipping and tax", () => {
  test("without an address it is collected: nothing is added, and the tax of the shop's country is contained", () => {
    expect(priced(twoMugs)).toMatchObject({
      shipping: { option: "collect", amount: { amount: 0 }, address: null, offers: [{ id: "collect" }] },
      tax: { region: "NL", rate: 2100, included: true, amount: { amount: 656, currency: "EUR" } },
      total: { amount: 3780, currency: "EUR" },
    });
  });

  test("with an address it goes the cheapest way that reaches it, or the chosen one", () => {
    expect(priced(twoMugs, { address: amsterdam })).toMatchObject({
      shipping: { option: "standard", amount: { amount: 495 } },
      total: { amount: 4275 },
    });
    expect(priced(twoMugs, { address: amsterdam, option: "express" })).toMatchObject({
      shipping: { amount: { amount: 1295 } },
      total: { amount: 5075 },
    });
    expect(priced(twoMugs, { address: amsterdam }).shipping.offers.map((offer) => offer.id)).toEqual(["collect", "standard", "express"]);
  });

  test("a tax that is not in the prices is added, on goods alone where shipping is not taxed", () => {
    expect(priced(twoMugs, { address: oakland })).toMatchObject({
      shipping: { option: "standard", amount: { amount: 2195 } },
      tax: { region: "US-CA", included: false, amount: { amount: 274 } },
      total: { amount: 3780 + 2195 + 274 },
    });
  });

  test("who collects is taxed where they collect, whatever address they gave", () => {
    expect(priced(twoMugs, { address: oakland, option: "collect" })).toMatchObject({
      shipping: { address: null },
      tax: { region: "NL" },
      total: { amount: 3780 },
    });
  });

  test.each<[string, Partial<Wish>]>([
    ["a country that the shop does not send to", { address: { ...amsterdam, country: "AQ" } }],
    ["a country whose name is a word of the language", { address: { ...amsterdam, country: "__proto__" } }],
    ["a country that taxes by subdivision, without one", { address: { ...amsterdam, country: "US" } }],
    ["a subdivision that the shop does not know", { address: { ...oakland, region: "ZZ" } }],
    ["a way of shipping that is not there", { address: amsterdam, option: "drone" }],
    ["a way that does not reach the place", { address: oakland, option: "express" }],
    ["a way that needs an address, without one", { option: "standard" }],
    ["a parcel that is too heavy for every way", { address: oakland, items: [{ product_id: "bread-board", quantity: 20 }] }],
  ])("P03 refuses %s", (_name, more) => {
    expect(priceCheckout({ ...wish(twoMugs), ...more }, shop)).toMatchObject({ ok: false, error: { code: "invalid_arguments" } });
  });
});

describe("any price", () => {
  /** A catalogue, a tax and a tariff in any currency, up to sums that are not money any more. */
  const anything = fc.record({
    currency: fc.constantFrom("EUR", "JPY", "KWD", "CLF"),
    prices: fc.array(fc.oneof(fc.nat(100_000), fc.maxSafeNat()), { minLength: 1, maxLength: 6 }),
    quantities: fc.array(fc.integer({ min: 1, max: quantityMax }), { minLength: 1, maxLength: 6 }),
    rate: fc.integer({ min: 0, max: 10_000 }),
    included: fc.boolean(),
    onShipping: fc.boolean(),
    postage: fc.nat(1_000_000),
    sent: fc.boolean(),
  });

  test("L09 its signed lines name shipping that costs nothing and a tax that is added, and no tax that the prices contain", () => {
    const free: ShippingWay = { id: "post", title: "Post", zones: { home: { bands: [{ gramsMax: 1e9, price: { amount: 0, currency: "EUR" } }] } } };
    const list = (included: boolean): PriceList => ({
      findProduct: () => product("p", { amount: 1_000, currency: "EUR" }),
      available: new Map([["p", quantityMax]]),
      taxRules: { NL: { name: "VAT", rate: 2_100, included, onShipping: false } },
      shippingWays: [free],
    });
    const itemsOf = (included: boolean) => {
      const price = priceCheckout(wish([{ product_id: "p", quantity: 2 }], { address: amsterdam, option: "post" }), list(included));
      return price.ok
        ? termsOf(newCheckout("chk_1", price.value, 0), "https://store.test/mcp").items.map(({ name, amount }) => [name.slice(0, 7), amount])
        : [];
    };
    expect(itemsOf(true)).toEqual([
      ["p", 2_000],
      ["Post to", 0],
    ]);
    expect(itemsOf(false)).toEqual([
      ["p", 2_000],
      ["Post to", 0],
      ["VAT 21 ", 420],
    ]);
  });

  test("P03 is in whole minor units of one currency, never negative, and its lines, shipping and added tax are its total, which is what is signed", () => {
    let made = 0;
    const refusals = new Set<string>();
    fc.assert(
      fc.property(anything, ({ currency, prices, quantities, rate, included, onShipping, postage, sent }) => {
        const stock = prices.map((amount, index): Product => product(`p${index}`, { amount, currency }));
        const way: ShippingWay = { id: "post", title: "Post", zones: { home: { bands: [{ gramsMax: 1e9, price: { amount: postage, currency } }] } } };
        const list: PriceList = {
          findProduct: (id) => stock.find((each) => each.id === id),
          available: new Map(stock.map((each) => [each.id, quantityMax])),
          taxRules: { NL: { name: "Tax", rate, included, onShipping } },
          shippingWays: [way],
        };
        const items = stock.map((each, index) => ({ product_id: each.id, quantity: quantities[index % quantities.length] ?? 1 }));
        const price = priceCheckout(wish(items, { address: sent ? amsterdam : null }), list);
        if (!price.ok) {
          refusals.add(price.error.code);
          return;
        }
        made += 1;
        const { lines, shipping, tax, total } = price.value;
        const figures = [...lines.map((line) => line.amount), shipping.amount, tax.amount, total];
        for (const figure of figures) expect(isMinorUnits(figure.amount) && figure.currency === currency).toBe(true);
        const goods = lines.reduce((sum, line) => sum + line.amount.amount, 0);
        expect(goods + shipping.amount.amount + (included ? 0 : tax.amount.amount)).toBe(total.amount);
        expect(tax.amount.amount).toBeLessThanOrEqual(total.amount);
        const terms = termsOf(newCheckout("chk_1", price.value, 0), "https://store.test/mcp");
        expect(parseCheckoutTerms(terms)).toMatchObject({ ok: true, value: { amount: total.amount, currency } });
      }),
      { numRuns: 500 },
    );
    expect(made).toBeGreaterThan(50);
    expect([...refusals]).toEqual(["invalid_amount"]);
  });

  test("P03 of goods in two currencies is refused", () => {
    const stock = [product("p0", { amount: 5, currency: "EUR" }), product("p1", { amount: 5, currency: "JPY" })];
    const list: PriceList = { findProduct: (id) => stock.find((each) => each.id === id), available: new Map(stock.map((each) => [each.id, 9])) };
    const items = stock.map((each) => ({ product_id: each.id, quantity: 1 }));
    expect(priceCheckout(wish(items), list)).toMatchObject({ error: { code: "invalid_amount" } });
  });

  test("ships nothing at a tariff of another currency", () => {
    const stock = [product("p0", { amount: 500, currency: "JPY" })];
    const list: PriceList = { findProduct: () => stock[0], available: new Map([["p0", 9]]) };
    expect(priceCheckout(wish([{ product_id: "p0", quantity: 1 }]), list)).toMatchObject({
      ok: true,
      value: { total: { amount: 500, currency: "JPY" } },
    });
    expect(priceCheckout(wish([{ product_id: "p0", quantity: 1 }], { address: amsterdam }), list)).toMatchObject({
      error: { code: "invalid_arguments" },
    });
  });
});

function product(id: string, price: Variant["price"]): Product {
  const variant: Variant = { id, choices: {}, price, image: "x.svg", grams: 100, openingStock: 1 };
  return { id, title: id, description: id, category: "home", price, image: "x.svg", words: [], variants: [variant] };
}
