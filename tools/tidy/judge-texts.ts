import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { listFiles } from "./read-tree.ts";
import type { Finding } from "./rules.ts";

/** Lock files that would send an installer to one machine's registry. */
export function judgeLockFile(path: string, text: string): readonly Finding[] {
  return text
    .split("\n")
    .flatMap((line, index) =>
      /"resolved": "https?:/.test(line) ? [{ path, line: index + 1, rule: "lock-file", message: "records a download address" }] : [],
    );
}

/** Links of a Markdown file that lead nowhere inside the tree. */
export function judgeLinks(root: string, path: string, text: string): readonly Finding[] {
  const links = [...text.matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)];
  return links.flatMap((match) => {
    const target = match[1] ?? "";
    if (/^[a-z]+:/.test(target) || existsSync(join(root, dirname(path), target))) return [];
    return [{ path, line: text.slice(0, match.index).split("\n").length, rule: "links", message: `${target} does not exist` }];
  });
}

/** Words that say a thing is not done. They belong into an issue, not into the tree. */
export function judgeWords(path: string, text: string): readonly Finding[] {
  return text
    .split("\n")
    .flatMap((line, index) =>
      /\b(TODO|FIXME)\b|\/\/.*\bXXX\b/.test(line) ? [{ path, line: index + 1, rule: "unfinished", message: line.trim().slice(0, 80) }] : [],
    );
}

/** All text rules over the tree. */
export function judgeTexts(root: string): readonly Finding[] {
  const read = (path: string): string => readFileSync(join(root, path), "utf8");
  const locks = listFiles(root, ["*package-lock.json"]).flatMap((path) => judgeLockFile(path, read(path)));
  const links = listFiles(root, ["*.md"]).flatMap((path) => judgeLinks(root, path, read(path)));
  const words = listFiles(root, ["*.ts", "*.tsx", "*.mjs", "*.md", "*.css"])
    .filter((path) => !path.startsWith("tools/"))
    .flatMap((path) => judgeWords(path, read(path)));
  return [...locks, ...links, ...words];
}
