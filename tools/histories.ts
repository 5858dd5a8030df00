// `npm run histories -- 100000 [seed] [path]`: so many random histories against the bank alone and so many against a whole town of store, bank and wallet.
// How far they are is told on standard error; a failure prints the seed and the path with which the same is played again.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";

const root = dirname(import.meta.dirname);
const [histories = "100000", seed, path] = process.argv.slice(2);
const env = {
  ...process.env,
  COUNTERSIGN_HISTORIES: histories,
  ...(seed === undefined ? {} : { COUNTERSIGN_SEED: seed }),
  ...(path === undefined ? {} : { COUNTERSIGN_PATH: path }),
};
const statuses = ["apps/bank/test/histories", "e2e/histories"].map((folder) => {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  return spawnSync(process.execPath, [vitest, "run", folder, "--disable-console-intercept"], { cwd: root, stdio: "inherit", env }).status;
});
process.exitCode = statuses.every((status) => status === 0) ? 0 : 1;
