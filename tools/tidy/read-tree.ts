import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSource, type Source } from "./parse-source.ts";

/** Every TypeScript file that git tracks or would track. */
export function readTree(root: string): readonly Source[] {
  return listFiles(root, ["*.ts", "*.tsx"])
    .filter((path) => !path.endsWith(".config.ts"))
    .map((path) => parseSource(path, readFileSync(join(root, path), "utf8")));
}

/** Paths that git tracks or would track, by pattern. */
export function listFiles(root: string, patterns: readonly string[]): readonly string[] {
  const listed = spawnSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", ...patterns], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (listed.status !== 0) throw new Error(`git ls-files failed: ${listed.stderr}`);
  const deleted = new Set(spawnSync("git", ["ls-files", "--deleted"], { cwd: root, encoding: "utf8" }).stdout.split("\n"));
  return listed.stdout.split("\n").filter((path) => path !== "" && !deleted.has(path) && !path.endsWith(".d.ts"));
}
