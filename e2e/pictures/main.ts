// `npm run pictures`: the browser tests walk to every state, its pictures are kept in docs/images/states, and docs/states.md shows them.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { launchBrowser } from "../browser/launch.ts";
import { indexPage, pictureBytesMax, pictureFolder } from "./index-page.ts";
import { shrink } from "./shrink.ts";
import { dresses, fileOf, pictureStates, sourcesOf } from "./states.ts";

const root = dirname(dirname(import.meta.dirname));
const artifacts = join(root, "e2e/artifacts");
const scenarios = ["looks", "looks-states", "wallet-looks", "buy", "states", "model", "trace", "doctor"];

/** Every picture: what a test keeps it as, of which the first that is there counts, and what it becomes. */
const pictures = pictureStates.flatMap(({ name }) =>
  dresses.map(([scheme, screen]) => ({
    screen,
    sources: sourcesOf(name, scheme, screen).map((source) => join(artifacts, source)),
    file: fileOf(name, scheme, screen),
  })),
);

async function main(): Promise<number> {
  for (const source of pictures.flatMap(({ sources }) => sources)) rmSync(source, { force: true });
  const files = scenarios.map((name) => `e2e/scenarios/${name}.test.ts`);
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const run = spawnSync(process.execPath, [vitest, "run", "--no-file-parallelism", ...files], { cwd: root, stdio: "inherit" });
  const { count, bytes, missing } = await keepSmall();
  writeFileSync(join(root, "docs/states.md"), indexPage());
  console.log(`${count} pictures, ${(bytes / 1_000_000).toFixed(1)} MB`);
  for (const file of missing) console.error(`no test made ${file}`);
  if (bytes > pictureBytesMax) console.error(`the pictures are over ${pictureBytesMax} bytes`);
  return run.status === 0 && missing.length === 0 && bytes <= pictureBytesMax ? 0 : 1;
}

async function keepSmall(): Promise<{ readonly count: number; readonly bytes: number; readonly missing: readonly string[] }> {
  const folder = join(root, pictureFolder);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const missing: string[] = [];
  let [count, bytes] = [0, 0];
  const browser = await launchBrowser();
  const page = await browser.newPage();
  for (const { sources, file, screen } of pictures) {
    const source = sources.find(existsSync);
    if (source === undefined) {
      missing.push(file);
      continue;
    }
    const small = await shrink(page, readFileSync(source), screen === "desktop" ? 0.75 : 1);
    writeFileSync(join(folder, file), small);
    count += 1;
    bytes += small.length;
  }
  await browser.close();
  return { count, bytes, missing };
}

process.exitCode = await main();
