import type { Token, Tokens } from "marked";
import { lex } from "./bounded-lexer.ts";
import { readReferences } from "./character-references.ts";
import { readInlines } from "./read-inline.ts";
import type { Block, Blocks, Cell, Item } from "./tree.ts";

/** Reads Markdown (GitHub's flavor) into what may be shown. Never throws; what is no Markdown, and what is nested too deep, is text. */
export function readBlocks(text: string): Blocks {
  return lex(text).flatMap(readBlock);
}

/** Those tokens of marked that can be a block here. Its own type lets any name stand for any token. */
type BlockToken =
  | Tokens.Space
  | Tokens.Checkbox
  | Tokens.Paragraph
  | Tokens.Text
  | Tokens.Heading
  | Tokens.Code
  | Tokens.Blockquote
  | Tokens.List
  | Tokens.Table
  | Tokens.Hr;

const kinds: ReadonlySet<string> = new Set<BlockToken["type"]>([
  "space",
  "paragraph",
  "text",
  "heading",
  "code",
  "blockquote",
  "list",
  "table",
  "hr",
  "checkbox",
]);

function isKnown(token: Token): token is BlockToken {
  return kinds.has(token.type);
}

function readBlock(token: Token): Blocks {
  if (!isKnown(token)) return asText(token.raw);
  switch (token.type) {
    case "space":
    // A task's state is read from its item.
    case "checkbox":
      return [];
    case "paragraph":
    case "text":
      return [{ kind: "paragraph", children: readInlines(token.tokens, token.text) }];
    case "heading":
      return [{ kind: "heading", depth: token.depth, children: readInlines(token.tokens, token.text) }];
    case "code":
      return [{ kind: "code", language: readLanguage(token.lang), text: token.text }];
    case "blockquote":
      return [{ kind: "quote", blocks: token.tokens.flatMap(readBlock) }];
    case "list":
      return [readList(token)];
    case "table":
      return [{ kind: "table", header: token.header.map(readCell), rows: token.rows.map((row) => row.map(readCell)) }];
    case "hr":
      return [{ kind: "rule" }];
    default:
      return token satisfies never;
  }
}

function asText(text: string): Blocks {
  return text.trim() === "" ? [] : [{ kind: "paragraph", children: [text] }];
}

function readList({ ordered, start, items }: Tokens.List): Block {
  return { kind: "list", start: ordered ? Number(start) : undefined, items: items.map(readItem) };
}

function readItem(item: Tokens.ListItem): Item {
  return { done: item.task ? item.checked === true : undefined, blocks: item.tokens.flatMap(readBlock) };
}

const aligns = { left: "start", center: "center", right: "end" } as const;

function readCell({ align, tokens, text }: Tokens.TableCell): Cell {
  return { align: align === null ? undefined : aligns[align], children: readInlines(tokens, text) };
}

/** What stands after a fence: the language, and what its writer adds. */
function readLanguage(lang: string | undefined): string | undefined {
  const words = readReferences(lang ?? "").trim();
  return words === "" ? undefined : words;
}
