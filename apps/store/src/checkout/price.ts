import { type Refusal, refuse } from "@countersign/protocol/errors";
import { addMoney, type Money, multiplyMoney } from "@countersign/protocol/money";
import { err, ok, type Result } from "@countersign/protocol/result";
import { type Product, titleOf, variantOf } from "../catalogue/product.ts";
import type { Address } from "./address.ts";
import { collectId, offerShipping, type ShippingOffer, type ShippingWay, zoneOf } from "./shipping.ts";
import { homeRegion, type Tax, taxOnAll, taxRegionOf, type TaxRule, taxRules } from "./tax.ts";

/** How many of one variant a checkout may have. */
export const quantityMax = 20;

/** What a caller wants; without `variant_id` it is the product's first one. */
export interface WantedItem {
  readonly product_id: string;
  readonly variant_id?: string | undefined;
  readonly quantity: number;
}

/** What a checkout is to contain and where it goes. Without an address it is collected; without an option it goes the cheapest way that is there. */
export interface Wish {
  readonly items: readonly WantedItem[];
  readonly address: Address | null;
  readonly option: string | undefined;
}

/** Everything that decides a price. The tables default to the shop's. */
export interface PriceList {
  readonly findProduct: (id: string) => Product | undefined;
  /** How many of each variant there are to buy. */
  readonly available: ReadonlyMap<string, number>;
  readonly taxRules?: Readonly<Record<string, TaxRule>>;
  readonly shippingWays?: readonly ShippingWay[];
}

export interface CheckoutLine {
  readonly product_id: string;
  readonly variant_id: string;
  readonly title: string;
  readonly quantity: number;
  readonly unit_price: Money;
  readonly amount: Money;
}

/** How a checkout gets to its buyer, what that costs, and what could be chosen instead. */
export interface Shipping {
  readonly option: string;
  readonly title: string;
  readonly amount: Money;
  readonly address: Address | null;
  readonly offers: readonly ShippingOffer[];
}

/** The sum of lines, shipping and any tax that is not included is the total. */
export interface CheckoutPrice {
  readonly lines: readonly CheckoutLine[];
  readonly shipping: Shipping;
  readonly tax: Tax;
  readonly total: Money;
}

/**
 * Prices a wish from the shop's own tables alone. Items of the same variant are joined. Refuses with `invalid_arguments` for an unknown product, variant or
 * shipping option, a quantity out of bounds, or a place where the shop does not sell; with `out_of_stock` for more than there is.
 */
export function priceCheckout(wish: Wish, list: PriceList): Result<CheckoutPrice, Refusal> {
  const goods = priceGoods(wish.items, list);
  if (!goods.ok) return goods;
  const shipping = chooseShipping(wish, goods.value, list.shippingWays);
  if (!shipping.ok) return shipping;
  const rules = list.taxRules ?? taxRules;
  const { address } = shipping.value;
  const region = address === null ? homeRegion : taxRegionOf(address.country, address.region, rules);
  const rule = region === undefined ? undefined : rules[region];
  if (region === undefined || rule === undefined) return err(refuse("invalid_arguments", "the shop does not sell there"));
  const { lines, subtotal } = goods.value;
  const taxed = [...lines.map((line) => line.amount), ...(rule.onShipping ? [shipping.value.amount] : [])];
  const amount = taxOnAll(taxed, rule, subtotal.currency);
  if (!amount.ok) return amount;
  const { name, rate, included } = rule;
  const sent = addMoney(subtotal, shipping.value.amount);
  const total = sent.ok && !included ? addMoney(sent.value, amount.value) : sent;
  if (!total.ok) return total;
  return ok({ lines, shipping: shipping.value, tax: { region, name, rate, included, amount: amount.value }, total: total.value });
}

interface Goods {
  readonly lines: readonly CheckoutLine[];
  readonly subtotal: Money;
  readonly grams: number;
}

function priceGoods(items: readonly WantedItem[], list: PriceList): Result<Goods, Refusal> {
  const lines = new Map<string, { readonly line: CheckoutLine; readonly grams: number }>();
  for (const { product_id, variant_id, quantity } of items) {
    const product = list.findProduct(product_id);
    const variant = product && variantOf(product, variant_id);
    if (product === undefined || variant === undefined) return err(refuse("invalid_arguments", "there is no product or variant with this id"));
    const sum = quantity + (lines.get(variant.id)?.line.quantity ?? 0);
    if (!Number.isInteger(quantity) || quantity < 1 || sum > quantityMax)
      return err(refuse("invalid_arguments", `a quantity is 1 to ${quantityMax}`));
    if (sum > (list.available.get(variant.id) ?? 0)) return err(refuse("out_of_stock", variant.id));
    const amount = multiplyMoney(variant.price, sum);
    if (!amount.ok) return amount;
    const line = {
      product_id,
      variant_id: variant.id,
      title: titleOf(product, variant),
      quantity: sum,
      unit_price: variant.price,
      amount: amount.value,
    };
    lines.set(variant.id, { line, grams: variant.grams * sum });
  }
  return addUp([...lines.values()]);
}

function addUp(parts: readonly { readonly line: CheckoutLine; readonly grams: number }[]): Result<Goods, Refusal> {
  const [first] = parts;
  if (first === undefined) return err(refuse("invalid_arguments", "at least one item"));
  let subtotal: Money = { amount: 0, currency: first.line.amount.currency };
  let grams = 0;
  for (const part of parts) {
    const sum = addMoney(subtotal, part.line.amount);
    if (!sum.ok) return sum;
    subtotal = sum.value;
    grams += part.grams;
  }
  return ok({ lines: parts.map((part) => part.line), subtotal, grams });
}

function chooseShipping({ address, option }: Wish, goods: Goods, ways: readonly ShippingWay[] | undefined): Result<Shipping, Refusal> {
  const zone = address === null ? undefined : zoneOf(address.country);
  if (address !== null && zone === undefined) return err(refuse("invalid_arguments", "the shop does not send there"));
  const offers = offerShipping({ zone, grams: goods.grams, goods: goods.subtotal }, ways);
  const sending = offers.filter((each) => each.id !== collectId);
  const cheapest = sending.reduce(
    (best: ShippingOffer | undefined, each) => (best && best.amount.amount <= each.amount.amount ? best : each),
    undefined,
  );
  const chosen = option === undefined && address !== null ? cheapest : offers.find((each) => each.id === (option ?? collectId));
  if (chosen === undefined) return err(refuse("invalid_arguments", "this way of shipping is not there for these goods and this address"));
  // Who collects is taxed where they collect, whatever address was given before.
  const { id, title, amount } = chosen;
  return ok({ option: id, title, amount, address: id === collectId ? null : address, offers });
}
