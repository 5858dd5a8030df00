import { describe, expect, it } from "vitest";
import { judgeLockFile, judgeWords } from "../tidy/judge-texts.ts";
import { parseSource } from "../tidy/parse-source.ts";
import { findCycles, judgeSource } from "../tidy/rules.ts";

const rulesBroken = (path: string, text: string): readonly string[] => judgeSource(parseSource(path, text)).map((each) => each.rule);

describe("tidy", () => {
  it("accepts a plain module", () => {
    expect(rulesBroken("packages/protocol/src/scope.ts", "export function covers(a: number, b: number): boolean { return a >= b; }\n")).toEqual([]);
  });

  it.each([
    ["a party imports another party", "packages/wallet/src/a.ts", 'import { b } from "@countersign/host/main";', "layers"],
    ["a party reaches another party by a relative path", "packages/wallet/src/a.ts", 'import { b } from "../../host/src/main.ts";', "layers"],
    ["the console imports storage", "packages/host/web/src/a.ts", 'import { b } from "@countersign/storage/open";', "layers"],
    ["protocol imports a package", "packages/protocol/src/a.ts", 'import { z } from "zod";', "layers"],
    ["protocol imports node", "packages/protocol/src/a.ts", 'import { z } from "node:crypto";', "layers"],
    ["the widget library imports node", "packages/widget/src/a.ts", 'import { z } from "node:crypto";', "layers"],
    ["a part imports an end", "packages/wallet/src/a.ts", 'import { z } from "@countersign/bench/x";', "layers"],
    ["a file stands in no layer", "lib/a.ts", "export const a: number = 1;", "layers"],
    ["protocol reads the clock", "packages/protocol/src/a.ts", "export const now: number = Date.now();", "purity"],
    ["protocol makes a date of now", "packages/protocol/src/a.ts", "export const now: Date = new Date();", "purity"],
    ["protocol draws a random number", "packages/protocol/src/a.ts", "export const dice: number = Math.random();", "purity"],
    ["protocol logs", "packages/protocol/src/a.ts", 'console.log("x");', "purity"],
    ["a type is given up", "packages/wallet/src/a.ts", "export const a: any = 1;", "any"],
    ["the environment is read outside main", "packages/wallet/src/a.ts", "export const a: string | undefined = process.env.A;", "process"],
    ["a port is opened outside main", "packages/wallet/src/a.ts", "server.listen(1);", "process"],
    ["a folder says nothing", "packages/wallet/src/utils/a.ts", "export const a: number = 1;", "names"],
    ["a file is a barrel", "packages/wallet/src/index.ts", 'export * from "./a.ts";', "names"],
    ["a test is skipped", "packages/wallet/test/a.test.ts", 'it.skip("x", () => {});', "tests"],
    ["a test is focused", "packages/wallet/test/a.test.ts", 'describe.only("x", () => {});', "tests"],
    ["a title says should", "packages/wallet/test/a.test.ts", 'it("should work", () => {});', "tests"],
    ["a function is long", "packages/wallet/src/a.ts", `export function f(): void {${"\n".repeat(71)}}`, "function-size"],
    ["a file is long", "packages/wallet/src/a.ts", "\n".repeat(401), "file-size"],
  ])("refuses when %s", (_, path, text, rule) => {
    expect(rulesBroken(path, text)).toContain(rule);
  });

  it("finds a runtime cycle and ignores a type-only one", () => {
    const a = "packages/wallet/src/a.ts";
    const b = "packages/wallet/src/b.ts";
    const cycle = [
      parseSource(a, 'import { b } from "./b.ts"; export const a: unknown = b;'),
      parseSource(b, 'import { a } from "./a.ts"; export const b: unknown = a;'),
    ];
    expect(findCycles(cycle).map((each) => each.message)).toEqual([`${a} -> ${b} -> ${a}`]);
    const typeOnly = [
      parseSource(a, 'import { b } from "./b.ts"; export const a: unknown = b;'),
      parseSource(b, 'import type { a } from "./a.ts"; export const b: number = 1;'),
    ];
    expect(findCycles(typeOnly)).toEqual([]);
  });

  it("refuses a lock file that records an address", () => {
    expect(judgeLockFile("package-lock.json", '"resolved": "packages/kit"')).toEqual([]);
    expect(judgeLockFile("package-lock.json", '"resolved": "https://registry.example/a.tgz"')).toHaveLength(1);
  });

  it("refuses words that say a thing is not done", () => {
    expect(judgeWords("a.ts", ["// TO", "DO: later"].join(""))).toHaveLength(1);
    expect(judgeWords("a.ts", "const todos = 1;")).toEqual([]);
  });
});
