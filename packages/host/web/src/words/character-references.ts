/** Of HTML's names for characters those that models write; another one stays as it is written. */
const named: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
  ndash: "–",
  mdash: "—",
  hellip: "…",
  bull: "•",
  middot: "·",
  times: "×",
  deg: "°",
  euro: "€",
  pound: "£",
  copy: "©",
  reg: "®",
  trade: "™",
  larr: "←",
  rarr: "→",
  le: "≤",
  ge: "≥",
  ne: "≠",
};

/** Replaces the named character references (`&amp;`) by their characters; those by number are marked's business. */
export function readReferences(text: string): string {
  return text.replace(/&([a-z]{2,6});/g, (whole, name: string) => (Object.hasOwn(named, name) ? (named[name] ?? whole) : whole));
}
