import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { StartupProblem } from "@countersign/service/startup-problem";

/** npm as it is run on this machine: the words before its own, and the environment. */
export interface Npm {
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
}

const packTool = join(fileURLToPath(new URL("../../../..", import.meta.url)), "tools/pack.ts");

/** Packs the libraries of this tree into a folder; gives the tarballs by package. Throws `StartupProblem`. */
export function packLibraries(npm: Npm, into: string): ReadonlyMap<string, string> {
  const packed = spawnSync(process.execPath, [packTool, into], { encoding: "utf8", env: npm.env });
  if (packed.status !== 0) throw new StartupProblem(`The libraries could not be packed: ${lastLine(packed.stderr)}`);
  return new Map(
    packed.stdout
      .trim()
      .split("\n")
      .map((tarball) => [packageOf(tarball), tarball]),
  );
}

/** The package in a tarball, by the name that npm gives it: `countersign-kit-0.1.0.tgz` holds `@countersign/kit`. */
function packageOf(tarball: string): string {
  const [, name] = /^countersign-([a-z-]+)-\d+\.\d+\.\d+[^/\\]*\.tgz$/.exec(tarball) ?? [];
  if (name === undefined) throw new TypeError(`not a tarball of this tree: ${tarball}`);
  return `@countersign/${name}`;
}

/** The last line of what a command printed. */
export function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
