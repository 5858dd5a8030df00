// Makes a fresh clone ready: the right Node, the packages of the lockfile, the built front ends. Quick when nothing changed.
// Runs before `npm start` and `npm test` on any Node; no dependencies.
import { spawnSync } from "child_process";
import { createHash } from "crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "fs";
import { dirname, join } from "path";
import { findNode, nodeMajor, nodeMajorMin, packagedNodePath, root } from "./node.mjs";

const frontEnds = [
  { name: "console", folder: "packages/host/web", sources: ["packages/host/web", "packages/protocol/src", "packages/look/src"] },
  {
    name: "shop widget",
    folder: "apps/store/widget",
    sources: ["apps/store/widget", "apps/store/assets", "packages/protocol/src", "packages/widget/src", "packages/look/src"],
  },
];

function main() {
  if (nodeMajor() < nodeMajorMin) {
    stop(
      "Countersign needs Node " +
        nodeMajorMin +
        " or newer and this is Node " +
        process.versions.node +
        ": install a current Node and run the same command again.",
    );
  }
  const node = ensureNode();
  ensurePackages(node);
  if (process.argv.includes("--test")) ensureMermaid(node);
  for (const frontEnd of frontEnds) ensureFrontEnd(node, frontEnd);
}

function ensureNode() {
  const found = findNode();
  if (found !== undefined) return found;
  const packaged = packagedNodePath();
  if (packaged === undefined) {
    stop("No Node 24 is packaged for " + process.platform + " " + process.arch + ": install Node 24 or newer and run the same command again.");
  }
  step("installing Node 24 (this machine has " + process.versions.node + ")", () => npm(process.execPath, ["ci"], join(root, "runtime")));
  if (!existsSync(packaged))
    stop("Node 24 could not be installed from the package registry: install Node 24 or newer and run the same command again.");
  return packaged;
}

function ensurePackages(node) {
  const wanted = digest([join(root, "package-lock.json")]);
  const stamp = join(root, "node_modules", ".countersign-setup");
  if (read(stamp) === wanted) return;
  step("installing packages", () => npm(node, ["ci"], root));
  writeFileSync(stamp, wanted);
}

function ensureMermaid(node) {
  const folder = join(root, "tools", "mermaid");
  const wanted = digest([join(folder, "package-lock.json")]);
  const stamp = join(folder, "node_modules", ".countersign-setup");
  if (read(stamp) === wanted) return;
  step("installing the reader of diagrams", () => npm(node, ["ci"], folder));
  writeFileSync(stamp, wanted);
}

function ensureFrontEnd(node, frontEnd) {
  const files = frontEnd.sources.reduce((all, folder) => all.concat(listFiles(join(root, folder))), [join(root, "package-lock.json")]);
  const wanted = digest(files);
  const stamp = join(root, frontEnd.folder, "dist", ".stamp");
  if (read(stamp) === wanted) return;
  step("building the " + frontEnd.name, () =>
    run(node, [join(root, "node_modules/vite/bin/vite.js"), "build", "--logLevel", "error", frontEnd.folder], root),
  );
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

function listFiles(folder) {
  return readdirSync(folder)
    .filter((name) => name !== "dist" && name !== "test" && name !== "node_modules")
    .sort()
    .reduce((files, name) => {
      const path = join(folder, name);
      return files.concat(statSync(path).isDirectory() ? listFiles(path) : [path]);
    }, []);
}

function digest(files) {
  const hash = createHash("sha256");
  for (const file of files) {
    hash.update(file.slice(root.length) + "\0");
    hash.update(readFileSync(file));
  }
  return hash.digest("hex");
}

function read(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

function npm(node, args, cwd) {
  const cli = process.env.npm_execpath;
  const flags = ["--no-audit", "--no-fund", "--loglevel=error"];
  if (cli !== undefined && /\.c?js$/.test(cli)) return run(node, [cli].concat(args, flags), cwd);
  return run(process.platform === "win32" ? "npm.cmd" : "npm", args.concat(flags), cwd);
}

function run(command, args, cwd) {
  const separator = process.platform === "win32" ? ";" : ":";
  const env = Object.assign({}, process.env);
  if (command.includes("node")) env.PATH = dirname(command) + separator + env.PATH;
  const result = spawnSync(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (result.status === 0) return;
  process.stderr.write((result.stdout || "") + (result.stderr || ""));
  throw new Error(result.error === undefined ? "it ended with exit code " + result.status : result.error.message);
}

function step(title, work) {
  process.stderr.write("setup: " + title + " ... ");
  const startedAt = Date.now();
  try {
    work();
  } catch (error) {
    process.stderr.write("failed\n");
    stop("Setup stopped while " + title + ": " + error.message + ". Fix what is named above and run the same command again.");
  }
  process.stderr.write(((Date.now() - startedAt) / 1000).toFixed(1) + " s\n");
}

function stop(sentence) {
  console.error(sentence);
  process.exit(1);
}

main();
