import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Findings, Scenario } from "../scenario.ts";

const root = join(import.meta.dirname, "../..");

function gzipKilobytes(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0) / 1000;
}

function firstLoadOfConsole(): readonly string[] {
  const dist = join(root, "packages/host/web/dist");
  const html = readFileSync(join(dist, "index.html"), "utf8");
  const linked = [...html.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css))"/g)].map((match) => join(dist, match[1] ?? ""));
  return [join(dist, "index.html"), ...linked];
}

async function run(): Promise<Findings> {
  const shop = join(root, "apps/store/widget/dist");
  const consoleSize = gzipKilobytes(firstLoadOfConsole());
  const shopSize = gzipKilobytes(
    readdirSync(shop)
      .filter((file) => file.endsWith(".html"))
      .map((file) => join(shop, file)),
  );
  return {
    figures: [
      { name: "console first load", value: consoleSize, unit: "kB gzip" },
      { name: "shop widget document", value: shopSize, unit: "kB gzip" },
    ],
    ratios: [{ name: "console first load / 200 kB", value: consoleSize / 200, goal: { most: 1 } }],
  };
}

export const scenario: Scenario = { name: "bundles", question: "what must a browser load before it can show something?", run };
