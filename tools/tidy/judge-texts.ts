import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { judgeLinks } from "../documents/judge-links.ts";
import { readDocuments } from "../documents/read-document.ts";
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

/** Words that say a thing is not done, and what a merge leaves behind. They belong into an issue, not into the tree. */
export function judgeWords(path: string, text: string): readonly Finding[] {
  return text
    .split("\n")
    .flatMap((line, index) =>
      /\b(TODO|FIXME)\b|\/\/.*\bXXX\b|^(<{7}|>{7}) /.test(line)
        ? [{ path, line: index + 1, rule: "unfinished", message: line.trim().slice(0, 80) }]
        : [],
    );
}

/** All text rules over the tree. */
export function judgeTexts(root: string): readonly Finding[] {
  const read = (path: string): string => readFileSync(join(root, path), "utf8");
  const locks = listFiles(root, ["*package-lock.json"]).flatMap((path) => judgeLockFile(path, read(path)));
  const links = judgeLinks(readDocuments(root), (path) => existsSync(join(root, path)));
  const words = listFiles(root, ["*.ts", "*.tsx", "*.mjs", "*.md", "*.css"])
    .filter((path) => !path.startsWith("tools/"))
    .flatMap((path) => judgeWords(path, read(path)));
  return [...locks, ...links, ...words];
}
