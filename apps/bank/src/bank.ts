import type { EpochMs } from "@countersign/protocol/brand";
import { refuse } from "@countersign/protocol/errors";
import type { Secret } from "@countersign/protocol/secret";
import { createLogger, type Logger } from "@countersign/service/log";
import { deliverDue, startOutbox } from "@countersign/service/outbox/outbox";
import { respondJson, respondRefusal } from "@countersign/service/respond";
import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import { createSealer, type Sealer } from "@countersign/storage/sealed";
import { Hono } from "hono";
import { routeAccounts } from "./account-routes.ts";
import type { ReportEvent } from "./bank-event.ts";
import { type BankClient, createClientAuthenticator } from "./clients.ts";
import { createDoor } from "./door.ts";
import { expireHolds } from "./expire-holds.ts";
import type { ReachFaultPoint } from "./fault-point.ts";
import { createKeyedWrites } from "./keyed-writes.ts";
import { createKeySets } from "./key-sets.ts";
import { createMandateVerifier } from "./mandates.ts";
import { routePages } from "./pages/routes.ts";
import { createSignIn } from "./pages/sign-in.ts";
import { routePayments } from "./payment-routes.ts";
import { createRedemptions } from "./redeem-at-wallet.ts";
import { openSigningKey, type SigningKey } from "./signing-key.ts";
import { sweep } from "./sweep.ts";
import { type BankTables, migrations } from "./tables.ts";
import { createWalletClient } from "./wallet-client.ts";
import { createWalletTokens } from "./wallet-token.ts";
import { createAnnouncer, outboxOf } from "./webhooks/tell-payees.ts";

/**
 * `url`: the bank's own origin, the audience of every assertion and mandate. `databaseUrl`: as in `@countersign/storage/database`.
 * `sealingKey`: 32 bytes in base64url. `openingBalance`: minor units that each new account of a wallet's user gets. `fetch`, `clock`: the network and the time. `reach`: fault points of tests.
 */
export interface BankOptions {
  readonly url: string;
  readonly databaseUrl: string | Secret;
  readonly sealingKey: Secret;
  readonly clients: readonly BankClient[];
  readonly openingBalance: number;
  readonly fetch?: typeof fetch;
  readonly clock?: () => EpochMs;
  readonly report?: ReportEvent;
  readonly reach?: ReachFaultPoint;
  readonly logger?: Logger;
}

export interface Bank {
  /** Accounts for wallets, payments for payees, pages for the owners of accounts, and the bank's own public key. */
  fetch(request: Request): Promise<Response>;
  /** Resolves when the database answers. */
  ready(): Promise<void>;
  /** Deletes what has expired; gives how many rows went. */
  sweep(): Promise<number>;
  /** Releases what was set aside and not captured in time; gives for how many payments. */
  expireHolds(): Promise<number>;
  /** Tells payees what is due now; gives how many events arrived. */
  tellPayees(): Promise<number>;
  /** Tells payees of each change of their payments until the answer is called. */
  startTelling(): () => Promise<void>;
  /** Voids redemptions that came to nothing; gives how many. */
  settleRedemptions(): Promise<number>;
  close(): Promise<void>;
}

/** A bank without a port. Throws `StorageError` when its database cannot be used. */
export async function createBank(options: BankOptions): Promise<Bank> {
  const { clients } = options;
  const clock = options.clock ?? Date.now;
  const audience = new URL(options.url).origin;
  const announce = createAnnouncer(clients, audience);
  const database = await openDatabase<BankTables>({ url: options.databaseUrl, schema: "bank", migrations });
  const send = options.fetch ?? fetch;
  const reach = options.reach ?? (() => undefined);
  const keySets = createKeySets(send);
  const { key, sealer } = await openKey(database, options.sealingKey);
  const tokens = createWalletTokens({ clientId: audience, key, fetch: send, clock });
  const redemptions = createRedemptions({ database, clients, wallet: createWalletClient({ tokens, fetch: send }), reach });
  const report = options.report ?? (() => undefined);
  const payments = { database, reach, announce };
  const outbox = outboxOf({ database, clients, issuer: audience, key, logger: options.logger ?? createLogger("bank"), now: clock });
  const authenticator = createClientAuthenticator({ database, clients, keySets, audience });
  const mandates = createMandateVerifier({ clients, keySets, audience });
  const door = createDoor({ authenticator, clock, report });
  const app = new Hono();
  routeAccounts(app, door, database, options.openingBalance);
  const wallets = clients.flatMap((client) => (client.role === "wallet" ? [client.clientId] : []));
  const signIn = createSignIn({ origin: audience, wallets, key, sealer, fetch: send, now: clock });
  routePages(app, { database, signIn, wallets, origin: audience, now: clock, report });
  routePayments(app, { ...payments, mandates, redemptions, door, serveKeyed: createKeyedWrites(database) });
  app.get("/.well-known/jwks.json", () => respondJson(200, { keys: [key.publicJwk] }, { "cache-control": "public, max-age=300" }));
  app.notFound(() => respondRefusal(refuse("not_found")));
  return {
    fetch: async (request) => app.fetch(request),
    ready: async () => {
      await database.sql.selectFrom("accounts").select("id").limit(1).execute();
    },
    sweep: () => sweep(database, clock()),
    expireHolds: () => expireHolds(payments, clock(), report),
    tellPayees: () => deliverDue(outbox),
    startTelling: () => startOutbox(outbox),
    settleRedemptions: () => redemptions.settle(clock()),
    close: () => database.close(),
  };
}

async function openKey(database: Database<BankTables>, sealingKey: Secret): Promise<{ readonly key: SigningKey; readonly sealer: Sealer }> {
  try {
    const sealer = createSealer({ current: "k1", keys: { k1: sealingKey } });
    return { key: await openSigningKey(database, sealer), sealer };
  } catch (error) {
    await database.close();
    throw error;
  }
}
