/** One challenge of a WWW-Authenticate header, RFC 9110 section 11.6.1. The scheme and the parameter names are in lower case. */
export interface HeaderChallenge {
  readonly scheme: string;
  readonly token68?: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const tokenAt = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const token68At = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;
const quotedAt = /"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\u00ff]|\\[\t \x21-\x7e\x80-\u00ff])*)"/y;
const spaceAt = /[ \t]*/y;
const commasAt = /[ \t]*,[ \t,]*/y;
const equalsAt = /[ \t]*=[ \t]*/y;

/**
 * Reads one header value as a list of challenges; `undefined` when it leaves the grammar, repeats a parameter inside a challenge, or holds
 * more than `countMax` challenges. The caller bounds the length: the work is linear in it.
 */
export function parseChallengeList(text: string, countMax: number): readonly HeaderChallenge[] | undefined {
  const reader = new Reader(text);
  const challenges: HeaderChallenge[] = [];
  reader.skip(/[ \t,]*/y);
  while (!reader.atEnd()) {
    const challenge = readChallenge(reader);
    if (challenge === undefined || challenges.length === countMax) return undefined;
    challenges.push(challenge);
    if (!reader.atEnd() && reader.take(commasAt) === undefined) return undefined;
  }
  return challenges;
}

function readChallenge(reader: Reader): HeaderChallenge | undefined {
  const scheme = reader.take(tokenAt)?.toLowerCase();
  if (scheme === undefined) return undefined;
  const parameters = new Map<string, string>();
  const blank = reader.skip(spaceAt);
  if (reader.atEnd() || reader.peek() === ",") return { scheme, parameters };
  if (!blank.startsWith(" ")) return undefined;

  const token68 = readToken68(reader);
  if (token68 !== undefined) return { scheme, token68, parameters };

  if (!readParameter(reader, parameters)) return undefined;
  for (;;) {
    const before = reader.position;
    if (reader.take(commasAt) === undefined) {
      reader.skip(spaceAt);
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

function readToken68(reader: Reader): string | undefined {
  const text = reader.take(token68At);
  if (text !== undefined) reader.skip(spaceAt);
  return text;
}

/** After a comma, `name =` continues the challenge; anything else begins the next one. */
function startsParameter(reader: Reader): boolean {
  const before = reader.position;
  const starts = reader.take(tokenAt) !== undefined && reader.take(equalsAt) !== undefined;
  reader.position = before;
  return starts;
}

function readParameter(reader: Reader, parameters: Map<string, string>): boolean {
  const name = reader.take(tokenAt)?.toLowerCase();
  if (name === undefined || parameters.has(name) || reader.take(equalsAt) === undefined) return false;
  const quoted = reader.take(quotedAt);
  const value = quoted === undefined ? reader.take(tokenAt) : quoted.slice(1, -1).replaceAll(/\\(.)/gs, "$1");
  if (value === undefined) return false;
  parameters.set(name, value);
  return true;
}

class Reader {
  readonly #text: string;
  position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Consumes what the sticky expression matches here. */
  take(expression: RegExp): string | undefined {
    expression.lastIndex = this.position;
    const match = expression.exec(this.#text);
    if (match === null) return undefined;
    this.position += match[0].length;
    return match[0];
  }

  /** Consumes what a sticky expression matches that also matches nothing. */
  skip(expression: RegExp): string {
    return this.take(expression) ?? "";
  }

  peek(): string | undefined {
    return this.#text[this.position];
  }

  atEnd(): boolean {
    return this.position >= this.#text.length;
  }
}
