import type { Server } from "node:http";
import { requireConfig } from "@countersign/service/config";
import { openDataFolder } from "@countersign/service/data-folder";
import { createLogger, describeError, type Logger } from "@countersign/service/log";
import { runMain, startupSentence } from "@countersign/service/run-main";
import { serve } from "@countersign/service/serve";
import { withSecrets } from "./client-secrets.ts";
import { walletConfig } from "./config.ts";
import { markFileOf, runCommand, sealingKeys } from "./keep/commands.ts";
import type { WalletOptions } from "./options.ts";
import { createWallet } from "./wallet.ts";

/** `listen`: a port, or a server that is bound already. `hostname`: the address to bind, default 127.0.0.1. */
export interface WalletStartOptions extends WalletOptions {
  readonly listen: number | Server;
  readonly hostname?: string;
  /** Exactly one proxy stands in front, and its `X-Forwarded-For` says who asks. */
  readonly behindProxy?: boolean;
  readonly logger?: Logger;
}

/** Starts the wallet; `url` is its public URL. Throws `StartupProblem` and `StorageError`. */
export async function start(options: WalletStartOptions): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const logger = options.logger ?? createLogger("wallet");
  const wallet = await createWallet(options, logger);
  try {
    const served = await serve({
      handler: (request) => wallet.fetch(request),
      node: (request, response) => wallet.node(request, response),
      listen: options.listen,
      hostname: options.hostname ?? "127.0.0.1",
      behindProxy: options.behindProxy === true,
      hosts: [new URL(wallet.publicUrl).host],
      logger,
      ready: () => wallet.ready(),
      onStop: () => wallet.stopWaiting(),
      portVariable: "COUNTERSIGN_WALLET_PORT",
    });
    return {
      url: wallet.publicUrl,
      async stop() {
        await served.stop();
        await wallet.close();
      },
    };
  } catch (error) {
    await wallet.close();
    throw error;
  }
}

/** The wallet as its environment describes it. Throws `StartupProblem`. */
function startFromEnvironment(): ReturnType<typeof start> {
  const config = requireConfig(walletConfig, process.env);
  const { data, databaseUrl, publicUrl, bankUrl, resources, limits, timeZone, port, hostname, rateFactor, behindProxy } = config;
  const folder = openDataFolder(data);
  return start({
    publicUrl,
    bankUrl,
    clients: withSecrets(config.clients, process.env),
    openClients: { documents: config.clientDocuments, registration: config.clientRegistration },
    resources,
    limits: { limits, timeZone },
    hostname,
    rateFactor,
    behindProxy,
    listen: port,
    databaseUrl: databaseUrl ?? folder.databaseUrl("wallet"),
    markFile: markFileOf(folder),
    ...sealingKeys(config, folder),
  });
}

if (import.meta.main) {
  const args = process.argv.slice(2);
  if (args.length === 0) {
    await runMain("wallet", async () => startFromEnvironment());
  } else {
    const print = (text: string): void => void process.stdout.write(`${text}\n`);
    const ended = await runCommand(args, () => requireConfig(walletConfig, process.env), print).catch((error: unknown) => error);
    if (typeof ended !== "number") process.stderr.write(`wallet: ${startupSentence(ended) ?? describeError(ended).name}\n`);
    process.exitCode = typeof ended === "number" ? ended : 1;
  }
}
