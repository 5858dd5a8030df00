import { randomBytes } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { Secret } from "@countersign/protocol/secret";
import { StartupProblem } from "./startup-problem.ts";

export interface DataFolder {
  readonly path: string;

  /** The URL of a database file in this folder, for `openDatabase`: `databaseUrl("wallet")` is `file:…/wallet.sqlite`. */
  databaseUrl(name: string): string;

  /** 32 random bytes as base64url, made on first use and kept in `<name>.key` with mode 0600. Throws {@link StartupProblem} when the file holds several. */
  key(name: string): Secret;

  /** The keys of a party that rotates them, from the same file, one a line: the first seals, the others only open what they once sealed. */
  keys(name: string): readonly [Secret, ...Secret[]];

  /** Puts a new key before those of the file, in one step: a crash leaves the old file or the new one. */
  addKey(name: string): void;
}

/** Makes the folder with mode 0700 when missing and checks that it can be written. Throws {@link StartupProblem}. */
export function openDataFolder(path: string): DataFolder {
  try {
    makeFolder(path);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    // Root passes access checks on a read-only file system too, so try.
    const probe = join(path, `.probe-${randomBytes(6).toString("hex")}`);
    closeSync(openSync(probe, "wx", 0o600));
    rmSync(probe);
  } catch (error) {
    throw explain(error, path);
  }
  return {
    path,
    databaseUrl: (name) => pathToFileURL(join(path, `${name}.sqlite`)).href,
    key: (name) => {
      const [key, ...others] = readOrMakeKeys(path, name);
      if (others.length > 0)
        throw new StartupProblem(`The key file ${join(path, `${name}.key`)} holds several keys, but the ${name} knows only one.`);
      return key;
    },
    keys: (name) => readOrMakeKeys(path, name),
    addKey: (name) => addKey(path, name),
  };
}

/** One level at a time: where the kernel refuses to make a folder although its parent exists, as below /proc, the recursive call never returns. */
function makeFolder(path: string): void {
  if (!existsSync(path)) {
    makeFolder(dirname(path));
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      if (!isFileError(error, "EEXIST")) throw error;
    }
  }
  if (!statSync(path).isDirectory()) throw Object.assign(new Error("a file is in the way"), { code: "ENOTDIR" });
}

function readOrMakeKeys(folder: string, name: string): readonly [Secret, ...Secret[]] {
  const path = join(folder, `${name}.key`);
  try {
    const text = readIfThere(path) ?? makeKey(folder, path);
    const [first, ...others] = text.split("\n").map((line) => {
      if (!/^[A-Za-z0-9_-]{43}$/.test(line.trim())) throw new StartupProblem(`The key file ${path} is damaged; restore it from a backup.`);
      return new Secret(line.trim());
    });
    if (first === undefined) throw new TypeError("a split text has a first part");
    return [first, ...others];
  } catch (error) {
    throw explain(error, folder);
  }
}

function addKey(folder: string, name: string): void {
  const lines = [newKey(), ...readOrMakeKeys(folder, name).map((key) => key.reveal())];
  try {
    const path = join(folder, `${name}.key`);
    const draft = writeDraft(path, `${lines.join("\n")}\n`);
    renameSync(draft, path);
    syncFolder(folder);
  } catch (error) {
    throw explain(error, folder);
  }
}

function newKey(): string {
  return randomBytes(32).toString("base64url");
}

/** Writes a file of its own beside `path`, wholly on the disk; gives its path. */
function writeDraft(path: string, text: string): string {
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  const file = openSync(draft, "wx", 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return draft;
}

/** Two processes may start at once: a link fails when the name is taken, so both end with the same key, and a crash never leaves half of one. */
function makeKey(folder: string, path: string): string {
  const draft = writeDraft(path, `${newKey()}\n`);
  try {
    linkSync(draft, path);
    syncFolder(folder);
  } catch (error) {
    if (!isFileError(error, "EEXIST")) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(path, "utf8").trim();
}

/** What the key seals must not outlive the key's own directory entry. */
function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if (isFileError(error, "ENOENT")) return undefined;
    throw error;
  }
}

function isFileError(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function explain(error: unknown, path: string): unknown {
  if (error instanceof StartupProblem || !(error instanceof Error) || !("code" in error)) return error;
  switch (error.code) {
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new StartupProblem(
        `The data folder ${path} cannot be written; change its permissions, or set COUNTERSIGN_DATA to another folder.`,
        error,
      );
    case "ENOENT":
      return new StartupProblem(`The data folder ${path} cannot be made there; set COUNTERSIGN_DATA to another folder.`, error);
    case "ENOTDIR":
    case "EEXIST":
      return new StartupProblem(
        `The data folder ${path} cannot be made, because a file is in its way; set COUNTERSIGN_DATA to another folder.`,
        error,
      );
    case "ENOSPC":
    case "EDQUOT":
      return new StartupProblem(`There is no space left for the data folder ${path}.`, error);
    default:
      return error;
  }
}
