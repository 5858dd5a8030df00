import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { listFiles } from "../tidy/read-tree.ts";

const root = dirname(dirname(import.meta.dirname));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

test("examples and the template of a new app use only modules that the kit and the widget library document", () => {
  const documents = ["kit", "widget"].map((name) => read(`packages/${name}/README.md`)).join("\n");
  const files = listFiles(root, ["examples/*.ts", "apps/cli/template/*.js"]);
  const used = files.flatMap((path) =>
    [...read(path).matchAll(/["'](@countersign\/[^"']+)["']/g)].map((match) => ({ path, module: match[1] ?? "" })),
  );
  expect(used.length).toBeGreaterThan(20);
  expect(used.filter(({ module }) => !new RegExp(`["\`]${module}["\`]`).test(documents))).toEqual([]);
});
