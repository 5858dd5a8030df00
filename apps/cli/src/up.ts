import { resolve } from "node:path";
import { openDataFolder } from "@countersign/service/data-folder";
import { createLogger } from "@countersign/service/log";
import type { Started } from "@countersign/service/run-main";
import type { UpConfig } from "./config.ts";
import { type LocalApp, readLocalApp } from "./local-app.ts";
import { startStack } from "./stack.ts";

/**
 * `countersign up`: all parties in one process on the embedded database, for a first look. `appFolders`: apps that host and wallet know beside the store.
 * `print` gets the block that tells a person where to go. Throws `StartupProblem`.
 */
export async function up(config: UpConfig, appFolders: readonly string[], print: (text: string) => void): Promise<Started> {
  const startedAtMs = performance.now();
  const apps = appFolders.map(readLocalApp);
  const folder = openDataFolder(resolve(config.data));
  const stack = await startStack({
    data: folder,
    listen: { console: config.consolePort, widgets: config.widgetPort, wallet: config.walletPort, store: config.storePort, bank: config.bankPort },
    openingBalance: config.openingBalance,
    logger: (party) => createLogger(party, { level: config.logLevel }),
    apiClients: config.apiClients,
    agents: config.agents,
    apps,
    ...(config.modelUrl === undefined
      ? {}
      : { model: { baseUrl: config.modelUrl, model: config.modelName, ...(config.modelKey === undefined ? {} : { apiKey: config.modelKey }) } }),
  });
  print(banner(stack.urls.console, folder.path, apps, performance.now() - startedAtMs));
  return { url: stack.urls.console, stop: () => stack.stop() };
}

function banner(consoleUrl: string, dataFolder: string, apps: readonly LocalApp[], startMs: number): string {
  return [
    "",
    `  Countersign is ready (${(startMs / 1000).toFixed(1)} s)`,
    "",
    `  Open     ${consoleUrl}`,
    "  First    press “Browse products” in the middle of the page, then “My orders” in the shop that appears",
    ...apps.map((app) => `  App      ${app.title}, expected at ${app.resource}`),
    `  Data     ${dataFolder}`,
    "  Stop     Ctrl-C",
    "",
    "",
  ].join("\n");
}
