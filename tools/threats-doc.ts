// Writes the last column of docs/threats.md and docs/lessons.md: which test files name a row's id. With --check it only compares, and fails when a document is behind.
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { listFiles } from "./tidy/read-tree.ts";

interface Listed {
  readonly path: string;
  /** The first letters of its rows' ids. */
  readonly letters: string;
  /** Whether a row without a test is an error, and not a part that is still to come. */
  readonly isComplete: boolean;
}

const documents: readonly Listed[] = [
  { path: "docs/threats.md", letters: "DMOPVWX", isComplete: false },
  { path: "docs/lessons.md", letters: "L", isComplete: true },
];
const rowGrammar = /^\| ([DLMOPVWX]\d\d) \| ([^|]*) \| ([^|]*) \|.*\|$/;

/** Test files by the ids of threats and lessons in their string literals, where titles are. */
export function findThreatTests(files: readonly { readonly path: string; readonly text: string }[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  for (const { path, text } of files) {
    const literals = text.match(/"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g) ?? [];
    for (const id of literals.flatMap((literal) => literal.match(/\b[DLMOPVWX]\d\d\b/g) ?? [])) {
      const paths = found.get(id) ?? new Set();
      found.set(id, paths.add(path));
    }
  }
  return new Map([...found].map(([id, paths]) => [id, [...paths].toSorted()]));
}

/**
 * A document with its last column renewed. Ids that no row has are returned too: a title names what does not exist; and the rows that no test names.
 */
export function renderThreats(
  document: string,
  tests: ReadonlyMap<string, readonly string[]>,
): { readonly text: string; readonly unknown: readonly string[]; readonly untested: readonly string[] } {
  const known = new Set<string>();
  const lines = document.split("\n").map((line) => {
    const [, id, threat, defence] = rowGrammar.exec(line) ?? [];
    if (id === undefined) return line;
    known.add(id);
    const links = (tests.get(id) ?? []).map((path) => `[${nameOf(path)}](${relative("docs", path)})`);
    return `| ${id} | ${threat} | ${defence} | ${links.join(", ")} |`;
  });
  const unknown = [...tests.keys()].filter((id) => !known.has(id)).toSorted();
  return { text: lines.join("\n"), unknown, untested: [...known].filter((id) => !tests.has(id)).toSorted() };
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

/** Writes or compares one document; gives what is wrong with it. */
function settle(
  root: string,
  { path, letters, isComplete }: Listed,
  all: ReadonlyMap<string, readonly string[]>,
  isCheck: boolean,
): readonly string[] {
  const tests = new Map([...all].filter(([id]) => letters.includes(id.charAt(0))));
  const document = readFileSync(join(root, path), "utf8");
  const { text, unknown, untested } = renderThreats(document, tests);
  const problems: string[] = [];
  if (unknown.length > 0) problems.push(`Test titles name what ${path} does not have: ${unknown.join(", ")}.`);
  if (isComplete && untested.length > 0) problems.push(`${path} has rows that no test shows: ${untested.join(", ")}.`);
  if (problems.length > 0) return problems;
  if (!isCheck) writeFileSync(join(root, path), text);
  return isCheck && text !== document ? [`${path} is behind the tests: run \`node tools/threats-doc.ts\`.`] : [];
}

if (import.meta.main) {
  const root = dirname(import.meta.dirname);
  const paths = listFiles(root, ["*.test.ts", "*.test.tsx"]).filter((path) => !path.startsWith("tools/"));
  const tests = findThreatTests(paths.map((path) => ({ path, text: readFileSync(join(root, path), "utf8") })));
  const problems = documents.flatMap((each) => settle(root, each, tests, process.argv.includes("--check")));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exit(1);
}
