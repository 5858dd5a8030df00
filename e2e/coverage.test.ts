import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { requirements } from "./requirements.ts";

const root = join(import.meta.dirname, "..");

describe("the requirements", () => {
  it("have ids of their own", () => {
    expect(new Set(requirements.map((each) => each.id)).size).toBe(requirements.length);
  });

  it.each(requirements.map((each) => [each.id, each.shownBy] as const))("%s is shown by tests that exist", (_, shownBy) => {
    const missing = shownBy.filter(({ file, title }) => !existsSync(join(root, file)) || !readFileSync(join(root, file), "utf8").includes(title));
    expect(missing).toEqual([]);
    expect(shownBy.length).toBeGreaterThan(0);
  });

  it("name every test of the scenarios, so that none proves nothing in particular", () => {
    const named = requirements.flatMap((each) => each.shownBy);
    const unnamed = readdirSync(join(root, "e2e/scenarios"))
      .filter((name) => name.endsWith(".test.ts"))
      .flatMap((name) => {
        const file = `e2e/scenarios/${name}`;
        const text = readFileSync(join(root, file), "utf8");
        const titles = [...text.matchAll(/(?:\bit|\] as const\)|\]\))\(\s*"((?:[^"\\]|\\.)+)"/g)].map((match) => match[1] ?? "");
        return titles.filter((title) => !named.some((each) => each.file === file && title.includes(each.title))).map((title) => `${file}: ${title}`);
      });
    expect(unnamed).toEqual([]);
  });
});
