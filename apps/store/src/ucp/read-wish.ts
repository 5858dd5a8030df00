import { err, ok, type Result } from "@countersign/protocol/result";
import { products } from "../catalogue/products.ts";
import { type Address, addressShape } from "../checkout/address.ts";
import type { Checkout } from "../checkout/checkout.ts";
import { quantityMax, type WantedItem } from "../checkout/price.ts";
import { collectId, zoneOf } from "../checkout/shipping.ts";
import { taxRegionOf } from "../checkout/tax.ts";
import { recoverable, type UcpMessage } from "./message.ts";
import type { Destination, WantedCheckout, WantedMethod } from "./shapes.ts";

/** The one destination that a checkout can have. */
export const destinationId = "destination";

/** What a platform's request comes to in this shop's words: everything, because a request of UCP replaces the whole checkout. */
export interface ReadWish {
  readonly items: readonly WantedItem[];
  /** Null: it is collected. */
  readonly address: Address | null;
  readonly option: string | undefined;
}

const methodPath = "$.fulfillment.methods[0]";

/** Reads it, or says what the platform has to put right. `current`: the checkout that is replaced, whose destination may be meant by its id. */
export function readWish(wanted: WantedCheckout, current: Checkout | undefined): Result<ReadWish, readonly UcpMessage[]> {
  const items = wanted.line_items.map(({ item, quantity }) => ({ id: item.id, product: productOf(item.id), quantity }));
  const unknown = items.flatMap(({ product }, index) =>
    product === undefined ? [recoverable("item_unavailable", "The shop does not sell this.", `$.line_items[${index}].item.id`)] : [],
  );
  if (unknown.length > 0) return err(unknown);
  const tooMany = [...quantitiesOf(items)].filter(([, quantity]) => quantity > quantityMax);
  if (tooMany.length > 0) return err(tooMany.map(() => recoverable("invalid_quantity", `At most ${quantityMax} of one thing.`, "$.line_items")));
  const wantedItems = items.map(({ id, product = id, quantity }) => ({ product_id: product, variant_id: id, quantity }));
  const way = readMethod(wanted.fulfillment?.methods?.[0], wanted.buyer, current);
  return way.ok ? ok({ items: wantedItems, ...way.value }) : way;
}

function readMethod(
  method: WantedMethod | undefined,
  buyer: WantedCheckout["buyer"],
  current: Checkout | undefined,
): Result<Pick<ReadWish, "address" | "option">, readonly UcpMessage[]> {
  if (method === undefined) return ok({ address: null, option: collectId });
  const kind = method.type ?? (method.id === "pickup" ? "pickup" : "shipping");
  if (kind === "pickup") return ok({ address: null, option: collectId });
  if (kind !== "shipping") return err([recoverable("invalid_fulfillment_method", "It is shipped, or picked up at the shop.", `${methodPath}.type`)]);
  const given = method.destinations?.find((each) => each.id === method.selected_destination_id) ?? method.destinations?.[0];
  const kept = current?.shipping?.address ?? undefined;
  const address = given === undefined ? (kept === undefined ? missingDestination() : ok(kept)) : readAddress(given, buyer);
  if (!address.ok) return address;
  const option = method.groups?.[0]?.selected_option_id ?? undefined;
  return option === collectId ? err([invalidOption()]) : ok({ address: address.value, option });
}

/** What this shop calls the parts of an address, and what UCP calls them. */
const partNames: Readonly<Record<string, string>> = {
  name: "first_name",
  line1: "street_address",
  line2: "extended_address",
  postal_code: "postal_code",
  city: "address_locality",
  region: "address_region",
  country: "address_country",
};

function readAddress(given: Destination, buyer: WantedCheckout["buyer"]): Result<Address, readonly UcpMessage[]> {
  const named = [given.first_name, given.last_name].filter((part) => part !== undefined);
  const name = (named.length > 0 ? named : [buyer?.first_name, buyer?.last_name].filter((part) => part !== undefined)).join(" ");
  const parsed = addressShape.safeParse({
    name,
    line1: given.street_address ?? "",
    ...(given.extended_address === undefined ? {} : { line2: given.extended_address }),
    postal_code: given.postal_code ?? "",
    city: given.address_locality ?? "",
    ...(given.address_region === undefined ? {} : { region: given.address_region }),
    country: given.address_country ?? "",
  });
  const path = `${methodPath}.destinations[0]`;
  if (!parsed.success) {
    const parts = new Set(parsed.error.issues.map((issue) => partNames[String(issue.path[0])] ?? "street_address"));
    return err(
      [...parts].map((part) => recoverable("invalid_address", `This part of the address is missing or not valid: ${part}.`, `${path}.${part}`)),
    );
  }
  const { country, region } = parsed.data;
  const isReached = zoneOf(country) !== undefined && taxRegionOf(country, region) !== undefined;
  return isReached ? ok(parsed.data) : err([recoverable("address_undeliverable", "The shop does not deliver there.", path)]);
}

function missingDestination(): Result<never, readonly UcpMessage[]> {
  return err([recoverable("missing", "Say where it is to be sent.", `${methodPath}.destinations`)]);
}

/** For an option that these goods and this destination do not have. */
export function invalidOption(): UcpMessage {
  return recoverable("invalid_fulfillment_option", "This way of shipping is not there for these goods and this address.", `${methodPath}.groups[0]`);
}

function quantitiesOf(items: readonly { readonly id: string; readonly quantity: number }[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { id, quantity } of items) sums.set(id, (sums.get(id) ?? 0) + quantity);
  return sums;
}

function productOf(itemId: string): string | undefined {
  return products.find((product) => product.variants.some((variant) => variant.id === itemId))?.id;
}
