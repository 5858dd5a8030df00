import type { IncomingMessage, ServerResponse } from "node:http";
import { parseIssuer } from "@countersign/protocol/resource";
import type { Logger } from "@countersign/service/log";
import { StartupProblem } from "@countersign/service/startup-problem";
import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import { createRotatingSealer, type Sealer } from "@countersign/storage/sealed";
import { Hono } from "hono";
import type Provider from "oidc-provider";
import { accountClient } from "./account/account-client.ts";
import type { AccountParts } from "./account/frame.ts";
import { accountNotices } from "./account/notices.ts";
import { accountRoutes } from "./account/routes.ts";
import { createClientIdentities } from "./authorize/client-origin.ts";
import type { ServerInterface } from "./authorize/client-token.ts";
import { createInteractions } from "./authorize/interactions.ts";
import { createOidcHandler } from "./authorize/oidc-handler.ts";
import { dialPresented } from "./authorize/presented-fetch.ts";
import { createProvider } from "./authorize/provider.ts";
import { createRegisteredClients } from "./authorize/registered-clients.ts";
import { keepUsedClients, registrationRoutes } from "./authorize/registration.ts";
import { createResources } from "./authorize/resources.ts";
import { createSessions } from "./authorize/sessions.ts";
import { bankAsClient } from "./bank/bank-as-client.ts";
import { createBankClient } from "./bank/bank-client.ts";
import { createFormTokens } from "./forms.ts";
import type { InteractionParts } from "./interaction/parts.ts";
import { interactionRoutes, refusalPage } from "./interaction/routes.ts";
import { endRestored } from "./keep/end-restored.ts";
import { createRestoreMark } from "./keep/restore-mark.ts";
import { startUpkeep } from "./keep/upkeep.ts";
import { loadKeys, openSigningKeys, type WalletKeys } from "./keys.ts";
import { defaultLimits } from "./limits/settings.ts";
import { walletMigrations } from "./migrations.ts";
import { mandateRoutes } from "./mandate/routes.ts";
import type { WalletClient, WalletOptions } from "./options.ts";
import { assetRoutes } from "./pages/assets.ts";
import { pageHeaders } from "./pages/headers.ts";
import { landingPage } from "./pages/landing.ts";
import { type Page, renderPage } from "./pages/layout.ts";
import { errorPage } from "./pages/oauth-error.ts";
import { approvalLinkRoutes } from "./payment-requests/approval-link.ts";
import { approvalLinkClient } from "./payment-requests/approval-link-client.ts";
import { startExpiry } from "./payment-requests/expire.ts";
import { payeeRoutes } from "./payment-requests/payee-routes.ts";
import { firstScreenRoutes } from "./phone/first-screen.ts";
import { ticketRoutes } from "./phone/ticket-routes.ts";
import { autoApprove } from "./policies/auto-approve.ts";
import { createRates, type Rates } from "./rates/rates.ts";
import { recoveryRoutes } from "./recovery/routes.ts";
import { startSweep } from "./sweep.ts";
import { startWebhooks } from "./webhooks/deliver.ts";

/** The wallet without a port: `fetch` for its pages and the payee interface, `node` for the OAuth endpoints. */
export interface Wallet {
  readonly publicUrl: string;
  fetch(request: Request): Promise<Response>;
  /** Takes over the requests of the OAuth endpoints; false for others. */
  node(request: IncomingMessage, response: ServerResponse): boolean;
  /** Whether the database answers and its keys open. Throws when not. */
  ready(): Promise<boolean>;
  /** Ends waiting answers early. */
  stopWaiting(): void;
  close(): Promise<void>;
}

