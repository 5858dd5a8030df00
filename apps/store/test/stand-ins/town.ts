import { Secret } from "@countersign/protocol/secret";
import { type Database, openDatabase } from "@countersign/storage/open";
import { createSealer } from "@countersign/storage/sealed";
import { z } from "zod";
import { createStore, type Store, type StoreOptions } from "../../src/store.ts";
import { storeMigrations, type StoreTables } from "../../src/tables.ts";
import { createTestBank, type TestBank } from "./bank.ts";
import { record } from "./record.ts";
import { createTestClock, type TestClock } from "./clock.ts";
import { createTestWallet, type TestWallet } from "./wallet.ts";

export const storeUrl = "https://store.test";
export const bankOrigin = "https://bank.test";
export const walletIssuer = "https://wallet.test";

const keySet = z.object({ keys: z.array(z.object({ kty: z.string() }).loose()) });

export interface CallAnswer {
  readonly status: number;
  /** Of the WWW-Authenticate challenge. */
  readonly scope: string | undefined;
  readonly isError: boolean;
  readonly structured: Record<string, unknown>;
  /** Of the result: hidden from the model. */
  readonly meta: Record<string, unknown>;
  /** Of a refused call. */
  readonly code: string | undefined;
  readonly raw: unknown;
}

/** How a client presents itself, and what it comes back with when it was asked for something. */
export interface TestClient {
  /** The key of one intended call, however often it is sent. */
  readonly idempotencyKey?: string;
  readonly userAgent?: string;
  readonly elicitsUrls?: boolean;
  readonly state?: unknown;
}

type ReportedEvent = Parameters<NonNullable<StoreOptions["report"]>>[0];

/** A store with its wallet and bank, all in this process, on a database that survives a restart of the store. */
export interface Town {
  readonly clock: TestClock;
  readonly wallet: TestWallet;
  readonly bank: TestBank;
  readonly db: Database<StoreTables>;
  readonly events: string[];
  /** The same, with what they say. */
  readonly reported: ReportedEvent[];
  readonly store: Store;
  call(tool: string, args: Record<string, unknown>, token?: string, client?: TestClient): Promise<CallAnswer>;
  /** Closes the store and opens it again on the same database. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function createTown(options: Partial<StoreOptions> = {}, databaseUrl = "memory:"): Promise<Town> {
  const url = options.url ?? storeUrl;
  const clock = createTestClock();
  const db = await openDatabase<StoreTables>({ url: databaseUrl, schema: "store", migrations: storeMigrations });
  const sealer = createSealer({ current: "k1", keys: { k1: new Secret(Buffer.alloc(32, 7).toString("base64url")) } });
  const bank = createTestBank(bankOrigin, clock.now);
  const events: string[] = [];
  const reported: ReportedEvent[] = [];
  let store: Store | undefined;
  const wallet = await createTestWallet({
    issuer: walletIssuer,
    bank: bankOrigin,
    resource: `${url}/mcp`,
    now: clock.now,
    storeKeys: async () => keySet.parse(await (await open().fetch(new Request(`${url}/.well-known/jwks.json`))).json()),
  });
  const open = (): Store => {
    if (store === undefined) throw new Error("the store is closed");
    return store;
  };
  const make = (): Promise<Store> =>
    createStore({
      url,
      wallet: walletIssuer,
      bank: bankOrigin,
      clientId: "store",
      name: "Harbour Goods",
      db,
      sealer,
      widgetHtml: "<!doctype html><title>shop</title>",
      recoveryMs: 0,
      clock: clock.now,
      report: (event) => {
        events.push(event.event);
        reported.push(event);
      },
      fetch: (input, init) => route(new Request(input, init), { wallet, bank }),
      ...options,
    });
  store = await make();
  return {
    clock,
    wallet,
    bank,
    db,
    events,
    reported,
    get store() {
      return open();
    },
    call: (tool, args, token, client) => callTool(open(), url, tool, args, token, client ?? {}),
    async restart() {
      await open().close();
      store = await make();
    },
    async close() {
      await store?.close();
      await db.close();
    },
  };
}

async function route(request: Request, parties: { readonly wallet: TestWallet; readonly bank: TestBank }): Promise<Response> {
  request.signal.throwIfAborted();
  const answer = new URL(request.url).origin === bankOrigin ? parties.bank.fetch(request) : parties.wallet.fetch(request);
  return new Promise((resolve, reject) => {
    request.signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")), { once: true });
    answer.then(resolve, reject);
  });
}

async function callTool(
  store: Store,
  url: string,
  tool: string,
  args: Record<string, unknown>,
  token: string | undefined,
  client: TestClient,
): Promise<CallAnswer> {
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "test", version: "1.0.0" },
    "io.modelcontextprotocol/clientCapabilities": client.elicitsUrls === true ? { elicitation: { url: {} } } : {},
    ...(client.idempotencyKey === undefined ? {} : { "countersign/idempotencyKey": client.idempotencyKey }),
  };
  const back = client.state === undefined ? {} : { requestState: client.state, inputResponses: { approval: { action: "accept" } } };
  const response = await store.fetch(
    new Request(`${url}/mcp`, {
      method: "POST",
      headers: {
        host: new URL(url).host,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": tool,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(client.userAgent === undefined ? {} : { "user-agent": client.userAgent }),
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: tool, arguments: args, _meta: meta, ...back } }),
    }),
  );
  const text = await response.text();
  const raw: unknown = JSON.parse(text.startsWith("event:") || text.startsWith("data:") ? text.slice(text.indexOf("data:") + 5) : text);
  const result = record(record(raw)["result"]);
  const structured = record(result["structuredContent"]);
  const code = record(structured["error"])["code"];
  return {
    status: response.status,
    scope: /scope="([^"]*)"/.exec(response.headers.get("www-authenticate") ?? "")?.[1],
    isError: result["isError"] === true,
    structured,
    meta: record(result["_meta"]),
    code: typeof code === "string" ? code : undefined,
    raw,
  };
}
