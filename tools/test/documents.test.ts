import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { judgeLinks } from "../documents/judge-links.ts";
import { type CodeBlock, type Document, parseDocument, readDocuments } from "../documents/read-document.ts";
import { shellCommands } from "../documents/shell-commands.ts";
import { readShortenedJson } from "../documents/shortened-json.ts";
import { commandTrials, type NamedTest, readDocumentsOfTests } from "../documents/trials.ts";
import { renderErrors } from "../errors-doc.ts";
import { listFiles } from "../tidy/read-tree.ts";
import { findThreatTests, renderThreats } from "../threats-doc.ts";

test("the error document has one row for each code, and a bar in a text does not break the table", () => {
  const entry = { status: 409, retryable: true, text: "A | B", hint: "Wait.", oauth: "slow_down" };
  const rows = renderErrors({ some_code: entry })
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  expect(rows).toEqual(["| `some_code` | A \\| B | 409 | yes | `slow_down` | Wait. |"]);
});

test("a threat's row links every test file whose titles name its id, and nothing else", () => {
  const files = [
    { path: "apps/bank/test/payments.test.ts", text: 'test("P04: spent once", () => {});\n// P05 is not tested here' },
    { path: "packages/host/test/call/broker.test.ts", text: "test.each(rows)(`P04 $name`, () => {});" },
  ];
  const document = "| id | threat | defence | tests |\n| P04 | Replay | One write | stale |\n| P05 | Race | Lock | stale |";
  expect(renderThreats(document, findThreatTests(files)).text.split("\n").slice(1)).toEqual([
    "| P04 | Replay | One write | [bank: payments](../apps/bank/test/payments.test.ts), [host: broker](../packages/host/test/call/broker.test.ts) |",
    "| P05 | Race | Lock |  |",
  ]);
});

test("an id that no row has is told, and a row that no test names", () => {
  expect(renderThreats("| P04 | Replay | One write |  |", new Map([["P99", ["a.test.ts"]]]))).toMatchObject({ unknown: ["P99"], untested: ["P04"] });
  expect(renderThreats("| L04 | Replay | One write |  |", new Map([["L04", ["a.test.ts"]]]))).toMatchObject({ unknown: [], untested: [] });
});

const root = dirname(dirname(import.meta.dirname));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const documents = readDocuments(root);
const placed = (document: Document, block: CodeBlock): string => `${document.path}:${block.line}`;
const blocksOf = (...languages: readonly string[]): readonly (readonly [Document, CodeBlock])[] =>
  documents.flatMap((document) =>
    document.blocks.filter(({ language }) => languages.includes(language)).map((block): readonly [Document, CodeBlock] => [document, block]),
  );
/** Whether a test reads this block from its document. */
const isRead = (document: Document, block: CodeBlock): boolean =>
  readDocumentsOfTests.some(
    (each) =>
      each.document === document.path &&
      document.blocks
        .filter(({ language }) => each.languages.includes(language))
        .slice(0, each.blocks)
        .includes(block),
  );
const isShortenedJson = (text: string): boolean => {
  try {
    return readShortenedJson(text).length > 0;
  } catch {
    return false;
  }
};
const isThere = ({ file, title }: NamedTest): boolean => existsSync(join(root, file)) && read(file).includes(title);

describe("the documents", () => {
  test("link to files and headings that are there", () => {
    expect(documents.length).toBeGreaterThan(90);
    expect(judgeLinks(documents, (path) => existsSync(join(root, path)))).toEqual([]);
  });

  test("are all reached from the README or the map by links", () => {
    const reached = new Set(["README.md", "AGENTS.md"]);
    for (const path of reached) {
      const from = documents.find((each) => each.path === path);
      for (const { target } of from?.links ?? []) {
        const to = join(dirname(path), target);
        if (target !== "" && documents.some((each) => each.path === to)) reached.add(to);
        if (documents.some((each) => each.path === join(to, "README.md"))) reached.add(join(to, "README.md"));
      }
    }
    const others = documents
      .map(({ path }) => path)
      .filter((path) => !reached.has(path) && !/^apps\/cli\/template|^bench\/results|^packages\/host\/web/.test(path));
    expect(others).toEqual([]);
  });

  test("have code in languages that are checked", () => {
    const others = documents.flatMap((document) =>
      document.blocks
        .filter(({ language }) => !["sh", "ts", "tsx", "js", "json", "html", "http", "mermaid", "text"].includes(language))
        .map((block) => `${placed(document, block)} ${block.language}`),
    );
    expect(others).toEqual([]);
    expect(documents.filter(({ path }) => /\n\n {4,}(npm|npx|node|cd|curl) /.test(read(path))).map(({ path }) => path)).toEqual([]);
  });

  test("have TypeScript that stands word for word in a file that is compiled", () => {
    const plain = (code: string): string =>
      code
        .replaceAll(/\b(export|declare) /g, "")
        .replaceAll(/\s+/g, "")
        .replaceAll(",)", ")");
    const compiled = listFiles(root, ["*/stand-ins/*.ts", "*/stand-ins/*.tsx", "examples/*.ts"]).map((path) => plain(read(path)));
    const missing = blocksOf("ts", "tsx").flatMap(([document, block]) =>
      block.text
        .split("\n\n")
        .filter((part) => !compiled.some((source) => source.includes(plain(part))))
        .map((part) => `${placed(document, block)} ${part}`),
    );
    expect(missing).toEqual([]);
    expect(blocksOf("ts", "tsx").length).toBeGreaterThan(12);
  });

  test("have JSON that is JSON, but for what is left out", () => {
    const wrong = blocksOf("json").filter(([, block]) => !isShortenedJson(block.text));
    expect(wrong.map(([document, block]) => placed(document, block))).toEqual([]);
  });

  test("have HTTP messages that begin as requests and responses do, with bodies of JSON where they look like it", () => {
    const isMessage = (text: string): boolean =>
      /^((GET|POST|PUT|PATCH|DELETE) \/\S*( HTTP\/1\.1)?|HTTP\/1\.1 [1-5]\d\d \w.*)\n/.test(text) &&
      [...text.matchAll(/\n\n(\{[\s\S]*?\})\s*$/g)].every(([, body = ""]) => isShortenedJson(body));
    const wrong = blocksOf("http").filter(([, block]) => !isMessage(block.text));
    expect(wrong.map(([document, block]) => placed(document, block))).toEqual([]);
  });

  test("have scripts and pages that a test reads from them and runs", () => {
    const others = blocksOf("js", "html").filter(([document, block]) => !isRead(document, block));
    expect(others.map(([document, block]) => placed(document, block))).toEqual([]);
  });

  test("have commands that a test runs; a new one is named in tools/documents/trials.ts with the test that runs it", () => {
    const unknown = blocksOf("sh").flatMap(([document, block]) =>
      isRead(document, block)
        ? []
        : shellCommands(block.text)
            .filter((command) => !Object.hasOwn(commandTrials, command))
            .map((command) => `${placed(document, block)} ${command}`),
    );
    expect(unknown).toEqual([]);
  });
});

