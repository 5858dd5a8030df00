import { readFile } from "node:fs/promises";
import type { Server } from "node:http";
import { resolve } from "node:path";
import type { Secret } from "@countersign/protocol/secret";
import { requireConfig } from "@countersign/service/config";
import { openDataFolder } from "@countersign/service/data-folder";
import { createLogger, type Logger } from "@countersign/service/log";
import { runMain, type Started } from "@countersign/service/run-main";
import { serve } from "@countersign/service/serve";
import { StartupProblem } from "@countersign/service/startup-problem";
import { type Database, openDatabase } from "@countersign/storage/open";
import { createRotatingSealer } from "@countersign/storage/sealed";
import { storeConfig } from "./config.ts";
import { logEvent } from "./log-event.ts";
import { createStore, type StoreOptions } from "./store.ts";
import { storeMigrations, type StoreTables } from "./tables.ts";

/**
 * A store with a port. `listen`: a port, or a server that listens already. `url` is the public origin; without it, the address listened on.
 * `sealingKey`: 32 bytes as base64url; `otherSealingKeys` only open what they sealed.
 */
export interface StoreStartOptions extends Omit<StoreOptions, "url" | "db" | "sealer" | "report" | "allowedHosts"> {
  readonly url?: string;
  readonly listen: number | Server;
  readonly hostname?: string;
  readonly hosts?: readonly string[];
  readonly databaseUrl: string | Secret;
  readonly sealingKey: Secret;
  readonly otherSealingKeys?: readonly Secret[];
  readonly logger?: Logger;
}

/** Starts the store. Throws `StartupProblem` or `StorageError` when it cannot. */
export async function start(options: StoreStartOptions): Promise<Started> {
  const { listen, hosts, databaseUrl, sealingKey, otherSealingKeys, logger = createLogger("store"), hostname = "127.0.0.1", ...rest } = options;
  const url = options.url ?? `http://${hostname}:${portOf(listen)}`;
  const db = await openDatabase<StoreTables>({ url: databaseUrl, schema: "store", migrations: storeMigrations });
  try {
    const sealer = createRotatingSealer(sealingKey, otherSealingKeys);
    const store = await createStore({
      ...rest,
      url,
      db,
      sealer,
      logger,
      ...(hosts === undefined ? {} : { allowedHosts: hosts }),
      report: (event) => logEvent(logger, event),
    });
    try {
      const served = await serve({
        handler: (request) => store.fetch(request),
        listen,
        logger,
        hostname,
        ready: () => isReachable(db),
        onStop: () => store.leave(),
        portVariable: storeConfig.port.env,
        ...(hosts === undefined ? {} : { hosts }),
      });
      return {
        url: served.url,
        async stop() {
          await served.stop();
          await store.close();
          await db.close();
        },
      };
    } catch (error) {
      await store.close();
      throw error;
    }
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** Starts the store from the environment. Throws `StartupProblem` with every variable that is wrong. */
export async function startFromEnvironment(env: Readonly<Record<string, string | undefined>>): Promise<Started> {
  const { port, url, hosts, allowedOrigins, data, databaseUrl, sealingKey, widgetFile, ...rest } = requireConfig(storeConfig, env);
  const folder = openDataFolder(resolve(data));
  const [fileKey, ...otherFileKeys] = sealingKey === undefined ? folder.keys("store") : [sealingKey];
  return start({
    ...rest,
    listen: port,
    databaseUrl: databaseUrl ?? folder.databaseUrl("store"),
    sealingKey: fileKey,
    otherSealingKeys: otherFileKeys,
    widgetHtml: await readWidget(resolve(widgetFile)),
    ...(url === undefined ? {} : { url, hosts: [new URL(url).host] }),
    ...(hosts === undefined ? {} : { hosts }),
    ...(allowedOrigins === undefined ? {} : { allowedOrigins }),
  });
}

/** Reads the built view. Throws `StartupProblem` when it has not been built. */
export async function readWidget(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new StartupProblem(`The store's view is not built; run \`npx vite build apps/store/widget\` (looked for ${path}).`, error);
  }
}

async function isReachable(db: Database<StoreTables>): Promise<boolean> {
  await db.sql.selectFrom("stock").select("product_id").limit(1).execute();
  return true;
}

function portOf(listen: number | Server): number {
  const address = typeof listen === "number" ? undefined : listen.address();
  if (typeof listen === "number" && listen !== 0) return listen;
  if (typeof address === "object" && address !== null) return address.port;
  throw new StartupProblem("A store on a port chosen by the system needs its public URL: it is the audience of every token.");
}

if (import.meta.main) await runMain("store", () => startFromEnvironment(process.env));
