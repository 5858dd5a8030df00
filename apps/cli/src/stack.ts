import type { Server } from "node:http";
import { fileURLToPath } from "node:url";
import type { Secret } from "@countersign/protocol/secret";
import { parseIssuer, parseResourceUri } from "@countersign/protocol/resource";
import { start as startBank } from "@countersign/bank/main";
import { callbackId } from "@countersign/host/authorize/callback-id";
import { type HostStartOptions, start as startHost } from "@countersign/host/main";
import type { Logger } from "@countersign/service/log";
import type { Started } from "@countersign/service/run-main";
import { readWidget, start as startStore, type StoreStartOptions } from "@countersign/store/main";
import { start as startWallet } from "@countersign/wallet/main";
import { deviceGrant, type WalletClient, type WalletResource } from "@countersign/wallet/options";
import { cliClientId } from "./cli-client.ts";
import { type LocalApp, payeeKeysUri, requireDistinctApps } from "./local-app.ts";

/** Where each party keeps its rows and which key seals them. */
export interface StackData {
  databaseUrl(party: string): string | Secret;
  key(party: string): Secret;
  /** The keys of a party that rotates them, the one that seals first. */
  keys(party: string): readonly [Secret, ...Secret[]];
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
  /** Products that embed the host. */
  readonly apiClients?: NonNullable<HostStartOptions["apiClients"]>;
  /** Shopping agents that may buy at the store over ACP. */
  readonly agents?: NonNullable<StoreStartOptions["agents"]>;
  readonly hostLimits?: NonNullable<HostStartOptions["limits"]>;
  /** Further OAuth clients of the wallet, beside the console and the store. */
  readonly walletClients?: readonly WalletClient[];
  /** Further connectors of the console, beside the store. */
  readonly connectors?: HostStartOptions["connectors"];
  /** The console's OAuth clients at other authorization servers than the wallet, by issuer. */
  readonly hostClients?: HostStartOptions["clients"];
  /** Apps that host, wallet and bank get to know beside the store. They run by themselves. */
  readonly apps?: readonly LocalApp[];
  /** Further resources that trust the wallet, beside the store. */
  readonly walletResources?: readonly WalletResource[];
  /** Public origins where they differ from the listeners, as behind a proxy. */
  readonly urls?: Partial<StackUrls>;
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
  /** Each running party, in the order of starting. */
  readonly parties: Readonly<Record<PartyName, Started>>;
  stop(): Promise<void>;
}

export type PartyName = "bank" | "wallet" | "store" | "host";

/** The console's OAuth client at the wallet. */
const consoleClientId = "countersign-host";

/** The store's client id at the wallet and the bank, which is its payee id. */
const storeClientId = "store";

const shopName = "Harbour Goods";

