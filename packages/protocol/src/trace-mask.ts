import { isJsonObject } from "./shape.ts";

/**
 * Which parts of a value are shown. `shown`: a text, number, boolean or null as it is, and a list of them. `address`: an address as {@link maskUrl} shows it, and a
 * list of them; one without anything to mask letter by letter. `matches`: a text of that form. `each`: what is shown of every item of a list. `members`: what is shown of an object; of a member that is not named there, only its name and what kind of thing it is.
 */
export type Shown =
  | "shown"
  | "address"
  | { readonly matches: RegExp }
  | { readonly each: Shown }
  | { readonly members: Readonly<Record<string, Shown>> };

const textMax = 2000;
const itemsMax = 50;
const membersMax = 60;
/** A longer name, or one with other signs, may be a value in disguise. */
const nameGrammar = /^[A-Za-z_$][\w$./:-]{0,63}$/;
const longSegment = /^(?=.*[0-9])(?=.*[A-Za-z])[^/]{20,}$/;
const queryShown: ReadonlySet<string> = new Set(["client_id", "response_type", "scope", "code_challenge_method"]);
/** Addresses in an address: in their own query a server may take a key. */
const queryAddresses: ReadonlySet<string> = new Set(["redirect_uri", "resource"]);

/** The value with everything masked that is not on the list. What is shown is bounded: texts at 2000 characters, lists at 50 items, objects at 60 members. */
export function maskJson(value: unknown, shown: Shown): unknown {
  if (shown === "shown") return showPlain(value);
  if (shown === "address") return Array.isArray(value) ? value.slice(0, itemsMax).map((item: unknown) => showAddress(item)) : showAddress(value);
  if ("matches" in shown) return typeof value === "string" && shown.matches.test(value) ? value : kindOf(value);
  if ("each" in shown) return Array.isArray(value) ? value.slice(0, itemsMax).map((item: unknown) => maskJson(item, shown.each)) : kindOf(value);
  if (!isJsonObject(value)) return kindOf(value);
  const { members } = shown;
  const entries = Object.entries(value).filter(([name]) => Object.hasOwn(members, name) || nameGrammar.test(name));
  return Object.fromEntries(
    entries.slice(0, membersMax).map(([name, item]) => {
      const rule = Object.hasOwn(members, name) ? members[name] : undefined;
      return [name, rule === undefined ? kindOf(item) : maskJson(item, rule)];
    }),
  );
}

/**
 * An address as it may be shown: without user, fragment and the values of its query, and without a part of its path that looks drawn at random, because some
 * servers take a key there.
 */
export function maskUrl(text: string): string {
  if (!URL.canParse(text)) return "[masked: text]";
  const url = new URL(text);
  if (url.origin === "null") return `${url.protocol}[masked]`;
  const path = url.pathname
    .split("/")
    .map((segment) => (longSegment.test(segment) ? "[masked]" : segment))
    .join("/");
  const query = [...url.searchParams].slice(0, itemsMax).flatMap(([name, value]) => {
    if (queryAddresses.has(name)) return [`${name}=${encodeURIComponent(String(showAddress(value)))}`];
    if (queryShown.has(name)) return [`${name}=${encodeURIComponent(value.slice(0, textMax))}`];
    return nameGrammar.test(name) ? [`${name}=[masked]`] : [];
  });
  return `${url.origin}${path}${query.length === 0 ? "" : `?${query.join("&")}`}`;
}

/** Issuers and resources are compared sign by sign, so an address with nothing to mask keeps its spelling. */
function showAddress(value: unknown): unknown {
  if (typeof value !== "string") return kindOf(value);
  const masked = maskUrl(value);
  return showPlain(URL.canParse(value) && new URL(value).href === masked ? value : masked);
}

function showPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, itemsMax).map((item: unknown) => (Array.isArray(item) ? kindOf(item) : showPlain(item)));
  if (typeof value === "string") return value.length <= textMax ? value : `${value.slice(0, textMax)} [cut]`;
  return isJsonObject(value) ? kindOf(value) : value;
}

/** What a masked value is, without any of it. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return `[masked: list of ${value.length}]`;
  if (isJsonObject(value)) return `[masked: object of ${Object.keys(value).length}]`;
  return `[masked: ${value === null ? "null" : typeof value === "string" ? "text" : typeof value}]`;
}
