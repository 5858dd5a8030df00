import { createHash, randomUUID } from "node:crypto";
import { mandateClaims } from "@countersign/protocol/mandate";
import { Secret } from "@countersign/protocol/secret";
import { calculateJwkThumbprint, CompactSign, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";
import { type Bank, type BankOptions, createBank } from "../src/bank.ts";
import type { BankEvent } from "../src/bank-event.ts";
import type { PaymentView } from "../src/payment.ts";
import type { MandateDesk } from "./mandate-desk.ts";

export const bankUrl = "http://127.0.0.1:4400";
export const walletUrl = "https://wallet.test";

export const sealingKey: Secret = new Secret(Buffer.alloc(32, 3).toString("base64url"));

/** A party that signs: its client id and the private half of its only key. */
export interface Party {
  readonly id: string;
  readonly key: JWK;
}

/** Makes a party with a new P-256 key. */
export async function makeParty(id: string): Promise<Party> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const key = await exportJWK(privateKey);
  return { id, key: { ...key, kid: await calculateJwkThumbprint(key) } };
}

export interface Parties {
  readonly wallet: Party;
  readonly otherWallet: Party;
  readonly store: Party;
  readonly rival: Party;
}

export async function makeParties(): Promise<Parties> {
  const [wallet, otherWallet, store, rival] = await Promise.all([
    makeParty(walletUrl),
    makeParty("http://other-wallet.test"),
    makeParty("store"),
    makeParty("rival"),
  ]);
  return { wallet, otherWallet, store, rival };
}

/** What a payee sends to `POST /payments`. */
export interface PaymentBody {
  readonly id: string;
  readonly mandate: string;
  readonly amount: number;
  readonly currency: string;
  readonly checkout_hash: string;
  readonly capture: boolean;
}

/** A bank with two wallets and two payees, their keys, a clock that stands still until it is moved, and everything the bank reported. */
export class World {
  readonly bank: Bank;
  readonly parties: Parties;
  readonly events: BankEvent[] = [];
  readonly time: { now: number };
  keysDown = false;
  /** What the wallet's mandate interface does; undefined: the wallet has none that the bank knows of. */
  readonly desk: MandateDesk | undefined;
  /** Runs before a party's keys are fetched. */
  beforeKeys: (party: Party) => Promise<void> = async () => undefined;

  private constructor(bank: Bank, parties: Parties, time: { now: number }, desk: MandateDesk | undefined) {
    this.bank = bank;
    this.desk = desk;
    this.parties = parties;
    this.time = time;
  }

  static async open(
    options: Partial<Pick<BankOptions, "databaseUrl" | "reach" | "openingBalance" | "logger">> & {
      parties?: Parties;
      desk?: MandateDesk;
      /** Where the wallet's users sign in. */
      provider?: { answer(request: Request): Promise<Response | undefined> };
      /** Where the store is told of its payments. */
      webhookUri?: string;
    } = {},
  ): Promise<World> {
    const parties = options.parties ?? (await makeParties());
    const time = { now: Date.now() };
    const late: { world?: World } = {};
    const bank = await createBank({
      url: bankUrl,
      databaseUrl: options.databaseUrl ?? "memory:",
      openingBalance: options.openingBalance ?? 10_000,
      clients: Object.values(parties).map((party: Party) => ({
        clientId: party.id,
        jwksUri: jwksUriOf(party),
        role: party.id.startsWith("http") ? "wallet" : "payee",
        ...(options.desk !== undefined && party.id === walletUrl ? { mandatesUri: `${walletUrl}/mandates` } : {}),
        ...(options.webhookUri !== undefined && party.id === "store" ? { webhookUri: options.webhookUri } : {}),
      })),
      sealingKey,
      fetch: async (input, init) => {
        const atDesk = await options.desk?.answer(new Request(input, init));
        if (atDesk !== undefined) return atDesk;
        const signingIn = await options.provider?.answer(new Request(input, init));
        if (signingIn !== undefined) return signingIn;
        if (late.world?.keysDown === true) throw new TypeError("fetch failed");
        const party = Object.values(parties).find((each: Party) => jwksUriOf(each) === input);
        if (party !== undefined) await late.world?.beforeKeys(party);
        return party === undefined ? new Response(null, { status: 404 }) : Response.json({ keys: [publicHalf(party.key)] });
      },
      clock: () => time.now,
      report: (event) => late.world?.events.push(event),
      ...(options.reach === undefined ? {} : { reach: options.reach }),
      ...(options.logger === undefined ? {} : { logger: options.logger }),
    });
    late.world = new World(bank, parties, time, options.desk);
    return late.world;
  }

  /** A client assertion; `change` alters header and claims after they are right. */
  async assertion(party: Party, change: { header?: object; claims?: object; key?: JWK } = {}): Promise<string> {
    const seconds = Math.floor(this.time.now / 1000);
    const claims = { iss: party.id, sub: party.id, aud: bankUrl, iat: seconds, exp: seconds + 60, jti: randomUUID(), ...change.claims };
    const header = { alg: "ES256", kid: party.key.kid ?? "", ...change.header };
    return new SignJWT(claims).setProtectedHeader(header).sign(await importJWK(change.key ?? party.key, "ES256"));
  }

