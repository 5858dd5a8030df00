import { isObject, type JsonObject } from "@countersign/widget/wire";
import { texts } from "../read.ts";

/** Where an order is sent. `region` and `country` are codes of ISO 3166; a part that is not there is empty. */
export interface Address {
  readonly name: string;
  readonly line1: string;
  readonly line2: string;
  readonly postalCode: string;
  readonly city: string;
  readonly region: string;
  readonly country: string;
}

export type AddressPart = keyof Address;

export const noAddress: Address = { name: "", line1: "", line2: "", postalCode: "", city: "", region: "", country: "" };

/** Each part: its words, what a browser fills it from (HTML `autocomplete`), and how long it may be, as the shop's own schema says. */
export const addressParts: Readonly<Record<AddressPart, { readonly label: string; readonly fill: string; readonly lengthMax: number }>> = {
  country: { label: "Country", fill: "country", lengthMax: 2 },
  name: { label: "Full name", fill: "name", lengthMax: 80 },
  line1: { label: "Street and number", fill: "address-line1", lengthMax: 80 },
  line2: { label: "Flat, floor, company (optional)", fill: "address-line2", lengthMax: 80 },
  postalCode: { label: "Postal code", fill: "postal-code", lengthMax: 16 },
  city: { label: "Town or city", fill: "address-level2", lengthMax: 60 },
  region: { label: "State or region", fill: "address-level1", lengthMax: 3 },
};

/** What an address lacks, by part, in words that say what to do. Nothing: the shop may still refuse it, and has the last word. */
export function problemsOf(address: Address, regions: readonly { readonly code: string }[]): Readonly<Partial<Record<AddressPart, string>>> {
  const problems: Partial<Record<AddressPart, string>> = {};
  for (const part of ["name", "line1", "postalCode", "city"] as const) {
    if (address[part].trim() === "") problems[part] = missing[part];
  }
  for (const part of ["name", "line1", "line2", "postalCode", "city"] as const) {
    const { lengthMax } = addressParts[part];
    if (address[part].trim().length > lengthMax) problems[part] = `Use at most ${lengthMax} characters.`;
    if (unreadable.test(address[part])) problems[part] = "There is a character in it that cannot be printed.";
  }
  if (address.country === "") problems.country = "Choose a country.";
  if (regions.length > 0 && !regions.some(({ code }) => code === address.region)) problems.region = "Choose a state or region.";
  return problems;
}

/** Reads an address of a checkout; undefined for what is none. */
export function readAddress(value: unknown): Address | undefined {
  if (!isObject(value)) return undefined;
  const names = ["name", "line1", "line2", "postal_code", "city", "region", "country"];
  const [name = "", line1 = "", line2 = "", postalCode = "", city = "", region = "", country = ""] = texts(value, names);
  return { name, line1, line2, postalCode, city, region, country };
}

/** An address as the shop's tools take it. */
export function writeAddress(address: Address): JsonObject {
  const { name, line1, line2, postalCode, city, region, country } = address;
  const optional = { ...(line2.trim() === "" ? {} : { line2: line2.trim() }), ...(region === "" ? {} : { region }) };
  return { name: name.trim(), line1: line1.trim(), ...optional, postal_code: postalCode.trim(), city: city.trim(), country };
}

/** The lines of an address as people read them, without the name of the country. */
export function addressLines({ name, line1, line2, postalCode, city, region }: Address): readonly string[] {
  return [name, line1, line2, `${postalCode} ${city}${region === "" ? "" : `, ${region}`}`].filter((line) => line !== "");
}

const missing = {
  name: "Say who receives it.",
  line1: "Enter the street and number.",
  postalCode: "Enter the postal code.",
  city: "Enter the town or city.",
};

/** Control, bidirectional and invisible characters, and halves of pairs. */
const unreadable =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