/**
 * Starts host, wallet, store and bank in this process, each on its own origin, wired as in production: they meet over HTTP only.
 * Throws `StartupProblem` when one cannot start; those that did are stopped again.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const urls = { ...publicUrls(options.listen), ...options.urls };
  requireDistinctApps(options.apps ?? [], urls.wallet);
  const started: Started[] = [];
  const stop = async (): Promise<void> => {
    // The host first: it is the one that holds calls open to the others.
    for (const party of started.splice(0).reverse()) await party.stop();
  };
  const startOne = async (party: Promise<Started>): Promise<Started> => {
    started.push(await party);
    return party;
  };
  try {
    const bank = await startOne(startTheBank(options, urls));
    const wallet = await startOne(startTheWallet(options, urls));
    const store = await startOne(startTheStore(options, urls));
    const host = await startOne(startTheHost(options, urls));
    return { urls, parties: { bank, wallet, store, host }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startTheBank(options: StackOptions, urls: StackUrls): Promise<Started> {
  return startBank({
    url: urls.bank,
    hosts: [new URL(urls.bank).host],
    listen: options.listen.bank,
    databaseUrl: options.data.databaseUrl("bank"),
    sealingKey: options.data.key("bank"),
    openingBalance: options.openingBalance,
    clients: [
      {
        clientId: storeClientId,
        jwksUri: `${urls.store}/.well-known/jwks.json`,
        role: "payee",
        webhookUri: `${urls.store}/webhooks/bank`,
      },
      { clientId: urls.wallet, jwksUri: `${urls.wallet}/jwks`, role: "wallet", mandatesUri: `${urls.wallet}/mandates` },
      ...(options.apps ?? []).flatMap((app) =>
        app.payee === undefined ? [] : [{ clientId: app.payee, jwksUri: payeeKeysUri(app), role: "payee" as const }],
      ),
    ],
    logger: options.logger("bank"),
  });
}

function startTheWallet(options: StackOptions, urls: StackUrls): Promise<Started> {
  const [sealingKey, ...otherSealingKeys] = options.data.keys("wallet");
  return startWallet({
    publicUrl: urls.wallet,
    listen: options.listen.wallet,
    databaseUrl: options.data.databaseUrl("wallet"),
    sealingKey,
    otherSealingKeys,
    bankUrl: urls.bank,
    clients: [
      consoleClient(options, urls),
      commandLineClient(options, urls),
      storeClient(urls),
      ...(options.apps ?? []).flatMap((app) => [...payeeClient(app), ...linkClient(app)]),
      ...(options.walletClients ?? []),
    ],
    resources: [
      {
        resource: `${urls.store}/mcp`,
        client_id: storeClientId,
        name: shopName,
        scopes: { "orders:read": "See your orders and receipts", "orders:write": "Get refunds for your orders" },
      },
      ...(options.apps ?? []).map(({ resource, title, scopes, payee }) => ({
        resource,
        name: title,
        scopes,
        ...(payee === undefined ? {} : { client_id: payee }),
      })),
      ...(options.walletResources ?? []),
    ],
    logger: options.logger("wallet"),
  });
}

async function startTheStore(options: StackOptions, urls: StackUrls): Promise<Started> {
  const [sealingKey, ...otherSealingKeys] = options.data.keys("store");
  return startStore({
    url: urls.store,
    hosts: [new URL(urls.store).host],
    listen: options.listen.store,
    databaseUrl: options.data.databaseUrl("store"),
    sealingKey,
    otherSealingKeys,
    wallet: urls.wallet,
    bank: urls.bank,
    clientId: storeClientId,
    name: shopName,
    widgetHtml: await readWidget(fileURLToPath(new URL("../../store/widget/dist/shop.html", import.meta.url))),
    logger: options.logger("store"),
    ...(options.agents === undefined ? {} : { agents: options.agents }),
  });
}

function startTheHost(options: StackOptions, urls: StackUrls): Promise<Started> {
  const [sealingKey, ...otherSealingKeys] = options.data.keys("host");
  return startHost({
    publicUrl: urls.console,
    widgetOrigin: urls.widgets,
    listen: options.listen.console,
    widgetListen: options.listen.widgets,
    databaseUrl: options.data.databaseUrl("host"),
    sealingKey,
    otherSealingKeys,
    connectors: connectorsOf(options, urls),
    clients: { ...options.hostClients, [urls.wallet]: { clientId: consoleClientId } },
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.hostLimits === undefined ? {} : { limits: options.hostLimits }),
    ...(options.apiClients === undefined ? {} : { apiClients: options.apiClients }),
    logger: options.logger("host"),
  });
}

function connectorsOf(options: StackOptions, urls: StackUrls): HostStartOptions["connectors"] {
  const apps = (options.apps ?? []).map(({ name, title, resource }) => ({ id: name, name: title, url: resource }));
  return [{ id: "store", name: shopName, url: `${urls.store}/mcp` }, ...apps, ...(options.connectors ?? [])];
}

/** The console is a public client with PKCE; it has one redirect URI for each connector at this issuer. */
function consoleClient(options: StackOptions, urls: StackUrls): WalletClient {
  return {
    client_id: consoleClientId,
    client_name: "Countersign console",
    client_uri: urls.console,
    application_type: "native",
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token", deviceGrant],
    redirect_uris: connectorsOf(options, urls).map((connector) => redirectUri(urls, connector.url)),
  };
}

/** The command line on this machine: it comes back to the same paths, at a port of its own, which a native client may choose (RFC 8252 section 7.3). */
function commandLineClient(options: StackOptions, urls: StackUrls): WalletClient {
  return { ...consoleClient(options, urls), client_id: cliClientId, client_name: "Countersign command line" };
}

function redirectUri(urls: StackUrls, connectorUrl: string): string {
  const resource = parseResourceUri(connectorUrl);
  const issuer = parseIssuer(urls.wallet);
  if (!resource.ok || !issuer.ok) throw new TypeError("connectors and issuer of the stack have valid URLs");
  return `${urls.console}/callback/${callbackId(resource.value, issuer.value)}`;
}

function storeClient(urls: StackUrls): WalletClient {
  return {
    client_id: storeClientId,
    client_name: shopName,
    client_uri: urls.store,
    token_endpoint_auth_method: "private_key_jwt",
    grant_types: ["client_credentials", deviceGrant, "refresh_token"],
    jwks_uri: `${urls.store}/.well-known/jwks.json`,
    webhook_uri: `${urls.store}/webhooks/wallet`,
  };
}

function payeeClient(app: LocalApp): readonly WalletClient[] {
  if (app.payee === undefined) return [];
  return [
    {
      client_id: app.payee,
      client_name: app.title,
      client_uri: new URL(app.resource).origin,
      token_endpoint_auth_method: "private_key_jwt",
      grant_types: ["client_credentials", deviceGrant, "refresh_token"],
      jwks_uri: payeeKeysUri(app),
    },
  ];
}

function linkClient(app: LocalApp): readonly WalletClient[] {
  if (app.linkClient === undefined) return [];
  return [
    {
      client_id: app.linkClient,
      client_name: app.title,
      client_uri: new URL(app.resource).origin,
      application_type: "native",
      token_endpoint_auth_method: "none",
      grant_types: [deviceGrant, "refresh_token"],
    },
  ];
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
