import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { StartupProblem } from "@countersign/service/startup-problem";
import { type AppName, judgeAppName } from "./app-name.ts";
import { lastLine, type Npm } from "./pack-libraries.ts";
import { renderFile, renderPath } from "./render-template.ts";

/** `folder`: where the app is to be, absolute. `install`: whether its packages are installed too. `pack`: makes the libraries' tarballs in a folder, by package. */
export interface NewAppOptions {
  readonly folder: string;
  readonly port: number;
  readonly install: boolean;
  readonly npm: Npm;
  readonly pack: (into: string) => ReadonlyMap<string, string>;
}

export interface NewApp extends AppName {
  readonly folder: string;
  readonly resource: string;
}

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const templateFolder = fileURLToPath(new URL("../../template", import.meta.url));

/**
 * Makes an app in a folder that is new or empty. Everything is made beside it first and put there in one step, so that a failure leaves nothing.
 * `tell` gets a line before what takes time. Throws `StartupProblem` with what a person can do.
 */
export function newApp(options: NewAppOptions, tell: (line: string) => void): NewApp {
  const folder = resolve(options.folder);
  const named = judgeAppName(basename(folder));
  if (!named.ok) throw new StartupProblem(`“${basename(folder).slice(0, 80)}” is not a name for an app: ${named.error}.`);
  requireFree(folder);
  const app = { ...named.value, folder, resource: `http://127.0.0.1:${options.port}/mcp` };
  const parent = dirname(folder);
  const work = makeWorkFolder(parent, app.name);
  try {
    tell("packing the libraries");
    // Inside, so that the app has the usual rights of a new folder and not those of a temporary one.
    const made = join(work, app.name);
    const vendored = options.pack(join(made, "vendor"));
    writeTemplate(made, app, options.port, vendored);
    moveInto(made, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  if (options.install) {
    tell("installing its packages");
    installPackages(options.npm, folder);
  }
  return app;
}

function requireFree(folder: string): void {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isDirectory()) throw new StartupProblem(`${folder} is not a folder.`);
  if (readdirSync(folder).length > 0) throw new StartupProblem(`${folder} is not empty; give a new folder.`);
}

function makeWorkFolder(parent: string, name: string): string {
  try {
    mkdirSync(parent, { recursive: true });
    return mkdtempSync(join(parent, `.${name}-`));
  } catch (error) {
    throw new StartupProblem(`A folder cannot be made in ${parent}; choose another place.`, error);
  }
}

function writeTemplate(into: string, app: AppName, port: number, vendored: ReadonlyMap<string, string>): void {
  // What a run of the template itself leaves beside it is no part of it.
  const isPart = (path: string): boolean => !/(^|[/\\])(node_modules|dist)([/\\]|$)/.test(path);
  const paths = readdirSync(templateFolder, { recursive: true, encoding: "utf8" }).filter(isPart);
  for (const path of paths) {
    const from = join(templateFolder, path);
    if (lstatSync(from).isDirectory()) continue;
    const to = join(into, renderPath(path));
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, renderFile(path, readFileSync(from, "utf8"), app, port, vendored));
  }
  cpSync(join(root, "LICENSE"), join(into, "vendor", "LICENSE"));
}

/** An empty folder is replaced; one that is not empty by now refuses to be removed. */
function moveInto(made: string, folder: string): void {
  try {
    if (existsSync(folder)) rmdirSync(folder);
    renameSync(made, folder);
  } catch (error) {
    throw new StartupProblem(`The app could not be put into ${folder}; give a new folder.`, error);
  }
}

function installPackages(npm: Npm, folder: string): void {
  const [command, ...args] = npm.command;
  const result = spawnSync(command, [...args, "install", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: folder,
    encoding: "utf8",
    shell: process.platform === "win32",
    env: withoutRunningScript(npm.env),
  });
  if (result.status === 0) return;
  const why = result.error?.message ?? lastLine(result.stderr.replaceAll(/\n.*A complete log of this run.*/g, ""));
  throw new StartupProblem(
    `The app is made in ${folder}, but its packages could not be installed (${why.slice(0, 200)}). Run \`npm install\` there.`,
  );
}

/** What `npm run` tells its script about the folder that the script is in would make npm install there. */
function withoutRunningScript(env: Npm["env"]): Npm["env"] {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^npm_(package|lifecycle|config_local_prefix|config_prefix)|^INIT_CWD$/i.test(name)),
  );
}
