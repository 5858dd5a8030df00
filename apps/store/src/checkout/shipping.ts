import type { Money } from "@countersign/protocol/money";

/** What one way of shipping costs up to a weight. */
export interface ShippingBand {
  readonly gramsMax: number;
  readonly price: Money;
}

/** One way of shipping: a price by weight for each zone that it reaches. Goods of `freeFrom` or more are shipped for nothing, whatever they weigh. */
export interface ShippingWay {
  readonly id: string;
  readonly title: string;
  readonly zones: Readonly<Record<string, { readonly bands: readonly ShippingBand[]; readonly freeFrom?: Money }>>;
}

/** A way of shipping that one checkout can choose, and what it costs there. */
export interface ShippingOffer {
  readonly id: string;
  readonly title: string;
  readonly amount: Money;
}

/** Needs no address and costs nothing. A checkout without an address is collected. */
export const collectId = "collect";

const zoneByCountry: Readonly<Record<string, string>> = {
  NL: "home",
  ...Object.fromEntries(["BE", "DE", "FR", "AT", "IE", "ES", "IT", "GB", "NO", "CH"].map((country) => [country, "europe"])),
  ...Object.fromEntries(["JP", "KW", "US"].map((country) => [country, "world"])),
};

/** Every country that the shop sends to (ISO 3166-1), the nearest first. */
export const shippedCountries: readonly string[] = Object.keys(zoneByCountry);

/** The zone of a country, or undefined where the shop sends nothing. */
export function zoneOf(country: string): string | undefined {
  return Object.hasOwn(zoneByCountry, country) ? zoneByCountry[country] : undefined;
}

/** The shop's ways of shipping, the slowest first. */
export const shippingWays: readonly ShippingWay[] = [
  {
    id: "standard",
    title: "Standard delivery",
    zones: {
      home: { bands: bands([2_000, 495], [10_000, 795], [30_000, 1495]), freeFrom: euros(7_500) },
      europe: { bands: bands([2_000, 995], [10_000, 1695], [30_000, 2995]), freeFrom: euros(15_000) },
      world: { bands: bands([2_000, 2195], [10_000, 4795], [20_000, 8995]) },
    },
  },
  {
    id: "express",
    title: "Express delivery",
    zones: {
      home: { bands: bands([10_000, 1295], [30_000, 2495]) },
      europe: { bands: bands([10_000, 2495], [30_000, 4995]) },
    },
  },
];

/**
 * What a checkout can choose from: collecting, and for an address every way that reaches its zone with such a weight, in the currency of the goods.
 * `zone`: undefined without an address.
 */
export function offerShipping(
  parcel: { readonly zone: string | undefined; readonly grams: number; readonly goods: Money },
  ways: readonly ShippingWay[] = shippingWays,
): readonly ShippingOffer[] {
  const { zone, grams, goods } = parcel;
  const collect: ShippingOffer = { id: collectId, title: "Collect at the shop", amount: { amount: 0, currency: goods.currency } };
  const reaching = ways.flatMap((way): readonly ShippingOffer[] => {
    const tariff = zone !== undefined && Object.hasOwn(way.zones, zone) ? way.zones[zone] : undefined;
    const band = tariff?.bands.find((each) => grams <= each.gramsMax);
    if (tariff === undefined || band === undefined || band.price.currency !== goods.currency) return [];
    const { freeFrom } = tariff;
    const isFree = freeFrom !== undefined && freeFrom.currency === goods.currency && goods.amount >= freeFrom.amount;
    return [{ id: way.id, title: way.title, amount: isFree ? { ...band.price, amount: 0 } : band.price }];
  });
  return [collect, ...reaching];
}

function bands(...rows: readonly (readonly [gramsMax: number, cents: number])[]): readonly ShippingBand[] {
  return rows.map(([gramsMax, cents]) => ({ gramsMax, price: euros(cents) }));
}

function euros(amount: number): Money {
  return { amount, currency: "EUR" };
}
