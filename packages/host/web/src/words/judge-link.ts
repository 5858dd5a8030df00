/** What may be done with an address that a model names: follow it on a click, with its host shown where the words do not say it, or show it as text. */
export type LinkVerdict =
  | { readonly kind: "web"; readonly href: string; readonly host: string | undefined }
  | { readonly kind: "text"; readonly address: string | undefined };

const addressMax = 300;

/**
 * Judges an address, given the words that stand for it. Only whole https and http addresses without a user's name are followed: one with a name shows another
 * place before its `@`. The host is as browsers resolve it, in ASCII, so that a letter of another script is not taken for its likeness.
 */
export function judgeLink(address: string, words: string): LinkVerdict {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    const shown = showAddress(address.replace(/^mailto:/i, ""));
    return { kind: "text", address: shown === words.trim() ? undefined : shown };
  }
  return { kind: "web", href: url.href, host: saysItself(url, words.trim()) ? undefined : url.host };
}

/** An address as it is shown: whole, unless it is longer than anybody reads. */
export function showAddress(address: string): string {
  return address.length > addressMax ? `${address.slice(0, addressMax)}…` : address;
}

/** Whether words are the address itself, as it is or as people write it. */
function saysItself(url: URL, words: string): boolean {
  const bare = url.href.replace(/^https?:\/\//, "");
  return [url.href, bare].some((each) => words === each || words === each.replace(/\/$/, ""));
}
