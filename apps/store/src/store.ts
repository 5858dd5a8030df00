import { randomBytes } from "node:crypto";
import { type App, createApp } from "@countersign/kit/app";
import { createPayee } from "@countersign/kit/payment/payee";
import type { EpochMs } from "@countersign/protocol/brand";
import { createLogger, type Logger } from "@countersign/service/log";
import type { Database } from "@countersign/storage/open";
import type { Sealer } from "@countersign/storage/sealed";
import type { AcpAgent } from "./acp/agents.ts";
import { type AcpRoutes, openAcp } from "./acp/serve-acp.ts";
import { createTelling, type Telling } from "./acp/tell-agents.ts";
import { createBankClient } from "./bank-client.ts";
import { openBankEvents } from "./bank-events.ts";
import { variants } from "./catalogue/products.ts";
import { openLinkRows } from "./link-rows.ts";
import type { AnnounceOrder } from "./orders/announce.ts";
import { orderPagesPath, orderPageUrl, serveOrderPage } from "./orders/order-page.ts";
import { openApprovalRows } from "./payment/approval-rows.ts";
import { recover, startRecovery } from "./payment/recovery.ts";
import { bankEventsPath, takeBankEvent, takeWalletEvent, walletEventsPath } from "./payment/pushed-events.ts";
import { type RefundLimits, refundLimits } from "./refunds/refund-approval.ts";
import type { Report, StoreEvent } from "./report.ts";
import type { Shop } from "./shop.ts";
import { openSigningKey } from "./signing-key.ts";
import { openStock } from "./stock.ts";
import type { StoreTables } from "./tables.ts";
import { addAccountTools } from "./tools/account-tools.ts";
import { addCatalogueTools } from "./tools/catalogue-tools.ts";
import { addChangeTools } from "./tools/change-tools.ts";
import { addCheckoutTools } from "./tools/checkout-tools.ts";
import { addOrderTools } from "./tools/order-tools.ts";
import { addPayTools } from "./tools/pay-tool.ts";
import { addRefundTool } from "./tools/refund-tool.ts";
import { openUcp, type Ucp } from "./ucp/routes.ts";
import { createWork, endWork, workIdle } from "./work.ts";

type AppReport = NonNullable<Parameters<typeof createApp>[0]["report"]>;

export interface StoreOptions {
  /** Public origin of the store; the MCP endpoint is `<url>/mcp`. */
  readonly url: string;
  /** Issuer of the wallet. */
  readonly wallet: string;
  /** Origin of the bank. */
  readonly bank: string;
  /** The store's client id at the wallet and at the bank, which is its payee id too. */
  readonly clientId: string;
  /** The shop's name on receipts. */
  readonly name: string;
  /** Opened with {@link storeMigrations}; the caller closes it. */
  readonly db: Database<StoreTables>;
  readonly sealer: Sealer;
  /** The built view: one HTML document. */
  readonly widgetHtml: string;
  /** Shopping agents that may buy over ACP; without any the store has no such surface. */
  readonly agents?: readonly AcpAgent[];
  readonly allowedOrigins?: readonly string[];
  readonly allowedHosts?: readonly string[];
  /** How often unfinished work is looked for, in milliseconds; 0 leaves it to {@link Store.recover}. */
  readonly recoveryMs?: number;
  readonly captureMsMax?: number;
  /** From which sum on a refund needs the user's passkey; by default above 100.00 EUR of an order. */
  readonly refundLimits?: RefundLimits;
  readonly readMsMax?: number;
  readonly clock?: () => EpochMs;
  readonly fetch?: typeof fetch;
  readonly randomId?: () => string;
  /** Says how telling agents goes. */
  readonly logger?: Logger;
  readonly report?: (event: StoreEvent | Parameters<AppReport>[0]) => void;
}

export interface Store {
  fetch(request: Request): Promise<Response>;
  /** Picks up unfinished work once. */
  recover(): Promise<void>;
  /** Resolves when no approval is being waited for, none is being withdrawn and no payment is being looked at. */
  idle(): Promise<void>;
  /** Answers at once whoever waits for a person. Call it when stopping begins. */
  leave(): void;
  /** Stops watching and recovering; what is unfinished is picked up by the next start. */
  close(): Promise<void>;
}

