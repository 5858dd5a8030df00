import { shippedCountries } from "./shipping.ts";
import { taxRules } from "./tax.ts";

/** A country that the shop sends to (ISO 3166-1). Where it lists regions (ISO 3166-2 without the country), an address must name one of them. */
export interface Destination {
  readonly country: string;
  readonly regions?: readonly { readonly code: string; readonly name: string }[];
}

const regionNames: Readonly<Record<string, string>> = {
  "US-CA": "California",
  "US-NY": "New York",
  "US-OR": "Oregon",
  "US-TX": "Texas",
  "US-WA": "Washington",
};

/** Every place that the shop both sends to and may sell in, read from the tables that prices come from. */
export const destinations: readonly Destination[] = shippedCountries.flatMap((country): readonly Destination[] => {
  if (Object.hasOwn(taxRules, country)) return [{ country }];
  const regions = Object.keys(taxRules)
    .filter((place) => place.startsWith(`${country}-`))
    .map((place) => ({ code: place.slice(country.length + 1), name: regionNames[place] ?? place }));
  return regions.length === 0 ? [] : [{ country, regions }];
});
