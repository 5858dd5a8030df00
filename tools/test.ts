// `npm test`: every check and every test, in order, with the time each took; `npm run e2e` runs the browser scenarios alone.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runChecks } from "./check.ts";
import { failures, type VitestReport } from "./failures.ts";

interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** What failed, named for the end of the run. */
  readonly names: readonly string[];
}

const root = dirname(import.meta.dirname);

/** Runs one group of tests. A skipped test and a file that could not be loaded both count as failed. */
function runTests(name: string, args: readonly string[]): Tally {
  const folder = mkdtempSync(join(tmpdir(), "countersign-test-"));
  const reportFile = join(folder, "report.json");
  const startedAt = performance.now();
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const result = spawnSync(process.execPath, [vitest, "run", "--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`, ...args], {
    cwd: root,
    stdio: "inherit",
  });
  try {
    const report = JSON.parse(readFileSync(reportFile, "utf8")) as VitestReport;
    const broken = report.testResults.filter(
      (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
    ).length;
    const failed = report.numFailedTests + report.numPendingTests + report.numTodoTests + broken;
    console.log(`${name}: ${report.numPassedTests} passed, ${failed} failed (${((performance.now() - startedAt) / 1000).toFixed(0)} s)`);
    if (failed === 0 && result.status !== 0) {
      return { passed: report.numPassedTests, failed: 1, names: [`${name}: the test runner ended with ${String(result.status)}, see above`] };
    }
    return { passed: report.numPassedTests, failed, names: failures(report, root) };
  } catch {
    const why = `${name}: the test runner ended without a report (exit code ${String(result.status)})`;
    console.error(why);
    return { passed: 0, failed: 1, names: [why] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function main(onlyBrowser: boolean): void {
  const tallies: Tally[] = [];
  if (!onlyBrowser) {
    const failed = runChecks(root, false);
    tallies.push({ passed: 0, failed: failed.length, names: failed.map((check) => `check: ${check}`) });
    tallies.push(runTests("unit and service tests", ["--exclude", "e2e/**"]));
  }
  // Browser scenarios share one machine and one Chromium at a time, so that none waits for luck.
  tallies.push(runTests("browser and process scenarios", ["--no-file-parallelism", "e2e/"]));
  const passed = tallies.reduce((sum, each) => sum + each.passed, 0);
  const failed = tallies.reduce((sum, each) => sum + each.failed, 0);
  for (const name of tallies.flatMap((each) => each.names)) console.log(`FAIL ${name}`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

main(process.argv.includes("e2e"));
