// `npm run check`: types, lint, format, tidy, dead code, generated documents. `npm run format` is the same with --fix.
import { spawnSync } from "node:child_process";
import { dirname } from "node:path";

export interface Check {
  readonly name: string;
  readonly command: readonly string[];
  readonly fix?: readonly string[];
}

const checks: readonly Check[] = [
  { name: "types", command: ["tsc", "-b"] },
  { name: "lint", command: ["oxlint", "--type-aware", "--deny-warnings"], fix: ["oxlint", "--type-aware", "--fix"] },
  { name: "format", command: ["biome", "format", "--max-diagnostics=20"], fix: ["biome", "format", "--write"] },
  { name: "tidy", command: ["node", "tools/tidy.ts"] },
  { name: "exports", command: ["node", "tools/pins.ts", "--check"], fix: ["node", "tools/pins.ts"] },
  { name: "dead code", command: ["knip"] },
  { name: "threats", command: ["node", "tools/threats-doc.ts", "--check"], fix: ["node", "tools/threats-doc.ts"] },
  { name: "API document", command: ["node", "tools/openapi-doc.ts", "--check"], fix: ["node", "tools/openapi-doc.ts"] },
  { name: "documents", command: ["node", "tools/errors-doc.ts", "--check"], fix: ["node", "tools/errors-doc.ts"] },
];

/** Runs every check, prints what each found, and returns the names of those that failed. */
export function runChecks(root: string, fix: boolean): readonly string[] {
  const failed: string[] = [];
  for (const check of checks) {
    const startedAt = performance.now();
    const [command = "", ...args] = (fix ? check.fix : undefined) ?? check.command;
    const result = spawnSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const passed = result.status === 0;
    console.log(`${passed ? "ok  " : "FAIL"} ${check.name} (${seconds} s)`);
    if (!passed) {
      failed.push(check.name);
      console.log(`${result.stdout ?? ""}${result.stderr ?? ""}${result.error ? String(result.error) : ""}`);
    }
  }
  return failed;
}

if (import.meta.main) {
  const failed = runChecks(dirname(import.meta.dirname), process.argv.includes("--fix"));
  if (failed.length > 0) console.error(`check: ${failed.join(", ")} failed. \`npm run format\` mends what can be mended by itself.`);
  process.exit(failed.length === 0 ? 0 : 1);
}
