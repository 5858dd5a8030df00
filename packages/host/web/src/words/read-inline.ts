import type { Token, Tokens } from "marked";
import { readReferences } from "./character-references.ts";
import { judgeLink, showAddress } from "./judge-link.ts";
import { type Inline, type Inlines, wordsOf } from "./tree.ts";

/** Reads what stands in a line. What is not in the table of {@link Inline} is the text that it was written as. */
export function readInlines(tokens: readonly Token[] | undefined, text: string): Inlines {
  return tokens === undefined || tokens.length === 0 ? [readReferences(text)].filter((each) => each !== "") : tokens.flatMap(readInline);
}

/** Those tokens of marked that can stand in a line here. Its own type lets any name stand for any token. */
type InlineToken = Tokens.Text | Tokens.Escape | Tokens.Strong | Tokens.Em | Tokens.Del | Tokens.Codespan | Tokens.Br | Tokens.Link | Tokens.Image;

const kinds: ReadonlySet<string> = new Set<InlineToken["type"]>(["text", "escape", "strong", "em", "del", "codespan", "br", "link", "image"]);

function isKnown(token: Token): token is InlineToken {
  return kinds.has(token.type);
}

function readInline(token: Token): Inlines {
  if (!isKnown(token)) return [token.raw];
  switch (token.type) {
    case "text":
      return readInlines(token.tokens, token.text);
    case "escape":
      return [token.text];
    case "strong":
    case "em":
    case "del":
      return [{ kind: token.type, children: readInlines(token.tokens, token.text) }];
    case "codespan":
      return [{ kind: "code", text: token.text }];
    case "br":
      return [{ kind: "break" }];
    case "link":
      return [readLink(token)];
    case "image":
      return [{ kind: "picture", words: readReferences(token.text), address: showAddress(readReferences(token.href)) }];
    default:
      return token satisfies never;
  }
}

function readLink(token: Tokens.Link): Inline {
  const literal = token.autolink === true;
  const children = literal ? [token.text] : readInlines(token.tokens, token.text);
  const verdict = judgeLink(literal ? token.href : readReferences(token.href), wordsOf(children));
  if (verdict.kind === "web") return { kind: "link", href: verdict.href, host: verdict.host, children };
  return { kind: "address", address: verdict.address, children };
}
