import type { Server } from "node:http";
import { fileURLToPath } from "node:url";
import type { Secret } from "@countersign/protocol/secret";
import { parseIssuer, parseResourceUri } from "@countersign/protocol/resource";
import { start as startBank } from "@countersign/bank/main";
import { callbackId } from "@countersign/host/authorize/callback-id";
import { type HostStartOptions, start as startHost } from "@countersign/host/main";
import type { Logger } from "@countersign/service/log";
import { readWidget, start as startStore } from "@countersign/store/main";
import { start as startWallet } from "@countersign/wallet/main";
import type { WalletClient } from "@countersign/wallet/options";

/** Where each party keeps its rows and which key seals them. */
export interface StackData {
  databaseUrl(party: string): string | Secret;
  key(party: string): Secret;
}

/** The five listeners. A number is a port; a server listens already, as tests want it. */
export interface StackListeners {
  readonly console: number | Server;
  readonly widgets: number | Server;
  readonly wallet: number | Server;
  readonly store: number | Server;
  readonly bank: number | Server;
}

export interface StackOptions {
  readonly data: StackData;
  readonly listen: StackListeners;
  readonly logger: (party: string) => Logger;
  /** Minor units that each new bank account starts with. */
  readonly openingBalance: number;
  readonly model?: NonNullable<HostStartOptions["model"]>;
  readonly hostLimits?: NonNullable<HostStartOptions["limits"]>;
  /** Further OAuth clients of the wallet, beside the console and the store. */
  readonly walletClients?: readonly WalletClient[];
  /** Further connectors of the console, beside the store. */
  readonly connectors?: HostStartOptions["connectors"];
}

/** Public origins of the running parties. */
export interface StackUrls {
  readonly console: string;
  readonly widgets: string;
  readonly wallet: string;
  readonly store: string;
  readonly bank: string;
}

export interface Stack {
  readonly urls: StackUrls;
  stop(): Promise<void>;
}

/** The console's OAuth client at the wallet. */
export const consoleClientId = "countersign-host";

/** The store's client id at the wallet and the bank, which is its payee id. */
export const storeClientId = "store";

const shopName = "Harbour Goods";

/**
 * Starts host, wallet, store and bank in this process, each on its own origin, wired as in production: they meet over HTTP only.
 * Throws `StartupProblem` when one cannot start; those that did are stopped again.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const urls = publicUrls(options.listen);
  const starts = [() => startTheBank(options, urls), () => startTheWallet(options, urls), () => startTheStore(options, urls), () => startTheHost(options, urls)];
  const started: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    // The host first: it is the one that holds calls open to the others.
    for (const party of started.reverse()) await party.stop();
  };
  try {
    for (const startOne of starts) started.push(await startOne());
  } catch (error) {
    await stop();
    throw error;
  }
  return { urls, stop };
}

function startTheBank(options: StackOptions, urls: StackUrls): ReturnType<typeof startBank> {
  return startBank({
    url: urls.bank,
    listen: options.listen.bank,
    databaseUrl: options.data.databaseUrl("bank"),
    openingBalance: options.openingBalance,
    clients: [
      { clientId: storeClientId, jwksUri: `${urls.store}/.well-known/jwks.json`, role: "payee" },
      { clientId: urls.wallet, jwksUri: `${urls.wallet}/jwks`, role: "wallet" },
    ],
    logger: options.logger("bank"),
  });
}

function startTheWallet(options: StackOptions, urls: StackUrls): ReturnType<typeof startWallet> {
  return startWallet({
    publicUrl: urls.wallet,
    listen: options.listen.wallet,
    databaseUrl: options.data.databaseUrl("wallet"),
    sealingKey: options.data.key("wallet"),
    bankUrl: urls.bank,
    clients: [consoleClient(urls), storeClient(urls), ...(options.walletClients ?? [])],
    resources: [{ resource: `${urls.store}/mcp`, name: shopName, scopes: { "orders:read": "See your orders and receipts" } }],
    logger: options.logger("wallet"),
  });
}

async function startTheStore(options: StackOptions, urls: StackUrls): ReturnType<typeof startStore> {
  return startStore({
    url: urls.store,
    listen: options.listen.store,
    databaseUrl: options.data.databaseUrl("store"),
    sealingKey: options.data.key("store"),
    wallet: urls.wallet,
    bank: urls.bank,
    clientId: storeClientId,
    name: shopName,
    widgetHtml: await readWidget(fileURLToPath(new URL("../../store/widget/dist/shop.html", import.meta.url))),
    logger: options.logger("store"),
  });
}

function startTheHost(options: StackOptions, urls: StackUrls): ReturnType<typeof startHost> {
  return startHost({
    publicUrl: urls.console,
    widgetOrigin: urls.widgets,
    listen: options.listen.console,
    widgetListen: options.listen.widgets,
    databaseUrl: options.data.databaseUrl("host"),
    sealingKey: options.data.key("host"),
    connectors: [{ id: "store", name: shopName, url: `${urls.store}/mcp` }, ...(options.connectors ?? [])],
    clients: { [urls.wallet]: { clientId: consoleClientId } },
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.hostLimits === undefined ? {} : { limits: options.hostLimits }),
    logger: options.logger("host"),
  });
}

/** The console is a public client with PKCE; its redirect URI is the one callback of (store, wallet). */
function consoleClient(urls: StackUrls): WalletClient {
  const resource = parseResourceUri(`${urls.store}/mcp`);
  const issuer = parseIssuer(urls.wallet);
  if (!resource.ok || !issuer.ok) throw new TypeError("the stack's own URLs are valid");
  return {
    client_id: consoleClientId,
    client_name: "Countersign console",
    client_uri: urls.console,
    application_type: "native",
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
    redirect_uris: [`${urls.console}/callback/${callbackId(resource.value, issuer.value)}`],
  };
}

function storeClient(urls: StackUrls): WalletClient {
  return {
    client_id: storeClientId,
    client_name: shopName,
    client_uri: urls.store,
    token_endpoint_auth_method: "private_key_jwt",
    grant_types: ["client_credentials"],
    jwks_uri: `${urls.store}/.well-known/jwks.json`,
  };
}

/** Development origins: each party its own, the wallet on a name because an RP id is one, an origin per app for widgets. */
function publicUrls(listen: StackListeners): StackUrls {
  return {
    console: `http://127.0.0.1:${portOf(listen.console)}`,
    widgets: `http://{app}.localhost:${portOf(listen.widgets)}`,
    wallet: `http://localhost:${portOf(listen.wallet)}`,
    store: `http://127.0.0.1:${portOf(listen.store)}`,
    bank: `http://127.0.0.1:${portOf(listen.bank)}`,
  };
}

function portOf(listen: number | Server): number {
  if (typeof listen === "number") return listen;
  const address = listen.address();
  if (typeof address !== "object" || address === null) throw new TypeError("a server given to the stack listens already");
  return address.port;
}
