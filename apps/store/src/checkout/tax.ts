import { type Refusal, refuse } from "@countersign/protocol/errors";
import { type Money, moneyOf } from "@countersign/protocol/money";
import { err, type Result } from "@countersign/protocol/result";

/** How a place taxes what is sold there. `included`: the shop's prices contain the tax already; otherwise it is added to them. */
export interface TaxRule {
  readonly name: string;
  /** In basis points: 2100 is 21 %. */
  readonly rate: number;
  readonly included: boolean;
  /** Whether shipping is taxed like the goods. */
  readonly onShipping: boolean;
}

/** The tax of one checkout. `amount` is contained in the other figures when `included`, else it is added to them. */
export interface Tax {
  readonly region: string;
  readonly name: string;
  readonly rate: number;
  readonly included: boolean;
  readonly amount: Money;
}

/** Where the shop is: what is collected there is taxed there. */
export const homeRegion = "NL";

/** The rule of each place that the shop sells to: a country, or country and subdivision (ISO 3166) where it is the subdivision that taxes. */
export const taxRules: Readonly<Record<string, TaxRule>> = {
  NL: vat(2100),
  BE: vat(2100),
  DE: vat(1900),
  FR: vat(2000),
  AT: vat(2000),
  IE: vat(2300),
  ES: vat(2100),
  IT: vat(2200),
  GB: vat(2000),
  NO: vat(2500),
  CH: vat(810),
  JP: { name: "Consumption tax", rate: 1000, included: true, onShipping: true },
  KW: { name: "No tax", rate: 0, included: true, onShipping: false },
  "US-CA": salesTax(725, false),
  "US-NY": salesTax(400, true),
  "US-OR": salesTax(0, false),
  "US-TX": salesTax(625, true),
  "US-WA": salesTax(650, true),
};

/** The key of the rule for a place: the subdivision's where it has its own, else the country's; undefined where the shop does not sell. */
export function taxRegionOf(country: string, subdivision: string | undefined, rules: typeof taxRules = taxRules): string | undefined {
  const own = `${country}-${subdivision ?? ""}`;
  return [own, country].find((region) => Object.hasOwn(rules, region));
}

/**
 * The tax on one amount. Rounded once for each amount, to the minor unit of its currency, halves up: so lines and their sum always agree, and a line that is
 * given back gives back exactly its own tax. Refuses with `invalid_amount` when the result is no money any more.
 */
export function taxOn(amount: Money, rule: Pick<TaxRule, "rate" | "included">): Result<Money, Refusal> {
  if (!Number.isSafeInteger(rule.rate) || rule.rate < 0 || rule.rate > 10_000) {
    return err(refuse("invalid_amount", "a rate is 0 to 10000 basis points"));
  }
  const whole = rule.included ? 10_000n + BigInt(rule.rate) : 10_000n;
  // Halves up in whole numbers: (2ab + c) / 2c is ab / c rounded.
  const rounded = (2n * BigInt(amount.amount) * BigInt(rule.rate) + whole) / (2n * whole);
  return moneyOf(Number(rounded), amount.currency);
}

/** The tax on each of several amounts of one currency, added up. Refuses as {@link taxOn} does, and with `invalid_amount` for mixed currencies. */
export function taxOnAll(amounts: readonly Money[], rule: Pick<TaxRule, "rate" | "included">, currency: string): Result<Money, Refusal> {
  let sum = 0;
  for (const amount of amounts) {
    const tax = taxOn(amount, rule);
    if (!tax.ok) return tax;
    if (tax.value.currency !== currency) return err(refuse("invalid_amount", "the currencies differ"));
    sum += tax.value.amount;
  }
  return moneyOf(sum, currency);
}

function vat(rate: number): TaxRule {
  return { name: "VAT", rate, included: true, onShipping: true };
}

function salesTax(rate: number, onShipping: boolean): TaxRule {
  return { name: "Sales tax", rate, included: false, onShipping };
}