/** Opens the database, makes keys on the first start, and puts the wallet together. Throws `StartupProblem` and `StorageError`. */
export async function createWallet(options: WalletOptions, logger: Logger): Promise<Wallet> {
  const now = options.now ?? Date.now;
  const publicUrl = checkPublicUrl(options.publicUrl);
  const sealer = createRotatingSealer(options.sealingKey, options.otherSealingKeys);
  const database = await openDatabase<unknown>({ url: options.databaseUrl, schema: "wallet", migrations: walletMigrations });
  const stops = [() => database.close()];
  try {
    const mark = createRestoreMark(database, options.markFile);
    if (await mark.isOlder()) {
      logger.warn("backup.restored", {});
      await endRestored(database, await openSigningKeys(database, sealer, now), now());
    }
    const keys = await loadKeys(database, sealer, now);
    const rates = createRates(database, options.rateFactor);
    const stopUpkeep = await startUpkeep({ database, sealer, keys, mark, now, logger });
    stops.unshift(stopUpkeep);
    return assemble({ ...options, publicUrl, now }, { database, sealer, keys, stopUpkeep, rates, logger });
  } catch (error) {
    for (const stop of stops) await stop();
    throw error;
  }
}

interface Foundation {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly keys: WalletKeys;
  readonly stopUpkeep: () => Promise<void>;
  readonly rates: Rates;
  readonly logger: Logger;
}

function assemble(options: WalletOptions & { readonly now: () => number }, foundation: Foundation): Wallet {
  const { publicUrl, now } = options;
  const { database, sealer, keys, rates, logger } = foundation;
  const stopping = new AbortController();
  const { payees, mandates } = interfacesOf(publicUrl);
  const clients = allClients(options);
  const openClients = options.openClients ?? { documents: "any" };
  const resources = createResources({ database, resources: options.resources, interfaces: [payees, mandates], now });
  const provider = createProvider({
    issuer: publicUrl,
    database,
    sealer,
    keys,
    clients,
    openClients,
    fetching: options.fetchPresented ?? dialPresented(),
    rates,
    logger,
    resources,
    configuredResources: options.resources,
    now,
    stopping: stopping.signal,
    renderErrorPage: (code) => renderPage(errorPage(code)),
  });
  provider.on("server_error", (_ctx, error) => logger.error("oauth.failed", { error }));
  const parts = interactionParts({ ...options, publicUrl, now }, foundation, provider, resources);
  const app = new Hono();
  app.route("/", assetRoutes());
  app.route("/", interactionRoutes(parts));
  app.route("/", approvalLinkRoutes({ publicUrl, database, provider, rates, now }));
  app.route("/", firstScreenRoutes({ ...parts, stopping: stopping.signal }));
  app.route("/", ticketRoutes(parts));
  app.route("/", accountPages(parts, sealer));
  app.route(
    "/",
    payeeRoutes({
      issuer: publicUrl,
      payees,
      provider,
      clients: options.clients,
      database,
      sealer,
      rates,
      logger,
      now,
      autoApprove: (requestId, accountId) => autoApprove(parts, requestId, accountId),
      stopping: stopping.signal,
    }),
  );
  if (openClients.registration === true) app.route("/", openRegistration(foundation, provider, now));
  app.route("/", mandateRoutes({ provider, mandates, database, sealer, logger, now }));
  addCommonPages(app, logger, publicUrl.startsWith("https:"));
  const work = startWork(options, foundation);
  return {
    publicUrl,
    fetch: async (request) => app.fetch(request),
    node: createOidcHandler(provider, publicUrl),
    async ready() {
      await keys.refresh();
      return true;
    },
    stopWaiting: () => stopping.abort(),
    async close() {
      stopping.abort();
      await Promise.all(work.map((stop) => stop()));
      await foundation.stopUpkeep();
      await database.close();
    },
  };
}

function openRegistration({ database, sealer, rates, logger }: Foundation, provider: Provider, now: () => number): Hono {
  const registered = createRegisteredClients(database, sealer, now);
  keepUsedClients(provider, registered);
  return registrationRoutes({ provider, registered, rates, logger, now });
}

