// Runs a TypeScript entry with the right Node: node tools/run.mjs <file.ts> [arguments]
import { spawn } from "child_process";
import { dirname, join } from "path";
import { findNode, root } from "./node.mjs";

const node = findNode();
if (node === undefined) {
  console.error("Countersign is not set up yet. Run `npm start` or `npm test`, which set it up first.");
  process.exit(1);
}
const separator = process.platform === "win32" ? ";" : ":";
const env = Object.assign(
  // Stripping and compiling the same sources again is most of a start.
  { NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "node-compile") },
  process.env,
  { PATH: [dirname(node), join(root, "node_modules", ".bin"), process.env.PATH].join(separator) },
);
const child = spawn(node, process.argv.slice(2), { stdio: "inherit", env });
// A terminal sends Ctrl-C to the whole group: wait for the child to drain instead of leaving it behind.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code, signal) => process.exit(code === null ? (signal === "SIGINT" ? 130 : 1) : code));
