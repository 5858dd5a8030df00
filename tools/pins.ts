// The public surface of the packages that others build on, frozen in pins.json: a change of it is always on purpose.
// `node tools/pins.ts --check` compares, without a flag it rewrites the file.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readTree } from "./tidy/read-tree.ts";

const pinnedFolders = ["packages/protocol/src/", "packages/storage/src/", "packages/service/src/", "packages/kit/src/", "packages/widget/src/"];

const root = dirname(import.meta.dirname);
const file = join(import.meta.dirname, "pins.json");
const surface: Record<string, readonly string[]> = {};
for (const source of readTree(root)) {
  if (pinnedFolders.some((folder) => source.path.startsWith(folder)) && source.exports.length > 0) surface[source.path] = source.exports;
}
const wanted = `${JSON.stringify(surface, undefined, 2)}\n`;
if (!process.argv.includes("--check")) {
  writeFileSync(file, wanted);
  console.log(`pins: ${Object.keys(surface).length} modules written`);
} else {
  const pinned = JSON.parse(readFileSync(file, "utf8")) as Record<string, readonly string[]>;
  const changed = [...new Set([...Object.keys(pinned), ...Object.keys(surface)])].filter(
    (path) => JSON.stringify(pinned[path]) !== JSON.stringify(surface[path]),
  );
  for (const path of changed) console.error(`${path}: exports ${JSON.stringify(surface[path] ?? [])}, pinned ${JSON.stringify(pinned[path] ?? [])}`);
  if (changed.length > 0)
    console.error("The public surface changed. When that is meant, run `node tools/pins.ts` and commit pins.json with the change.");
  process.exit(changed.length === 0 ? 0 : 1);
}