describe("the table of trials", () => {
  test("names tests that are there", () => {
    const named = [
      ...Object.values(commandTrials).flatMap((each) => ("shownBy" in each ? [each.shownBy] : [])),
      ...readDocumentsOfTests.map((each) => each.shownBy),
    ];
    expect(named.filter((each) => !isThere(each))).toEqual([]);
  });

  test("names for a document a module that reads it, and as many blocks as there are or fewer", () => {
    const wrong = readDocumentsOfTests.filter(({ document, languages, blocks, readBy }) => {
      const there = documents.find((each) => each.path === document)?.blocks.filter(({ language }) => languages.includes(language)) ?? [];
      return there.length < blocks || !read(readBy).includes(document.replace(/^docs\/guides\//, ""));
    });
    expect(wrong).toEqual([]);
  });

  test("has no command that no document has any more", () => {
    const said = new Set(blocksOf("sh").flatMap(([, block]) => shellCommands(block.text)));
    expect(Object.keys(commandTrials).filter((command) => !said.has(command))).toEqual([]);
  });

  test("has only scripts that npm knows in the folder where they are run", () => {
    const scripts = (path: string): readonly string[] => Object.keys((JSON.parse(read(path)) as { scripts: Record<string, string> }).scripts);
    const unknown = blocksOf("sh").flatMap(([document, block]) => {
      const known = scripts(document.path.startsWith("apps/cli/template/") ? "apps/cli/template/package.json" : "package.json");
      const named = [...block.text.matchAll(/\bnpm (?:run )?(start|test|(?<=run )[\w:-]+)/g)].map(([, script = ""]) => script);
      return named.filter((script) => !known.includes(script)).map((script) => `${placed(document, block)} ${script}`);
    });
    expect(unknown).toEqual([]);
  });
});

describe("the reader of documents", () => {
  const link = (text: string): readonly string[] =>
    judgeLinks([parseDocument("docs/a.md", text)], (path) => path === "docs/a.md" || path === "docs/b.png").map((each) => each.message);

  test("finds a file, a picture and an anchor that are not there, and looks at no code", () => {
    expect(link('# One `two` [three](b.png)\n[a](#one-two-three) [b](a.md#one-two-three) ![c](b.png) <img src="b.png">')).toEqual([]);
    expect(link("# One\n[a](c.md)")).toEqual(["c.md does not exist"]);
    expect(link("# One\n[a](../../c.md)")).toEqual(["../../c.md does not exist"]);
    expect(link('<img src="c.png" alt="">')).toEqual(["c.png does not exist"]);
    expect(link("# One\n[a](#two) [b](a.md#two)")).toEqual(["#two: no heading gives that anchor", "a.md#two: no heading gives that anchor"]);
    expect(link("# One\n# One\n[a](#one-1)")).toEqual([]);
    expect(link("`[a](c.md)`\n```text\n[a](c.md)\n```\n[x](https://example.org/c.md)")).toEqual([]);
  });

  test("takes a shell block apart into commands, whole as they are", () => {
    expect(shellCommands("npm start   # all\n# only words\n\nnpm test\n")).toEqual(["npm start", "npm test"]);
    expect(shellCommands("curl a \\\n  -d '{\n # b }'\ncd x && npm start &\n")).toEqual(["curl a -d '{\n # b }'", "cd x && npm start"]);
    expect(shellCommands("cat > f <<'END'\na=#1\nEND\nls")).toEqual(["cat > f <<'END'\na=#1\nEND", "ls"]);
    expect(shellCommands('f() {\n  curl "$@"\n}\nA=$(node -p "1 # 2")')).toEqual(['f() {\n curl "$@"\n}', 'A=$(node -p "1 # 2")']);
  });

  test("reads JSON that is shortened, and nothing else that is not JSON", () => {
    expect(readShortenedJson('{ "a": "…", "b": …, "c": [{ "d": 1, … }, …], … }\n{ "e": {…} }')).toEqual([
      { a: "…", b: null, c: [{ d: 1 }] },
      { e: {} },
    ]);
    expect(readShortenedJson('    "notes:write": "Add notes",')).toEqual([{ "notes:write": "Add notes" }]);
    expect(['{ "a": 1', "{ a: 1 }", '{ "a": 1, }', '{ "a": 1 } b'].filter(isShortenedJson)).toEqual([]);
  });
});
