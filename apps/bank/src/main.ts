import type { Server } from "node:http";
import { resolve } from "node:path";
import { requireConfig } from "@countersign/service/config";
import { openDataFolder } from "@countersign/service/data-folder";
import { createLogger, type LogFields, type Logger } from "@countersign/service/log";
import { runRegularly } from "@countersign/service/run-regularly";
import { runMain, type Started } from "@countersign/service/run-main";
import { serve } from "@countersign/service/serve";
import { StartupProblem } from "@countersign/service/startup-problem";
import { type BankOptions, createBank } from "./bank.ts";
import type { BankEvent } from "./bank-event.ts";
import { bankConfig } from "./config.ts";

/** A bank with a port. `listen`: a port, or a server that listens already. `url` is the public origin; without it, the address listened on. */
export interface BankStartOptions extends Omit<BankOptions, "url" | "report" | "reach" | "logger"> {
  readonly url?: string;
  readonly listen: number | Server;
  readonly hostname?: string;
  readonly hosts?: readonly string[];
  readonly logger?: Logger;
}

const sweepEveryMs = 60_000;
const settleEveryMs = 5_000;

/** Starts the bank. Throws `StartupProblem` or `StorageError` when it cannot. */
export async function start(options: BankStartOptions): Promise<Started> {
  const logger = options.logger ?? createLogger("bank");
  const hostname = options.hostname ?? "127.0.0.1";
  const url = options.url ?? `http://${hostname}:${portOf(options.listen)}`;
  const bank = await createBank({ ...options, url, logger, report: (event, requestId) => logEvent(logger, event, requestId) });
  try {
    const served = await serve({
      handler: (request) => bank.fetch(request),
      listen: options.listen,
      logger,
      hostname,
      ready: () => bank.ready().then(() => true),
      portVariable: bankConfig.port.env,
      ...(options.hosts === undefined ? {} : { hosts: options.hosts }),
    });
    const upkeep = [
      runRegularly(() => bank.sweep(), { periodMs: sweepEveryMs, failed: "sweep.failed" }, logger),
      runRegularly(() => bank.expireHolds(), { periodMs: settleEveryMs, failed: "expiring.failed" }, logger),
      runRegularly(() => bank.settleRedemptions(), { periodMs: settleEveryMs, failed: "settling.failed" }, logger),
      bank.startTelling(),
    ];
    return {
      url: served.url,
      stop: async () => {
        await served.stop();
        await Promise.all(upkeep.map((stop) => stop()));
        await bank.close();
      },
    };
  } catch (error) {
    await bank.close();
    throw error;
  }
}

/** Starts the bank from the environment. Throws `StartupProblem` with every variable that is wrong. */
export async function startFromEnvironment(env: Readonly<Record<string, string | undefined>>): Promise<Started> {
  const { url, hosts, databaseUrl, sealingKey, data, port, ...rest } = requireConfig(bankConfig, env);
  const folder = openDataFolder(resolve(data));
  return start({
    ...rest,
    listen: port,
    databaseUrl: databaseUrl ?? folder.databaseUrl("bank"),
    sealingKey: sealingKey ?? folder.key("bank"),
    ...(url === undefined ? {} : { url, hosts: [new URL(url).host] }),
    ...(hosts === undefined ? {} : { hosts }),
  });
}

function portOf(listen: number | Server): number {
  const address = typeof listen === "number" ? undefined : listen.address();
  if (typeof listen === "number" && listen !== 0) return listen;
  if (typeof address === "object" && address !== null) return address.port;
  throw new StartupProblem("A bank on a port chosen by the system needs its public URL: it is the audience of what others sign.");
}

function logEvent(logger: Logger, event: BankEvent, requestId: string): void {
  const { event: name, ...about } = event;
  const dotted = name.replace("_", ".");
  if (event.event === "request_failed") return logger.error(dotted, { requestId, error: event.error });
  const { detail, approvedBy, ...known } = { detail: undefined, approvedBy: undefined, ...about };
  const fields: LogFields = { requestId, ...known, reason: detail, state: approvedBy ?? undefined };
  if (event.event === "client_refused" || event.event === "sign_in_refused" || event.event === "request_refused") logger.warn(dotted, fields);
  else logger.info(dotted, fields);
}

if (import.meta.main) await runMain("bank", () => startFromEnvironment(process.env));
