import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import { hasOnlyMembers, isJsonObject, member } from "./shape.ts";

/** An amount of money: a non-negative integer of the currency's minor unit, at most 2^53 - 1, and an ISO 4217 code. Never a float. */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}

/** Active ISO 4217 codes by the number of digits of their minor unit. Metals, test codes and units without a minor unit are no money here. */
const codesByExponent: Readonly<Record<number, string>> = {
  0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
  2: `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE
      CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK
      LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON
      RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST
      XAD XCD XCG YER ZAR ZMW ZWG`,
  3: "BHD IQD JOD KWD LYD OMR TND",
  4: "CLF UYW",
};

const exponents: ReadonlyMap<string, number> = new Map(
  Object.entries(codesByExponent).flatMap(([exponent, codes]) => codes.split(/\s+/).map((code) => [code, Number(exponent)] as const)),
);

const decimalGrammar = /^(0|[1-9][0-9]{0,15})(?:\.([0-9]{1,4}))?$/;

/** The number of digits of a currency's minor unit (ISO 4217), or `undefined` for a code that is not active money. */
export function exponentOf(currency: string): number | undefined {
  return exponents.get(currency);
}

/** Says whether a value is an amount in minor units: an integer from 0 to 2^53 - 1, and not -0. */
export function isMinorUnits(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
}

/** Reads `{ amount, currency }` with no other member. Refuses with `invalid_amount`. */
export function parseMoney(value: unknown): Result<Money, Refusal> {
  if (!isJsonObject(value) || !hasOnlyMembers(value, ["amount", "currency"])) return err(refuse("invalid_amount", "money is { amount, currency }"));
  return moneyOf(member(value, "amount"), member(value, "currency"));
}

/** Joins an amount in minor units and a currency that came separately. Refuses with `invalid_amount`. */
export function moneyOf(amount: unknown, currency: unknown): Result<Money, Refusal> {
  if (typeof currency !== "string" || exponentOf(currency) === undefined)
    return err(refuse("invalid_amount", "the currency is not an active ISO 4217 code"));
  if (!isMinorUnits(amount)) return err(refuse("invalid_amount", "the amount is not an integer of minor units from 0 to 2^53 - 1"));
  return ok({ amount, currency });
}

/**
 * Reads a decimal amount such as `12.50` in a currency: digits without sign, blank, exponent or grouping, and either no fraction or exactly
 * the currency's number of digits. Refuses with `invalid_amount`.
 */
export function parseDecimal(text: string, currency: string): Result<Money, Refusal> {
  const exponent = exponentOf(currency);
  const match = decimalGrammar.exec(text);
  if (exponent === undefined || match === null) return err(refuse("invalid_amount", "not a decimal amount of an active currency"));
  const [, whole = "", fraction] = match;
  if (fraction !== undefined && fraction.length !== exponent)
    return err(refuse("invalid_amount", `${currency} has ${exponent} digits after the point`));
  return moneyOf(Number(whole + (fraction ?? "0".repeat(exponent))), currency);
}

/** Writes minor units as a decimal with the currency's number of digits, `1250` USD as `12.50`; no symbol, no grouping. */
export function formatMinorUnits(money: Money): string {
  const exponent = exponentOf(money.currency);
  if (exponent === undefined || !isMinorUnits(money.amount)) throw new RangeError("not money");
  const digits = String(money.amount).padStart(exponent + 1, "0");
  return exponent === 0 ? digits : `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/** Adds two amounts of one currency. Refuses with `invalid_amount` when they differ in currency or the sum is too large. */
export function addMoney(left: Money, right: Money): Result<Money, Refusal> {
  if (left.currency !== right.currency) return err(refuse("invalid_amount", "the currencies differ"));
  return moneyOf(left.amount + right.amount, left.currency);
}

/** Multiplies a price by a whole quantity. Refuses with `invalid_amount` when the quantity is no count or the product is too large. */
export function multiplyMoney(price: Money, quantity: number): Result<Money, Refusal> {
  if (!isMinorUnits(quantity)) return err(refuse("invalid_amount", "a quantity is a whole number"));
  return moneyOf(price.amount * quantity, price.currency);
}
