/** One challenge of a WWW-Authenticate header, RFC 9110 section 11.6.1. The scheme and the parameter names are in lower case. */
export interface HeaderChallenge {
  readonly scheme: string;
  readonly token68?: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const tokenAt = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const token68At = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const quotedAt = /"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\u00ff]|\\[\t \x21-\x7e\x80-\u00ff])*)"/y;
const blankAt = /[ \t]+/y;
const listAt = /[ \t,]+/y;
const commasAt = /[ \t]*,[ \t,]*/y;
const equalsAt = /[ \t]*=[ \t]*/y;

/**
 * Reads one header value as a list of challenges; `undefined` when it leaves the grammar, repeats a parameter inside a challenge, or holds
 * more than `countMax` challenges. The caller bounds the length: the work is linear in it.
 */
export function parseChallengeList(text: string, countMax: number): readonly HeaderChallenge[] | undefined {
  const reader = new Reader(text);
  const challenges: HeaderChallenge[] = [];
  reader.take(listAt);
  while (!reader.atEnd()) {
    const challenge = readChallenge(reader);
    if (challenge === undefined || challenges.length === countMax) return undefined;
    challenges.push(challenge);
    reader.take(listAt);
  }
  return challenges;
}

function readChallenge(reader: Reader): HeaderChallenge | undefined {
  const scheme = reader.take(tokenAt).toLowerCase();
  if (scheme === "") return undefined;
  const parameters = new Map<string, string>();
  const blank = reader.take(blankAt);
  if (reader.atEnd() || reader.peek() === ",") return { scheme, parameters };
  if (!blank.startsWith(" ")) return undefined;

  const token68 = reader.take(token68At);
  if (token68 !== "") return { scheme, token68, parameters };

  if (!readParameter(reader, parameters)) return undefined;
  for (;;) {
    const before = reader.position;
    if (reader.take(commasAt) === "") {
      reader.take(blankAt);
      return reader.atEnd() ? { scheme, parameters } : undefined;
    }
    if (!startsParameter(reader)) {
      // The comma separates challenges, not parameters: leave it to the list.
      reader.position = before;
      return { scheme, parameters };
    }
    if (!readParameter(reader, parameters)) return undefined;
  }
}

/** After a comma, `name =` continues the challenge; anything else begins the next one. */
function startsParameter(reader: Reader): boolean {
  const before = reader.position;
  const starts = reader.take(tokenAt) !== "" && reader.take(equalsAt) !== "";
  reader.position = before;
  return starts;
}

function readParameter(reader: Reader, parameters: Map<string, string>): boolean {
  const name = reader.take(tokenAt).toLowerCase();
  if (name === "" || parameters.has(name) || reader.take(equalsAt) === "") return false;
  const written = reader.take(quotedAt) || reader.take(tokenAt);
  if (written === "") return false;
  parameters.set(name, written.startsWith('"') ? written.slice(1, -1).replaceAll(/\\(.)/gs, "$1") : written);
  return true;
}

class Reader {
  readonly #text: string;
  position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Consumes what the sticky expression matches here; the empty text when it matches nothing. */
  take(expression: RegExp): string {
    expression.lastIndex = this.position;
    const match = expression.exec(this.#text);
    if (match === null) return "";
    this.position += match[0].length;
    return match[0];
  }

  peek(): string | undefined {
    return this.#text[this.position];
  }

  atEnd(): boolean {
    return this.position >= this.#text.length;
  }
}
