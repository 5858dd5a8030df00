import { createServer, type Server } from "node:http";
import type { EpochMs } from "@countersign/protocol/brand";
import type { ErrorCode } from "@countersign/protocol/errors";
import { ok } from "@countersign/protocol/result";
import type { Secret } from "@countersign/protocol/secret";
import { createLogger } from "@countersign/service/log";
import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import { createRotatingSealer } from "@countersign/storage/sealed";
import type { JSONWebKeySet } from "jose";
import { type BankClient, createBankClient } from "../src/bank/bank-client.ts";
import { loadKeys, type WalletKeys } from "../src/keys.ts";
import type { LimitDefaults } from "../src/limits/settings.ts";
import { walletMigrations } from "../src/migrations.ts";
import { denyPayment } from "../src/payment-requests/approve.ts";
import { expireRequests } from "../src/payment-requests/expire.ts";
import { findOpenRequest, recordApproval, type RecordParts } from "../src/payment-requests/record-approval.ts";
import { paymentRequestKind, writtenStatusOf } from "../src/payment-requests/request.ts";
import { withdrawPayment } from "../src/payment-requests/withdraw.ts";
import { createWallet, type Wallet } from "../src/wallet.ts";
import { signEvent } from "../src/webhooks/sign-event.ts";
import { addPerson, appId, endPolicies, signPolicy, tokenFor } from "./people.ts";

export interface TownWalletOptions {
  readonly url: string;
  readonly databaseUrl: string;
  readonly sealingKey: Secret;
  readonly bankUrl: string;
  readonly payee: { readonly clientId: string; readonly url: string; readonly resource: string; readonly jwks: JSONWebKeySet };
  readonly limits: LimitDefaults;
  readonly now: () => EpochMs;
}

const logger = createLogger("wallet", { level: "silent" });

/** What came of a decision: `ok`, or the refusal's code. */
export type Decided = "ok" | ErrorCode;

/** A wallet without a port, whose people decide by the code behind its pages: everything of it is real except browser and passkey. */
export class TownWallet {
  readonly #options: TownWalletOptions;
  readonly #wallet: Wallet;
  readonly #server: Server;
  readonly #parts: RecordParts;
  readonly #bank: BankClient;

  private constructor(
    options: TownWalletOptions,
    held: { readonly wallet: Wallet; readonly server: Server; readonly database: Database<unknown>; readonly keys: WalletKeys },
  ) {
    const { wallet, server, database, keys } = held;
    const { bankUrl, url: issuer, limits, now } = options;
    const sealer = createRotatingSealer(options.sealingKey);
    this.#options = options;
    this.#wallet = wallet;
    this.#server = server;
    this.#parts = { database, sealer, signing: keys.signing, issuer, bankOrigin: bankUrl, limits, now };
    this.#bank = createBankClient({ bankUrl, issuer, key: keys.signing, now });
  }

  static async open(options: TownWalletOptions): Promise<TownWallet> {
    const { payee, url: publicUrl, bankUrl, databaseUrl, sealingKey, limits, now } = options;
    const sealer = createRotatingSealer(sealingKey);
    const wallet = await createWallet(
      {
        publicUrl,
        bankUrl,
        databaseUrl,
        sealingKey,
        limits,
        now,
        rateFactor: 1_000_000,
        clients: [
          {
            client_id: payee.clientId,
            client_name: "Harbour Goods",
            client_uri: payee.url,
            token_endpoint_auth_method: "private_key_jwt",
            grant_types: ["client_credentials"],
            jwks: payee.jwks,
          },
        ],
        resources: [{ resource: payee.resource, name: "Harbour Goods", client_id: payee.clientId, scopes: { "orders:read": "See your orders" } }],
      },
      logger,
    );
    const database = await openDatabase<unknown>({ url: databaseUrl, schema: "wallet", migrations: walletMigrations });
    const keys = await loadKeys(database, sealer, now);
    const server = createServer((request, response) => {
      if (!wallet.node(request, response)) response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new TownWallet(options, { wallet, server, database, keys });
  }

  /** Answers without a port, except for the endpoints of OAuth: they are asked at {@link oauthPort}. */
  fetch(request: Request): Promise<Response> {
    return this.#wallet.fetch(request);
  }

  get oauthPort(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new TypeError("the wallet does not listen");
    return address.port;
  }

  /** A person who allows an app to use the payee's server. */
  addPerson(accountId: string): Promise<void> {
    return addPerson(this.#parts.database, accountId, this.#options.payee, this.#parts.now());
  }

  /** An access token of a person for the payee's server, as the wallet gives it to an app. */
  token(accountId: string): Promise<string> {
    return tokenFor(this.#parts, accountId, this.#options.payee, { now: this.#parts.now(), lifeSeconds: 300 });
  }

  /** The yes of a person, where the page would come after the passkey. */
  async approve(requestId: string, accountId: string): Promise<Decided> {
    const { database, now } = this.#parts;
    const found = await findOpenRequest(database, requestId, accountId, now());
    if (!found.ok) return found.error.code;
    const { currency } = found.value.value.terms;
    const account = await this.#bank.openAccount({ userId: accountId, currency, holder: "Ada" });
    if (!account.ok) return account.error.code;
    const { id, description } = account.value;
    const instrument = { type: "bank_account", id, description } as const;
    const yes = { requestId, request: found.value, accountId, instrument, channel: "same_device", clientId: appId, evidence: {} } as const;
    const approved = await recordApproval(this.#parts, yes, async () => ok(undefined));
    return approved.ok ? "ok" : approved.error.code;
  }

  async deny(requestId: string, accountId: string): Promise<Decided> {
    const denied = await denyPayment(this.#parts.database, requestId, accountId, this.#parts.now());
    return denied.ok ? "ok" : denied.error.code;
  }

  /** A person takes an approval back that was not used. */
  async takeBack(requestId: string, accountId: string): Promise<Decided> {
    const taken = await withdrawPayment(this.#parts.database, requestId, { by: "user", accountId }, this.#parts.now());
    return taken.ok ? "ok" : taken.error.code;
  }

  /** A person signs a policy for the payee; whatever they had before is ended. */
  signPolicy(accountId: string, terms: { readonly ceiling: number; readonly budget: number }): Promise<void> {
    return signPolicy(this.#parts.database, accountId, this.#options.payee, terms, this.#parts.now());
  }

  endPolicies(accountId: string): Promise<void> {
    return endPolicies(this.#parts.database, accountId, this.#parts.now());
  }

  /** The event in which the wallet tells its payee what became of a request; undefined of a request that it does not have. */
  async event(requestId: string): Promise<string | undefined> {
    const { database, issuer, now, signing } = this.#parts;
    const found = await database.records(paymentRequestKind).get(requestId, now());
    if (found === undefined) return undefined;
    const { sequence, payee } = found.value;
    const told = { event_id: `evt_${crypto.randomUUID()}`, target_id: payee.id, subject_id: requestId, sequence, event_at: now() };
    return signEvent({ ...told, status: writtenStatusOf(found.value), attempts: 0, next_at: 0 }, issuer, signing, now());
  }

  /** What the wallet does by itself as time passes. */
  async upkeep(): Promise<void> {
    while ((await expireRequests(this.#parts.database, this.#parts.now())) > 0);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await this.#wallet.close();
  }
}
