// Writes the last column of docs/threats.md: which test files name a threat's id. With --check it only compares, and fails when the document is behind.
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { listFiles } from "./tidy/read-tree.ts";

const documentPath = "docs/threats.md";
const rowGrammar = /^\| ([DMOPVWX]\d\d) \| ([^|]*) \| ([^|]*) \|.*\|$/;

/** Test files by the threat ids in their string literals, where titles are. */
export function findThreatTests(files: readonly { readonly path: string; readonly text: string }[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  for (const { path, text } of files) {
    const literals = text.match(/"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g) ?? [];
    for (const id of literals.flatMap((literal) => literal.match(/\b[DMOPVWX]\d\d\b/g) ?? [])) {
      const paths = found.get(id) ?? new Set();
      found.set(id, paths.add(path));
    }
  }
  return new Map([...found].map(([id, paths]) => [id, [...paths].toSorted()]));
}

/** The document with its last column renewed. Ids that no row has are returned too: a title names a threat that does not exist. */
export function renderThreats(
  document: string,
  tests: ReadonlyMap<string, readonly string[]>,
): { readonly text: string; readonly unknown: readonly string[] } {
  const known = new Set<string>();
  const lines = document.split("\n").map((line) => {
    const [, id, threat, defence] = rowGrammar.exec(line) ?? [];
    if (id === undefined) return line;
    known.add(id);
    const links = (tests.get(id) ?? []).map((path) => `[${nameOf(path)}](${relative(dirname(documentPath), path)})`);
    return `| ${id} | ${threat} | ${defence} | ${links.join(", ")} |`;
  });
  return { text: lines.join("\n"), unknown: [...tests.keys()].filter((id) => !known.has(id)).toSorted() };
}

function nameOf(path: string): string {
  const party = path
    .split("/")
    .slice(0, 2)
    .join("/")
    .replace(/^(packages|apps)\//, "")
    .replace(/^e2e\/.*/, "e2e");
  return `${party}: ${basename(path).replace(/\.test\.tsx?$/, "")}`;
}

if (import.meta.main) {
  const root = dirname(import.meta.dirname);
  const read = (path: string): string => readFileSync(join(root, path), "utf8");
  const tests = listFiles(root, ["*.test.ts", "*.test.tsx"]).filter((path) => !path.startsWith("tools/"));
  const files = tests.map((path) => ({ path, text: read(path) }));
  const document = read(documentPath);
  const { text, unknown } = renderThreats(document, findThreatTests(files));
  if (unknown.length > 0) {
    console.error(`Test titles name threats that ${documentPath} does not have: ${unknown.join(", ")}.`);
    process.exit(1);
  }
  if (!process.argv.includes("--check")) {
    writeFileSync(join(root, documentPath), text);
  } else if (text !== document) {
    console.error(`${documentPath} is behind the tests: run \`node tools/threats-doc.ts\`.`);
    process.exit(1);
  }
}
