import { ends, impureGlobals, type Layer, layers, longFiles, longFunctions, mayTouchProcess } from "./layers.ts";
import type { Source } from "./parse-source.ts";

/** One broken rule, ready to print. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

const fileLinesMax = 400;
const functionLinesMax = 70;
const bannedNames = /(^|\/)(helpers?|utils?|common|misc|index)(\.tsx?|\/)/;

/** Every rule that looks at one file. */
export function judgeSource(source: Source): readonly Finding[] {
  const finding = (line: number, rule: string, message: string): Finding => ({ path: source.path, line, rule, message });
  const isTest = /\/test\//.test(source.path) || source.path.endsWith(".test.ts");
  const findings: Finding[] = [];
  if (bannedNames.test(source.path)) findings.push(finding(1, "names", "name the capability instead of helpers, utils, common or index"));
  if (!isTest && source.lineCount > fileLinesMax && !(source.path in longFiles)) {
    findings.push(finding(1, "file-size", `${source.lineCount} lines; the bound is ${fileLinesMax}`));
  }
  for (const each of isTest ? [] : source.functions) {
    if (each.lineCount > functionLinesMax && !(`${source.path}#${each.name}` in longFunctions)) {
      findings.push(finding(each.line, "function-size", `${each.name} has ${each.lineCount} lines; the bound is ${functionLinesMax}`));
    }
  }
  findings.push(...source.anyLines.map((line) => finding(line, "any", "say what the type is")));
  findings.push(...source.unfinishedTests.map((line) => finding(line, "tests", "a skipped or focused test proves nothing")));
  for (const each of source.testTitles) {
    if (/^should\b/i.test(each.title)) findings.push(finding(each.line, "tests", "state the rule in the present tense"));
  }
  if (!mayTouchProcess.some((pattern) => pattern.test(source.path))) {
    findings.push(...source.environmentLines.map((line) => finding(line, "process", "only main.ts reads the environment")));
    findings.push(...source.listenLines.map((line) => finding(line, "process", "only main.ts opens a port")));
  }
  findings.push(...judgeImports(source), ...judgePurity(source, isTest));
  return findings;
}

function judgeImports(source: Source): readonly Finding[] {
  const layer = layerOf(source.path);
  if (!layer) return [{ path: source.path, line: 1, rule: "layers", message: "no layer owns this file: add a row to tools/tidy/layers.ts" }];
  const isTest = /\/(test|testing)\//.test(source.path);
  return source.imports.flatMap(({ specifier }) => {
    const finding = (message: string): Finding => ({ path: source.path, line: 1, rule: "layers", message: `${specifier}: ${message}` });
    const target = workspaceTarget(source.path, specifier);
    if (target !== undefined) {
      if (layer.mayImport === "anything" || target === ownName(layer)) return [];
      if (ends.includes(target)) return [finding("nothing imports an end")];
      return layer.mayImport.includes(target) || (isTest && target === "storage") ? [] : [finding(`${ownName(layer)} may not import ${target}`)];
    }
    if (isTest || specifier.startsWith(".")) return [];
    return (layer.bans ?? []).filter((ban) => ban.pattern.test(specifier)).map((ban) => finding(ban.reason));
  });
}

function judgePurity(source: Source, isTest: boolean): readonly Finding[] {
  if (isTest || !source.path.startsWith("packages/protocol/src/")) return [];
  const impure = source.globals.filter((each) => impureGlobals.has(each.name));
  return [
    ...impure.map((each) => ({ path: source.path, line: each.line, rule: "purity", message: `${each.name} enters protocol as an argument` })),
    ...source.clockLines.map((line) => ({ path: source.path, line, rule: "purity", message: "time and randomness enter protocol as arguments" })),
  ];
}

/** Runtime import cycles, type-only imports left out, one finding a cycle. */
export function findCycles(sources: readonly Source[]): readonly Finding[] {
  const known = new Set(sources.map((each) => each.path));
  const edges = new Map(
    sources.map((each) => [each.path, each.imports.filter((one) => !one.typeOnly).flatMap((one) => resolveImport(each.path, one.specifier, known))]),
  );
  const state = new Map<string, "open" | "done">();
  const findings: Finding[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === "done") return;
    if (state.get(path) === "open") {
      const cycle = [...trail.slice(trail.indexOf(path)), path];
      findings.push({ path, line: 1, rule: "cycles", message: cycle.join(" -> ") });
      return;
    }
    state.set(path, "open");
    for (const next of edges.get(path) ?? []) walk(next, [...trail, path]);
    state.set(path, "done");
  };
  for (const path of [...known].sort()) walk(path, []);
  return findings;
}

/** Exceptions that no longer apply: the lists may only shrink. */
export function findStaleExceptions(sources: readonly Source[]): readonly Finding[] {
  const long = new Set(sources.filter((each) => each.lineCount > fileLinesMax).map((each) => each.path));
  const longNames = new Set(
    sources.flatMap((each) => each.functions.filter((one) => one.lineCount > functionLinesMax).map((one) => `${each.path}#${one.name}`)),
  );
  const stale = [...Object.keys(longFiles).filter((path) => !long.has(path)), ...Object.keys(longFunctions).filter((name) => !longNames.has(name))];
  return stale.map((path) => ({ path, line: 1, rule: "stale-exception", message: "no longer needed: remove it from tools/tidy/layers.ts" }));
}

function layerOf(path: string): Layer | undefined {
  return layers.find((layer) => path === layer.folder || path.startsWith(`${layer.folder}/`));
}

function ownName(layer: Layer): string {
  return layer.folder.replace(/^(packages|apps)\//, "");
}

/** The layer that a specifier leads to, or undefined for npm packages, `node:` and files of the same layer. */
function workspaceTarget(from: string, specifier: string): string | undefined {
  const scoped = /^@countersign\/([^/]+)/.exec(specifier);
  if (scoped) return scoped[1];
  if (!specifier.startsWith(".")) return undefined;
  const target = layerOf(joinPath(from, specifier));
  const own = layerOf(from);
  return target === undefined || target === own ? undefined : ownName(target);
}

function resolveImport(from: string, specifier: string, known: ReadonlySet<string>): readonly string[] {
  const scoped = /^@countersign\/([^/]+)\/(.+)$/.exec(specifier);
  const path = scoped
    ? ["packages", "apps"].map((root) => `${root}/${scoped[1]}/src/${scoped[2]}.ts`).find((candidate) => known.has(candidate))
    : specifier.startsWith(".")
      ? joinPath(from, specifier)
      : undefined;
  return path !== undefined && known.has(path) ? [path] : [];
}

function joinPath(from: string, relative: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of relative.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
