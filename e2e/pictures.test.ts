import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { indexPage, pictureBytesMax, pictureFolder } from "./pictures/index-page.ts";
import { dresses, fileOf, pictureStates } from "./pictures/states.ts";

const root = dirname(import.meta.dirname);

describe("the pictures of the states", () => {
  it("are all there, and no others, within their weight", () => {
    const files = readdirSync(join(root, pictureFolder));
    const expected = pictureStates.flatMap(({ name }) => dresses.map(([scheme, screen]) => fileOf(name, scheme, screen)));
    expect(files.toSorted()).toEqual(expected.toSorted());
    const bytes = files.map((file) => statSync(join(root, pictureFolder, file)).size);
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(pictureBytesMax);
    expect(Math.min(...bytes)).toBeGreaterThan(1000);
  });

  it("stand on one page, which the tool writes", () => {
    expect(readFileSync(join(root, "docs/states.md"), "utf8")).toBe(indexPage());
  });
});
