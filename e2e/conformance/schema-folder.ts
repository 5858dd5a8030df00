import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Where a protocol publishes its schemas. They are not in this tree: whoever runs the check brings them. */
export interface PublishedSchemas {
  readonly protocol: string;
  readonly version: string;
  readonly repository: string;
  /** The folder of the repository that `--schemas` names a copy of. */
  readonly folder: string;
  /** Files without which nothing can be held against anything, by path below that folder. */
  readonly needed: readonly string[];
}

/** JSON documents by their path below the folder, with `/` between its parts. */
export type SchemaFiles = ReadonlyMap<string, unknown>;

/** The folder cannot be used; the message says in one sentence why, and where the schemas are published. */
export class UnfitFolder extends Error {}

const filesMax = 2000;
const bytesMax = 2_000_000;

/** Reads the folder that the options `--schemas <folder>` name. Throws {@link UnfitFolder}. */
export function readSchemaFolder(options: readonly string[], published: PublishedSchemas): SchemaFiles {
  const { protocol, version, repository, folder, needed } = published;
  const where = `${protocol} ${version} publishes its schemas in https://github.com/${repository}, folder ${folder}.`;
  const path = options[options.indexOf("--schemas") + 1];
  if (!options.includes("--schemas") || path === undefined) {
    throw new UnfitFolder(`Say where the schemas are, with --schemas <folder>, because they are not in this tree: ${where}`);
  }
  const files = new Map<string, unknown>();
  for (const name of listJson(path, where)) files.set(name, parse(path, name, where));
  const missing = needed.find((name) => !files.has(name));
  if (missing !== undefined) throw new UnfitFolder(`${path} has no ${missing}: ${where}`);
  return files;
}

function listJson(path: string, where: string): readonly string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw new UnfitFolder(`There is no folder ${path}: ${where}`);
  const found = readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".json"));
  if (found.length > filesMax) throw new UnfitFolder(`${path} has more than ${filesMax} JSON files: ${where}`);
  return found.map((name) => name.replaceAll("\\", "/")).toSorted();
}

function parse(path: string, name: string, where: string): unknown {
  const file = join(path, name);
  if (statSync(file).size > bytesMax) throw new UnfitFolder(`${file} has more than ${bytesMax} bytes: ${where}`);
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    throw new UnfitFolder(`${file} is no JSON: ${where}`);
  }
}
