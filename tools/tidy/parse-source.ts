import { parseSync } from "oxc-parser";

/** What the rules need to know of one source file. */
export interface Source {
  /** Path from the root, with forward slashes. */
  readonly path: string;
  readonly lineCount: number;
  readonly imports: readonly { readonly specifier: string; readonly typeOnly: boolean }[];
  readonly functions: readonly { readonly name: string; readonly line: number; readonly lineCount: number }[];
  readonly anyLines: readonly number[];
  readonly globals: readonly { readonly name: string; readonly line: number }[];
  readonly clockLines: readonly number[];
  readonly environmentLines: readonly number[];
  readonly listenLines: readonly number[];
  readonly testTitles: readonly { readonly title: string; readonly line: number }[];
  readonly unfinishedTests: readonly number[];
  readonly exports: readonly string[];
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

interface Findings {
  readonly functions: Source["functions"][number][];
  readonly anyLines: number[];
  readonly globals: { name: string; line: number }[];
  readonly clockLines: number[];
  readonly environmentLines: number[];
  readonly listenLines: number[];
  readonly testTitles: { title: string; line: number }[];
  readonly unfinishedTests: number[];
}

/** Parses one file. Throws when it is not TypeScript: the type check says so with more words. */
export function parseSource(path: string, text: string): Source {
  const parsed = parseSync(path, text);
  if (parsed.errors.length > 0) throw new Error(`${path}: ${parsed.errors[0]?.message ?? "cannot be parsed"}`);
  const lineOf = lineIndex(text);
  const found: Findings = {
    functions: [],
    anyLines: [],
    globals: [],
    clockLines: [],
    environmentLines: [],
    listenLines: [],
    testTitles: [],
    unfinishedTests: [],
  };
  visit(parsed.program as never, undefined, (node, parent) => inspect(node, parent, lineOf, found));
  const imports = parsed.module.staticImports.map((each) => ({
    specifier: each.moduleRequest.value,
    typeOnly: each.entries.length > 0 && each.entries.every((entry) => entry.isType),
  }));
  const reexports = parsed.module.staticExports.flatMap((each) =>
    each.entries.flatMap((entry) => (entry.moduleRequest ? [{ specifier: entry.moduleRequest.value, typeOnly: entry.isType }] : [])),
  );
  const exported = parsed.module.staticExports.flatMap((each) =>
    each.entries.map((entry) => entry.exportName.name ?? entry.exportName.kind.toLowerCase()),
  );
  return { path, lineCount: text.split("\n").length - 1, imports: [...imports, ...reexports], exports: exported.sort(), ...found };
}

function inspect(node: Node, parent: Node | undefined, lineOf: (offset: number) => number, found: Findings): void {
  const line = lineOf(node.start);
  if (isFunction(node)) {
    found.functions.push({ name: functionName(node, parent), line, lineCount: lineOf(node.end) - line + 1 });
  }
  if (node.type === "TSAnyKeyword") found.anyLines.push(line);
  if (node.type === "Identifier" && !isMemberName(node, parent)) found.globals.push({ name: String(node["name"]), line });
  const member = memberPath(node);
  if (member === "Date.now" || (node.type === "NewExpression" && memberPath(child(node, "callee")) === "Date" && isEmpty(node["arguments"])))
    found.clockLines.push(line);
  if (member === "Math.random") found.clockLines.push(line);
  if (member === "process.env") found.environmentLines.push(line);
  if (node.type === "CallExpression") inspectCall(node, line, found);
}

function inspectCall(node: Node, line: number, found: Findings): void {
  const callee = memberPath(child(node, "callee"));
  if (callee?.endsWith(".listen")) found.listenLines.push(line);
  if (callee === undefined || !/^(it|test|describe)\b/.test(callee)) return;
  if (/\.(skip|only|todo|skipIf|runIf|fails)$/.test(callee)) found.unfinishedTests.push(line);
  const first = Array.isArray(node["arguments"]) ? (node["arguments"][0] as Node | undefined) : undefined;
  if (first?.type === "Literal" && typeof first["value"] === "string") found.testTitles.push({ title: first["value"], line });
}

function isFunction(node: Node): boolean {
  return (
    (node.type === "FunctionDeclaration" || node.type === "FunctionExpression" || node.type === "ArrowFunctionExpression") &&
    child(node, "body") !== undefined
  );
}

function functionName(node: Node, parent: Node | undefined): string {
  const own = child(node, "id");
  if (own) return String(own["name"]);
  const named = parent && (child(parent, "id") ?? child(parent, "key"));
  return textOf(named, "name") ?? "(anonymous)";
}

/** True for `x` in `a.x` and `{ x: 1 }`: a name, not a use of a variable. */
function isMemberName(node: Node, parent: Node | undefined): boolean {
  if (!parent) return false;
  if (parent.type === "MemberExpression") return parent["property"] === node && parent["computed"] === false;
  return parent["key"] === node || parent.type.startsWith("TS") || parent.type === "ImportSpecifier";
}

function memberPath(node: Node | undefined): string | undefined {
  if (!node) return undefined;
  if (node.type === "Identifier") return String(node["name"]);
  if (node.type !== "MemberExpression") return undefined;
  const object = memberPath(child(node, "object")) ?? "?";
  const property = child(node, "property");
  return `${object}.${textOf(property, "name") ?? "?"}`;
}

function child(node: Node, key: string): Node | undefined {
  const value = node[key];
  return isNode(value) ? value : undefined;
}

function textOf(node: Node | undefined, key: string): string | undefined {
  const value = node?.[key];
  return typeof value === "string" ? value : undefined;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function visit(node: Node, parent: Node | undefined, each: (node: Node, parent: Node | undefined) => void): void {
  each(node, parent);
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) visit(item, node, each);
    } else if (isNode(value)) visit(value, node, each);
  }
}

function lineIndex(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
}