  async send(
    party: Party,
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string>; assertion?: string } = {},
  ): Promise<Response> {
    const authorization = `Bearer ${options.assertion ?? (await this.assertion(party))}`;
    const headers = { authorization, ...(options.body === undefined ? {} : { "content-type": "application/json" }), ...options.headers };
    const body = typeof options.body === "string" || options.body === undefined ? (options.body ?? null) : JSON.stringify(options.body);
    return this.bank.fetch(new Request(`${bankUrl}${path}`, { method, headers, body }));
  }

  /** Opens an account of the wallet's user and gives its id. */
  async openAccount(id: string = `acc_${randomUUID()}`, wallet: Party = this.parties.wallet, currency = "EUR"): Promise<string> {
    const response = await this.send(wallet, "PUT", `/accounts/${id}`, { body: { currency, holder: "usr_1" } });
    if (response.status !== 200) throw new Error(`the account was not opened: ${response.status} ${await response.text()}`);
    return id;
  }

  async available(id: string, wallet: Party = this.parties.wallet): Promise<number> {
    const account: { available: number } = JSON.parse(await (await this.send(wallet, "GET", `/accounts/${id}`)).text());
    return account.available;
  }

  /** A mandate and the body that redeems it; `change` alters the claims, the header or the signer after they are right. */
  async order(account: string, options: OrderOptions = {}): Promise<PaymentBody> {
    const { amount = 1250, currency = "EUR", payee = this.parties.store, wallet = this.parties.wallet } = options;
    const jti = options.jti ?? randomUUID();
    const checkoutHash = createHash("sha256").update(jti).digest("base64url");
    const claims = mandateClaims({
      issuer: wallet.id,
      bank: bankUrl,
      subject: "usr_1",
      jti,
      issuedAt: Math.floor(this.time.now / 1000),
      keyThumbprint: await calculateJwkThumbprint(payee.key),
      details: {
        type: "payment",
        payee: { id: payee.id, name: "Harbour Goods", website: "http://store.test" },
        amount,
        currency,
        items: [{ name: "Mug", quantity: 1, amount }],
        checkout_id: `chk_${jti}`,
        checkout_version: 1,
        checkout_hash: checkoutHash,
        payment_instrument: { type: "bank_account", id: account, description: "Bank account" },
      },
      evidence: "e".repeat(43),
      humanPresent: true,
      requestId: `pr_${jti}`,
    });
    const signer = options.signer ?? wallet;
    const header = { alg: "ES256", typ: "dc+sd-jwt", kid: signer.key.kid ?? "", ...options.header };
    const jws = await new CompactSign(new TextEncoder().encode(JSON.stringify({ ...claims, ...options.claims })))
      .setProtectedHeader(header)
      .sign(await importJWK(signer.key, "ES256"));
    return { id: `pay_${jti}`, mandate: `${jws}~`, amount, currency, checkout_hash: checkoutHash, capture: true };
  }

  /** `POST /payments` by the store unless `party` says otherwise. */
  async pay(body: unknown, key: string = randomUUID(), party: Party = this.parties.store): Promise<Response> {
    return this.send(party, "POST", "/payments", { body, headers: { "idempotency-key": key } });
  }

  /** Sets money aside for an order and gives it. */
  async authorize(account: string, options: OrderOptions = {}): Promise<PaymentBody> {
    const order = { ...(await this.order(account, options)), capture: false };
    const response = await this.pay(order);
    if (response.status !== 201) throw new Error(`nothing was set aside: ${response.status} ${await response.text()}`);
    return order;
  }

  /** `POST /payments/:id/captures`, `/refunds` or `/void` by the store unless `party` says otherwise. */
  async move(
    id: string,
    word: "captures" | "refunds" | "void",
    body: unknown,
    key: string = randomUUID(),
    party: Party = this.parties.store,
  ): Promise<Response> {
    return this.send(party, "POST", `/payments/${id}/${word}`, { body, headers: { "idempotency-key": key } });
  }

  /** What the payee reads of a payment. */
  async payment(id: string): Promise<PaymentView> {
    return JSON.parse(await (await this.send(this.parties.store, "GET", `/payments/${id}`)).text());
  }
}

export interface OrderOptions {
  readonly amount?: number;
  readonly currency?: string;
  readonly payee?: Party;
  readonly wallet?: Party;
  readonly signer?: Party;
  readonly jti?: string;
  readonly claims?: object;
  readonly header?: object;
}

export function jwksUriOf(party: Party): string {
  return `${party.id.startsWith("http") ? party.id : `http://${party.id}.test`}/.well-known/jwks.json`;
}

export function publicHalf(key: JWK): JWK {
  const { d: _, ...half } = key;
  return half;
}

/** What must not be seen outside: kept beside the tests that look for it. */
export function secretsOf(world: World): readonly Secret[] {
  return Object.values(world.parties).map((party: Party) => new Secret(party.key.d ?? ""));
}
