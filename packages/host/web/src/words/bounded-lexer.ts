import { Lexer, type Token, Tokenizer, type TokensList } from "marked";

/** Quotes and lists in each other, and emphases in each other, are read so deep; what is deeper is text. */
const blockDepthMax = 8;
const inlineDepthMax = 8;
/** Inline marks are looked for in pieces of so many UTF-16 units and so many marks: some of marked's rules take time that grows with the product of both. */
const pieceMax = 4000;
const marksMax = 200;
/** Marked fills up the rows of a table, so that few characters can mean many cells. */
const cellsMax = 10_000;

/** Markdown whose blocks never change by what follows them: no underlined headings, no definitions of links. HTML and e-mail addresses are words. */
class CalmTokenizer extends Tokenizer {
  override html(): undefined {}
  override tag(): undefined {}
  override def(): undefined {}
  override lheading(): undefined {}

  override url(src: string): ReturnType<Tokenizer["url"]> {
    return /^(?:https?:\/\/|www\.)/i.test(src) ? super.url(src) : undefined;
  }

  override table(src: string): ReturnType<Tokenizer["table"]> {
    const end = src.indexOf("\n");
    if (end < 0) return undefined;
    const columns = src.slice(0, end).split("|").length;
    const rest = src.indexOf("\n\n", end);
    const rows = src.slice(end, rest < 0 ? src.length : rest).split("\n").length;
    return columns * rows > cellsMax ? undefined : super.table(src);
  }
}

class BoundedLexer extends Lexer {
  #blockDepth = 0;
  #inlineDepth = 0;

  override blockTokens(src: string, tokens?: Token[], lastParagraphClipped?: boolean): Token[];
  override blockTokens(src: string, tokens?: TokensList, lastParagraphClipped?: boolean): TokensList;
  override blockTokens(src: string, tokens: Token[] = [], lastParagraphClipped = false): Token[] {
    this.#blockDepth += 1;
    try {
      if (this.#blockDepth <= blockDepthMax) return super.blockTokens(src, tokens, lastParagraphClipped);
      tokens.push({ type: "text", raw: src, text: src });
      return tokens;
    } finally {
      this.#blockDepth -= 1;
    }
  }

  override inlineTokens(src: string, tokens: Token[] = []): Token[] {
    this.#inlineDepth += 1;
    try {
      if (this.#inlineDepth > inlineDepthMax) tokens.push({ type: "text", raw: src, text: src });
      else for (const piece of pieces(src)) super.inlineTokens(piece, tokens);
      return tokens;
    } finally {
      this.#inlineDepth -= 1;
    }
  }
}

/** Cuts text where it has a blank, so that each piece is bounded; where a piece ends is decided by what stands before it. */
function* pieces(src: string): Generator<string> {
  for (let start = 0; start < src.length; ) {
    const limit = limitOf(src, start);
    const blank = limit < src.length ? src.lastIndexOf(" ", limit - 1) : -1;
    const end = blank > start ? blank : wholeCharacter(src, limit);
    yield src.slice(start, end);
    start = end;
  }
}

/** How far a piece may reach. */
function limitOf(src: string, start: number): number {
  const window = src.slice(start, start + pieceMax);
  let count = 0;
  for (const { index } of window.matchAll(/[*_~`[\]<&!@|]|(?<= ) /g)) {
    count += 1;
    if (count === marksMax) return start + index + 1;
  }
  return start + window.length;
}

/** `at`, or one less where that would part a surrogate pair. */
export function wholeCharacter(text: string, at: number): number {
  return (text.charCodeAt(at - 1) & 0xfc00) === 0xd800 ? at - 1 : at;
}

/** The Markdown tokens of a text, by GitHub's flavor. Its time grows with the length alone, whatever stands in it. */
export function lex(text: string): readonly Token[] {
  return new BoundedLexer({ gfm: true, tokenizer: new CalmTokenizer() }).lex(text);
}
