import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Installs an app without a network: its tarballs are unpacked, and what else it needs is linked from the tree that the test runs in. */
export function linkPackages(root: string, folder: string): void {
  const modules = join(folder, "node_modules");
  const packed = readdirSync(join(folder, "vendor"))
    .filter((name) => name.endsWith(".tgz"))
    .map((name) => unpack(join(folder, "vendor", name), modules));
  const needed = [readManifest(folder), ...packed].flatMap((each) =>
    Object.keys({ ...each.dependencies, ...each.devDependencies, ...each.peerDependencies }),
  );
  for (const name of new Set(needed)) {
    if (packed.some((each) => each.name === name)) continue;
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(modules, name), "dir");
  }
}

function unpack(tarball: string, modules: string): Manifest {
  const name = `@countersign/${/^countersign-([a-z-]+)-\d/.exec(basename(tarball))?.[1] ?? ""}`;
  const into = join(modules, name);
  mkdirSync(into, { recursive: true });
  const result = spawnSync("tar", ["-xzf", tarball, "-C", into, "--strip-components=1"], { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`${tarball} cannot be unpacked: ${result.stderr}`);
  return readManifest(into);
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}
