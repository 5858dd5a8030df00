import { readFileSync } from "node:fs";
import { join } from "node:path";
import { listFiles } from "../tidy/read-tree.ts";

/** A fenced code block. `language` is what follows the fence; `file` the name that a comment above it gives. */
export interface CodeBlock {
  readonly language: string;
  readonly text: string;
  readonly line: number;
  readonly file: string | undefined;
}

/** A link or picture. `target` as written, without the anchor; empty for an anchor of the same document. */
export interface DocumentLink {
  readonly target: string;
  readonly anchor: string | undefined;
  readonly line: number;
}

/** What the checks of documents look at. */
export interface Document {
  readonly path: string;
  readonly blocks: readonly CodeBlock[];
  readonly links: readonly DocumentLink[];
  /** What can follow a `#` in a link to the document. */
  readonly anchors: ReadonlySet<string>;
}

const fence = /^( *)```(\S*)\n([\s\S]*?)^\1```$/gm;
const named = /<!-- file: ([\w.]+) -->\n$/;

/** Reads a Markdown text. Links inside of code are none; an anchor is made of a heading as GitHub makes it. */
export function parseDocument(path: string, text: string): Document {
  const lineAt = (index: number): number => text.slice(0, index).split("\n").length;
  const blocks = [...text.matchAll(fence)].map((match) => ({
    language: match[2] ?? "",
    text: match[3] ?? "",
    line: lineAt(match.index),
    file: named.exec(text.slice(0, match.index))?.[1],
  }));
  const prose = blank(blank(text, fence), /`[^`\n]*`/g);
  const links = [...prose.matchAll(/\]\(<?([^)#\s>]*)(?:#([^)\s>]*))?>?\)|<(?:img|a)\s[^>]*?(?:src|href)="([^"#]*)(?:#([^"]*))?"/g)].map((match) => ({
    target: match[1] ?? match[3] ?? "",
    anchor: match[2] ?? match[4],
    line: lineAt(match.index),
  }));
  return { path, blocks, links, anchors: anchorsOf(blank(text, fence)) };
}

/** Every Markdown file that git tracks or would track. */
export function readDocuments(root: string): readonly Document[] {
  return listFiles(root, ["*.md"]).map((path) => parseDocument(path, readFileSync(join(root, path), "utf8")));
}

/** The text with what matches replaced by spaces, so that lines and places stay. */
function blank(text: string, pattern: RegExp): string {
  return text.replaceAll(pattern, (match) => match.replaceAll(/[^\n]/g, " "));
}

function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of text.matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = plain.replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, "").replaceAll(" ", "-");
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}
