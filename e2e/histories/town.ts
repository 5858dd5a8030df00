import { Secret } from "@countersign/protocol/secret";
import { openTownBank } from "@countersign/bank/testing/town-bank";
import { clearGround, type Ground, layGround } from "@countersign/storage/testing/mortal-database";
import { openTownStore } from "@countersign/store/testing/town-store";
import { TownWallet, type TownWalletOptions } from "@countersign/wallet/testing/town-wallet";
import { vi } from "vitest";
import { type Listener, Network } from "./network.ts";
import { Party } from "./party.ts";
import { untilStill } from "./stillness.ts";

export const storeUrl = "https://store.test";
export const walletUrl = "https://wallet.test";
export const bankUrl = "https://bank.test";
export const resource: string = `${storeUrl}/mcp`;

/** What every new account at the bank has. */
export const purse = 200_00;

/** What a person may spend. */
const limits = { limits: { EUR: { payment: 150_00, otherDevice: 150_00, day: 250_00, month: 900_00, payee: 900_00 } }, timeZone: "UTC" };

export const partyNames = ["store", "bank", "wallet"] as const;
export type PartyName = (typeof partyNames)[number];

type Bank = Awaited<ReturnType<typeof openTownBank>>;
type Store = Awaited<ReturnType<typeof openTownStore>>;

interface Parties {
  readonly store: Party<Store>;
  readonly bank: Party<Bank>;
  readonly wallet: Party<TownWallet>;
}

let towns = 0;

/**
 * A store, a bank and a wallet as they are in production, in one process, on databases in memory that outlive them. Each can die before and after any of its
 * writes; the network between them loses and delays; time goes on when it is told to. Browser and passkey alone are not there.
 */
export class Town {
  readonly network: Network;
  readonly store: Party<Store>;
  readonly bank: Party<Bank>;
  readonly wallet: Party<TownWallet>;
  readonly events: string[] = [];
  readonly #urls: readonly string[];

  private constructor(network: Network, parties: Parties, urls: readonly string[]) {
    this.network = network;
    this.store = parties.store;
    this.bank = parties.bank;
    this.wallet = parties.wallet;
    this.#urls = urls;
  }

  /** Opens a town. Timers and clock must be stopped, and `openDatabase` replaced by `openMortalDatabase`. */
  static async open(startsAt: number): Promise<Town> {
    towns += 1;
    vi.setSystemTime(startsAt);
    const now = (): number => Date.now();
    const url = (name: PartyName): string => `ground:${name}-${towns}`;
    const ground = { store: layGround(url("store")), bank: layGround(url("bank")), wallet: layGround(url("wallet")) };
    const late: { town?: Town } = {};
    const realFetch = fetch;
    const network = new Network((origin) => listenerAt(late.town, realFetch, origin));
    const sealingKey = new Secret(Buffer.alloc(32, 7).toString("base64url"));
    const sends = (of: Ground): typeof fetch => network.from(() => of.life);
    const keys: { store: TownWalletOptions["payee"]["jwks"] } = { store: { keys: [] } };
    const common = { sealingKey, now };
    const store = new Party(ground.store, () =>
      openTownStore({
        ...common,
        url: storeUrl,
        wallet: walletUrl,
        bank: bankUrl,
        databaseUrl: url("store"),
        fetch: sends(ground.store),
        report: (event) => late.town?.events.push(event),
      }),
    );
    const bank = new Party(ground.bank, () =>
      openTownBank({
        ...common,
        url: bankUrl,
        databaseUrl: url("bank"),
        payee: { clientId: "store", jwksUri: `${storeUrl}/.well-known/jwks.json` },
        wallet: { issuer: walletUrl, mandatesUri: `${walletUrl}/mandates` },
        openingBalance: purse,
        fetch: sends(ground.bank),
      }),
    );
    const wallet = new Party(ground.wallet, () => {
      // The wallet sends with the global one.
      vi.stubGlobal("fetch", sends(ground.wallet));
      const payee = { clientId: "store", url: `${storeUrl}/`, resource, jwks: keys.store };
      return TownWallet.open({ ...common, url: walletUrl, databaseUrl: url("wallet"), bankUrl, payee, limits });
    });
    late.town = new Town(network, { store, bank, wallet }, [url("store"), url("bank"), url("wallet")]);
    await store.restart();
    keys.store = await (await store.fetch(new Request(`${storeUrl}/.well-known/jwks.json`))).json();
    await bank.restart();
    await wallet.restart();
    return late.town;
  }

  get parties(): readonly Party<Store | Bank | TownWallet>[] {
    return [this.store, this.bank, this.wallet];
  }

  /** Resolves when every party has done what it can do by itself. */
  still(): Promise<void> {
    const activity = (): number => this.network.moves + this.parties.reduce((sum, party) => sum + party.ground.asked, 0);
    return untilStill(activity, () => this.network.active > 0);
  }

  /** Time goes on; whoever waits for a moment goes on too. */
  wait(ms: number): void {
    const withTimers = Math.min(ms, timersMsMax);
    vi.setSystemTime(Date.now() + ms - withTimers);
    vi.advanceTimersByTime(withTimers);
  }

  async close(): Promise<void> {
    for (const party of this.parties) await party.stop();
    vi.unstubAllGlobals();
    for (const url of this.#urls) await clearGround(url);
  }
}

/** Longer than anybody pauses before asking again. */
const timersMsMax = 16_000;

const oauthPath = /^\/(?:token|jwks|\.well-known\/)/;

function listenerAt(town: Town | undefined, realFetch: typeof fetch, origin: string): Listener | undefined {
  if (origin === storeUrl) return town?.store;
  if (origin === bankUrl) return town?.bank;
  const wallet = town?.wallet;
  if (origin !== walletUrl || wallet === undefined) return undefined;
  return {
    // oidc-provider speaks Node's own HTTP.
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const { running } = wallet;
      if (!oauthPath.test(pathname) || running === undefined) return wallet.fetch(request);
      const { method, headers } = request;
      const body = method === "GET" ? null : await request.text();
      const answer = await realFetch(`http://127.0.0.1:${running.oauthPort}${pathname}${search}`, { method, headers, body });
      return new Response(await answer.text(), { status: answer.status, headers: { "content-type": answer.headers.get("content-type") ?? "" } });
    },
  };
}
