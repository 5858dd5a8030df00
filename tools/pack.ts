// Packs kit and widget, with the packages of this tree that they use, as JavaScript and declarations that need neither this tree nor a compiler.
// node tools/pack.ts <folder>: makes one tarball a package in the folder and prints their names, one a line.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { compilePackages } from "./pack/compile-packages.ts";
import { importedPackages, type Manifest, packedManifest, readManifest } from "./pack/packed-manifest.ts";

const root = dirname(import.meta.dirname);
const scope = "@countersign/";

/** What app developers use. */
const wanted: readonly string[] = ["kit", "widget"];

/** The wanted packages and every package of the tree that one of them depends on, by folder. */
function closure(names: readonly string[]): ReadonlyMap<string, Manifest> {
  const found = new Map<string, Manifest>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    const manifest = readManifest(readFileSync(join(root, "packages", name, "package.json"), "utf8"));
    found.set(name, manifest);
    for (const each of Object.keys(manifest.dependencies ?? {})) if (each.startsWith(scope)) visit(each.slice(scope.length));
  };
  names.forEach(visit);
  return found;
}

function pack(into: string): readonly string[] {
  const work = mkdtempSync(join(tmpdir(), "countersign-pack-"));
  try {
    const packages = closure(wanted);
    const compiled = join(work, "compiled");
    mkdirSync(compiled);
    compilePackages(root, [...packages.keys()], compiled);
    for (const [name, manifest] of packages) {
      const folder = join(work, name);
      cpSync(join(compiled, name, "src"), join(folder, "dist"), { recursive: true });
      writeFileSync(join(folder, "package.json"), `${JSON.stringify(packedManifest(manifest, importsOf(join(folder, "dist"))), undefined, 2)}\n`);
      cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
      const readme = join(root, "packages", name, "README.md");
      if (existsSync(readme)) cpSync(readme, join(folder, "README.md"));
    }
    mkdirSync(into, { recursive: true });
    return npmPack(
      [...packages.keys()].map((name) => join(work, name)),
      into,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Every package that a module in a folder imports. */
function importsOf(folder: string): ReadonlySet<string> {
  const modules = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".js"));
  return new Set(modules.flatMap((path) => importedPackages(path, readFileSync(join(folder, path), "utf8"))));
}

/** Lets npm write the tarballs. Nothing is fetched. */
function npmPack(folders: readonly string[], into: string): readonly string[] {
  const args = ["pack", ...folders, "--pack-destination", into, "--ignore-scripts", "--loglevel=error"];
  const cli = process.env["npm_execpath"];
  const result =
    cli !== undefined && /\.c?js$/.test(cli)
      ? spawnSync(process.execPath, [cli, ...args], { encoding: "utf8" })
      : spawnSync(process.platform === "win32" ? "npm.cmd" : "npm", args, { encoding: "utf8", shell: process.platform === "win32" });
  if (result.status !== 0) throw new Error(`npm pack failed: ${result.error?.message ?? result.stderr}`);
  return result.stdout.trim().split("\n");
}

const [folder, ...rest] = process.argv.slice(2);
if (folder === undefined || rest.length > 0) {
  console.error("Usage: node tools/pack.ts <folder>");
  process.exit(2);
}
try {
  for (const name of pack(resolve(folder))) console.log(name);
} catch (error) {
  // Whoever runs this shows the last line.
  console.error(error);
  console.error(error instanceof Error ? error.message.split("\n")[0] : "it failed");
  process.exit(1);
}
