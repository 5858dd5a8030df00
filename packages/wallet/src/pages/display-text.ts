import { formatMinorUnits, type Money } from "@countersign/protocol/money";

/** Controls, marks that reorder or hide text (bidi, zero width, tags, variation of invisibles), and line separators. */
const misleading = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029\u115f\u1160\u3164\uffa0]/gu;
const combiningRun = /(\p{M}{3})\p{M}+/gu;

/**
 * Makes a text of somebody else fit to be read beside a sum: nothing that reorders, hides or piles up characters, one line, at most `lengthMax` characters.
 */
export function displayText(text: string, lengthMax: number): string {
  const plain = text.normalize("NFC").replace(/\s+/gu, " ").replace(misleading, "").replace(combiningRun, "$1").trim();
  const characters = Array.from(plain);
  return characters.length <= lengthMax ? plain : `${characters.slice(0, lengthMax - 1).join("")}…`;
}

/** An amount as people read it, with its currency's sign and digits. */
export function displayMoney(money: Money): string {
  const decimal = formatMinorUnits(money);
  if (!isNumericLiteral(decimal)) throw new TypeError("an amount is written with digits");
  const digits = decimal.split(".")[1]?.length ?? 0;
  const format = new Intl.NumberFormat("en", {
    style: "currency",
    currency: money.currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return format.format(decimal);
}

function isNumericLiteral(text: string): text is `${number}` {
  return /^\d+(\.\d+)?$/.test(text);
}
