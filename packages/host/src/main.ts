import type { Server } from "node:http";
import { fileURLToPath } from "node:url";
import type { Secret } from "@countersign/protocol/secret";
import { requireConfig } from "@countersign/service/config";
import { openDataFolder } from "@countersign/service/data-folder";
import { createLogger, describeError, type Logger } from "@countersign/service/log";
import { runMain, startupSentence } from "@countersign/service/run-main";
import { serve } from "@countersign/service/serve";
import { StartupProblem } from "@countersign/service/startup-problem";
import { openDatabase } from "@countersign/storage/open";
import { createSealer, keyRing } from "@countersign/storage/sealed";
import { hostConfig, type HostConfig } from "./config.ts";
import { createHost } from "./host.ts";
import { runKeyCommand, sealingKeys } from "./keep/key-commands.ts";
import type { HostOptions } from "./options.ts";

/** A host with its two ports. `listen` and `widgetListen`: a port, or a server that listens already. */
export interface HostStartOptions extends Omit<HostOptions, "database" | "sealer" | "audit" | "report"> {
  readonly listen: number | Server;
  readonly widgetListen: number | Server;
  readonly hostname?: string;
  /** Exactly one proxy stands in front, and its `X-Forwarded-For` says who asks. */
  readonly behindProxy?: boolean;
  /** `file:/absolute/path.sqlite`, `memory:` or `postgres://…`. */
  readonly databaseUrl: string | Secret;
  /** 32 bytes as base64url. */
  readonly sealingKey: Secret;
  /** Keys that only open what they sealed: one that was replaced, or one that will replace `sealingKey`. */
  readonly otherSealingKeys?: readonly Secret[];
  readonly logger?: Logger;
}

/** Together with the answers that are waited for before, less than a process gets for its stop. */
const drainMs = 8000;
const builtConsole = fileURLToPath(new URL("../web/dist", import.meta.url));

/** Starts the host; `url` is the console's address. Throws `StartupProblem` and `StorageError`. */
export async function start(options: HostStartOptions): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const logger = options.logger ?? createLogger("host");
  const database = await openDatabase<unknown>({ url: options.databaseUrl, schema: "host", migrations: [] });
  const stops: (() => Promise<void>)[] = [() => database.close()];
  const stop = async (): Promise<void> => {
    for (const each of stops.reverse()) await each();
    stops.length = 0;
  };
  try {
    const host = await createHost({
      ...options,
      database,
      sealer: createSealer(keyRing(options.sealingKey, options.otherSealingKeys)),
      consoleFolder: options.consoleFolder ?? builtConsole,
      audit: (event, fields) => logger.info(event, fields),
      report: (event, fields) => logger.error(event, fields),
    });
    stops.push(
      () => host.close(),
      () => host.drain(drainMs),
    );
    const hostname = options.hostname ?? "127.0.0.1";
    const widgets = await serve({
      handler: (request) => host.widgetFetch(request),
      listen: options.widgetListen,
      hostname,
      hosts: [new URL(options.widgetOrigin.replace("{app}", "app")).host.replace(/^app/, "*")],
      logger,
      portVariable: hostConfig.widgetPort.env,
    });
    stops.push(() => widgets.stop());
    const console = await serve({
      handler: (request) => host.fetch(request),
      listen: options.listen,
      hostname,
      hosts: [new URL(options.publicUrl).host],
      behindProxy: options.behindProxy === true,
      logger,
      ready: () => host.ready(),
      onStop: () => host.stopWaiting(),
      portVariable: hostConfig.port.env,
    });
    stops.push(() => console.stop());
    return { url: options.publicUrl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The host as its environment describes it. Throws `StartupProblem`. */
function startFromEnvironment(config: HostConfig): ReturnType<typeof start> {
  const {
    data,
    databaseUrl,
    port,
    widgetPort,
    modelUrl,
    model,
    modelKey,
    publicUrl,
    widgetOrigin,
    hostname,
    connectors,
    clients,
    apiClients,
    rateFactor,
    behindProxy,
  } = config;
  const { clientMetadataUrl } = config;
  if (!URL.canParse(widgetOrigin.replace("{app}", "app")) || !widgetOrigin.includes("//{app}.")) {
    throw new StartupProblem("COUNTERSIGN_WIDGET_ORIGIN must be an origin whose host begins with {app}.");
  }
  const folder = openDataFolder(data);
  return start({
    publicUrl,
    widgetOrigin,
    hostname,
    connectors,
    clients,
    behindProxy,
    limits: { rateFactor },
    ...(clientMetadataUrl === undefined ? {} : { clientMetadataUrl }),
    apiClients,
    listen: port,
    widgetListen: widgetPort,
    databaseUrl: databaseUrl ?? folder.databaseUrl("host"),
    ...sealingKeys(config, folder),
    ...(modelUrl === undefined ? {} : { model: { baseUrl: modelUrl, model, ...(modelKey === undefined ? {} : { apiKey: modelKey }) } }),
  });
}

if (import.meta.main) {
  const [command, ...rest] = process.argv.slice(2);
  if (command === undefined) {
    await runMain("host", async () => startFromEnvironment(requireConfig(hostConfig, process.env)));
  } else {
    const print = (text: string): void => void process.stdout.write(`${text}\n`);
    const ended = await runKeyCommand([command, ...rest], () => requireConfig(hostConfig, process.env), print).catch((error: unknown) => error);
    if (typeof ended !== "number") process.stderr.write(`host: ${startupSentence(ended) ?? describeError(ended).name}\n`);
    process.exitCode = typeof ended === "number" ? ended : 1;
  }
}