/** Builds the store without opening a port. Its keys and stock are made on first use of the database. */
export async function createStore(options: StoreOptions): Promise<Store> {
  const stop = new AbortController();
  const leaving = new AbortController();
  const telling = openTelling(options);
  const shop = await createShop(options, telling.announce, stop.signal);
  const app = createShopApp(options, shop, leaving.signal);
  const ucp = openUcp(shop, shared(options));
  const routes = routesOf(shop, ucp, openAcp(shop, { wallet: options.wallet, agents: options.agents ?? [] }));
  const stopRecovery = options.recoveryMs === 0 ? undefined : startRecovery(shop, options.recoveryMs ?? 2_000);
  if (stopRecovery !== undefined) telling.start();
  return {
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const route = routes.find(({ path }) => (path.endsWith("/") ? pathname.startsWith(path) : pathname === path));
      return await (route?.serve(request) ?? app.fetch(request));
    },
    async recover() {
      await recover(shop);
      await telling.deliver();
    },
    idle: () => workIdle(shop),
    leave: () => leaving.abort(),
    async close() {
      leaving.abort();
      stop.abort();
      await stopRecovery?.();
      await endWork(shop);
      await telling.close();
      await ucp.close();
      await app.close();
    },
  };
}

/** Tells agents of their orders; each by an address of its page that can be handed to the buyer. */
function openTelling({
  db,
  sealer,
  url,
  agents = [],
  logger = createLogger("store", { level: "silent" }),
  clock: now = Date.now,
}: StoreOptions): Telling {
  return createTelling({ db, agents, url, permalinkOf: (orderId) => orderPageUrl({ url, sealer }, orderId), logger, now });
}

/** Makes what every surface works with. `stopping` gives up what the bank is being asked. */
async function createShop(options: StoreOptions, announce: AnnounceOrder, stopping: AbortSignal): Promise<Shop> {
  const { db, sealer, name, url } = options;
  const clock = options.clock ?? Date.now;
  const report: Report = options.report ?? (() => undefined);
  await openStock(db, variants);
  const payee = createPayee({
    wallet: options.wallet,
    clientId: options.clientId,
    signingKey: await openSigningKey(db, sealer),
    approvals: openApprovalRows(db, sealer, clock),
    clock,
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  });
  const bank = createBankClient({
    bank: options.bank,
    assertion: (audience) => payee.assertion(audience),
    fetch: options.fetch ?? fetch,
    captureMsMax: options.captureMsMax ?? 15_000,
    readMsMax: options.readMsMax ?? 5_000,
    signal: stopping,
  });
  const bankEvents = openBankEvents({ bank: options.bank, clientId: options.clientId, fetch: options.fetch ?? fetch, clock });
  const answers = openLinkRows(db, clock, "tool-answer");
  const randomId = options.randomId ?? (() => randomBytes(16).toString("base64url"));
  const parts = {
    ...createWork({ db, payee, bank, sealer, clock, report, announce }),
    bankEvents,
    answers,
    refundLimits: options.refundLimits ?? refundLimits,
  };
  return { name, url, resource: `${url}/mcp`, db, payee, sealer, ...parts, clock, randomId, report };
}

function createShopApp(options: StoreOptions, shop: Shop, stopping: AbortSignal): App {
  const app = createApp({
    name: "store",
    version: "1.0.0",
    title: options.name,
    instructions: "A shop. Browse freely; paying asks the user for an approval in their wallet.",
    resource: shop.resource,
    issuer: options.wallet,
    payee: shop.payee,
    stopping,
    accountLink: { clientId: options.clientId, store: openLinkRows(options.db, shop.clock, "account-link") },
    clock: shop.clock,
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
    ...shared(options),
  });
  app.ui("shop", { html: options.widgetHtml, title: options.name, description: "Products, checkout and orders", csp: {}, prefersBorder: false });
  addCatalogueTools(app, shop);
  addCheckoutTools(app, shop);
  addChangeTools(app, shop);
  addPayTools(app, shop);
  addOrderTools(app, shop);
  addRefundTool(app, shop);
  addAccountTools(app);
  return app;
}

/** Who serves what: by a path, or with a slash at its end everything below it. The rest is the tools' endpoint. */
function routesOf(shop: Shop, ucp: Ucp, acp: AcpRoutes): Ucp["routes"] {
  return [
    { path: walletEventsPath, serve: (request) => takeWalletEvent(shop, request) },
    { path: bankEventsPath, serve: (request) => takeBankEvent(shop, request) },
    { path: orderPagesPath, serve: (request) => serveOrderPage(shop, request) },
    ...ucp.routes,
    ...acp,
  ];
}

/** What every MCP endpoint of the store is told alike. */
function shared({ allowedOrigins, allowedHosts, report }: StoreOptions): Pick<StoreOptions, "allowedOrigins" | "allowedHosts" | "report"> {
  return {
    ...(allowedOrigins === undefined ? {} : { allowedOrigins }),
    ...(allowedHosts === undefined ? {} : { allowedHosts }),
    ...(report === undefined ? {} : { report }),
  };
}