/** What other servers call, beside OAuth. */
function interfacesOf(publicUrl: string): { readonly payees: ServerInterface; readonly mandates: ServerInterface } {
  return {
    payees: { resource: `${publicUrl}/payment-requests`, scope: "payment_requests" },
    mandates: { resource: `${publicUrl}/mandates`, scope: "mandates" },
  };
}

/** What goes on beside requests; each of the functions ends one part of it. */
function startWork(options: WalletOptions & { readonly now: () => number }, foundation: Foundation): readonly (() => Promise<void>)[] {
  const { publicUrl, clients, now } = options;
  const { database, logger } = foundation;
  return [startWebhooks({ ...foundation, issuer: publicUrl, clients, now }), startSweep(database, now, logger), startExpiry(database, now, logger)];
}

/** The operator's clients, the bank, and the wallet as its own. */
function allClients({ clients, publicUrl, bankUrl }: WalletOptions): readonly WalletClient[] {
  return [...clients, approvalLinkClient(publicUrl), accountClient(publicUrl), bankAsClient(bankUrl)];
}

function interactionParts(
  options: WalletOptions & { readonly now: () => number },
  { database, sealer, keys, rates, logger }: Foundation,
  provider: Provider,
  resources: ReturnType<typeof createResources>,
): InteractionParts {
  const { publicUrl, bankUrl, now } = options;
  const url = new URL(publicUrl);
  const party = { id: url.hostname, name: "Countersign Wallet", origin: url.origin };
  return {
    database,
    provider,
    interactions: createInteractions(provider, createClientIdentities(allClients(options), options.resources), now),
    resources,
    bank: createBankClient({
      bankUrl,
      issuer: publicUrl,
      get key() {
        return keys.signing;
      },
      now,
    }),
    forms: createFormTokens(keys.forms),
    party,
    approval: {
      database,
      sealer,
      party,
      get signing() {
        return keys.signing;
      },
      issuer: publicUrl,
      bankOrigin: new URL(bankUrl).origin,
      limits: options.limits ?? defaultLimits,
      now,
    },
    rates,
    logger,
    now,
  };
}

/** The account's pages, and the way back in for who has no passkey left. */
function accountPages(parts: InteractionParts, sealer: Sealer): Hono {
  const { database, provider, forms, party, rates, logger, now, resources } = parts;
  const sessions = createSessions({ provider, database, now });
  const notices: AccountParts["notices"] = (accountId) => accountNotices(database, accountId, now());
  const account = { database, sealer, limits: parts.approval.limits, sessions, forms, party, rates, logger, now, notices };
  const app = new Hono();
  app.route("/", accountRoutes(account, provider, resources));
  app.route("/", recoveryRoutes(account));
  return app;
}

/** What a browser sees at the front, at an unknown address, and when something broke. */
function addCommonPages(app: Hono, logger: Logger, isHttps: boolean): void {
  app.get("/", () => respondPage(landingPage(), 200, isHttps));
  app.notFound(() => respondPage(refusalPage({ code: "not_found" }).page, 404, isHttps));
  app.onError((error) => {
    logger.error("page.failed", { error });
    return respondPage(errorPage("server_error"), 500, isHttps);
  });
}

async function respondPage(page: Page, status: number, isHttps: boolean): Promise<Response> {
  return new Response(await renderPage(page), { status, headers: { "content-type": "text/html; charset=utf-8", ...pageHeaders(isHttps) } });
}

/** An issuer with a path would have its metadata at two places, and passkeys need a host name. */
function checkPublicUrl(text: string): string {
  const issuer = parseIssuer(text);
  const url = URL.parse(text);
  if (!issuer.ok || url === null || url.origin !== text) {
    throw new StartupProblem("The wallet's public URL must be an https origin without a path, or http on localhost.");
  }
  if (/^[\d.]+$|^\[/.test(url.hostname))
    throw new StartupProblem("The wallet's public URL must have a host name, because passkeys do not work on an IP address.");
  return text;
}
