import { describe, expect, test } from "vitest";
import { readAnswer } from "../src/answer.ts";

const price = { amount: 1890, currency: "EUR" };
const line = { product_id: "stoneware-mug", title: "Mug", quantity: 2, unit_price: price, amount: { amount: 3780, currency: "EUR" } };

describe("an answer of the shop", () => {
  test("is read whole", () => {
    const answer = readAnswer({
      order: {
        id: "ord_1",
        checkout_id: "chk_1",
        status: "partly_refunded",
        total: price,
        items: [line],
        created_at: "2026-11-22T12:00:00.000Z",
        payment: { id: "pay_1" },
        refunded: { amount: 100, currency: "EUR" },
        refunds: [{ id: "ref_1", status: "done", amount: { amount: 100, currency: "EUR" }, created_at: "2026-11-22T12:00:00.000Z" }, { id: "ref_2" }],
      },
      receipt: {
        number: "ord_1",
        payee: "Harbour Goods",
        total: price,
        paid_at: "2026-11-22T12:00:00.000Z",
        paid_with: "Account",
        human_present: true,
      },
    });
    expect(answer).toEqual({
      order: {
        id: "ord_1",
        total: price,
        lines: [{ productId: "stoneware-mug", variantId: "stoneware-mug", image: "", title: "Mug", quantity: 2, amount: line.amount }],
        extras: [],
        checkoutId: "chk_1",
        status: "partly_refunded",
        createdAt: 1795348800000,
        paymentId: "pay_1",
        refunded: { amount: 100, currency: "EUR" },
        refunds: [{ id: "ref_1", status: "done", amount: { amount: 100, currency: "EUR" }, createdAt: 1795348800000 }],
      },
      receipt: { number: "ord_1", payee: "Harbour Goods", total: price, paidAt: 1795348800000, paidWith: "Account", humanPresent: true },
    });
  });

  test("says what is below the lines: shipping with its town, and a tax, added or contained, unless it is none", () => {
    const total = { amount: 2385, currency: "EUR" };
    const shipping = { option: "standard", title: "Standard delivery", amount: { amount: 495, currency: "EUR" }, address: { city: "Delft" } };
    const tax = { region: "NL", name: "VAT", rate: 2100, included: true, amount: { amount: 414, currency: "EUR" } };
    const read = (more: object): unknown => readAnswer({ checkout: { id: "chk_1", status: "priced", total, ...more } }).checkout?.extras;
    expect(read({ shipping, tax })).toEqual([
      { label: "Standard delivery to Delft", amount: shipping.amount, isContained: false },
      { label: "Including VAT 21 %", amount: tax.amount, isContained: true },
    ]);
    expect(read({ tax: { ...tax, rate: 725, included: false } })).toEqual([{ label: "Plus VAT 7.25 %", amount: tax.amount, isContained: false }]);
    expect(read({ tax: { ...tax, amount: { amount: 0, currency: "EUR" } } })).toEqual([]);
    expect(read({ shipping: { title: 1 }, tax: { name: "VAT" } })).toEqual([]);
  });

  test.each([
    [undefined, {}],
    [null, {}],
    ["text", {}],
    [{}, {}],
    [{ products: "many" }, {}],
    [{ products: [null, 1, {}, { id: "a", title: "A", price: { amount: 1.5, currency: "EUR" }, stock: 1 }] }, { products: [] }],
    [{ checkout: { id: "chk_1", status: "priced", total: { amount: "1890", currency: "EUR" } } }, {}],
    [{ receipt: { number: 1, payee: "x", total: price } }, {}],
    [{ orders: [{ id: "ord_1" }] }, { orders: [] }],
  ])("that is malformed (%j) gives nothing to show", (content, expected) => {
    expect(readAnswer(content)).toEqual(expected);
  });
});
