import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Secret } from "@countersign/protocol/secret";
import { publishedAfterMs, publishedAheadMs, signingKeyLifeMs } from "@countersign/protocol/signing-keys";
import { type Database, openDatabase } from "@countersign/storage/open";
import { RecordStore } from "@countersign/storage/record-store";
import { createRotatingSealer, type Sealer } from "@countersign/storage/sealed";
import { usePostgres } from "@countersign/storage/testing/postgres";
import { sql } from "kysely";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { loadKeys, openSigningKeys, type WalletKeys, walletKeyBinding, walletKeyKind } from "../../src/keys.ts";
import { walletMigrations } from "../../src/migrations.ts";
import { sealJson } from "../../src/sealed-json.ts";
import { lodge } from "../peers/payments.ts";
import { authorizationRequest, codeFields, Person, redeem, startWorld, storeResource, type World } from "../peers/world.ts";

const newKey = (): Secret => new Secret(randomBytes(32).toString("base64url"));
const sealerOf = (key: Secret): Sealer => createRotatingSealer(key);
const kids = (keys: WalletKeys): readonly string[] => keys.published.map((key) => key.kid);

let postgres: Awaited<ReturnType<typeof usePostgres>>;
beforeAll(async () => {
  postgres = await usePostgres(process.env["DATABASE_URL"], { isDurable: false });
}, 120_000);
afterAll(() => postgres.stop());

describe.each(["memory", "PostgreSQL"])("signing keys on %s", (engine) => {
  let database: Database<unknown>;
  let time: number;
  const sealer = sealerOf(newKey());
  const load = (): Promise<WalletKeys> => loadKeys(database, sealer, () => time);

  beforeEach(async () => {
    database = await openDatabase({
      url: engine === "memory" ? "memory:" : await postgres.createDatabase(),
      schema: "wallet",
      migrations: walletMigrations,
    });
    time = 1_800_000_000_000;
  });
  afterEach(() => database.close());

  test("instances that start together have the same keys", async () => {
    const all = await Promise.all(Array.from({ length: 5 }, load));
    expect(new Set(all.map((keys) => keys.signing.kid)).size).toBe(1);
    expect(new Set(all.map((keys) => keys.cookies.reveal())).size).toBe(1);
  });

  test("L27 X02 a new key is published before it signs, and the old one stays published after; instances agree without a restart", async () => {
    const [here, there] = [await load(), await load()];
    const old = here.signing.kid;
    const { kid: next } = await (await openSigningKeys(database, sealer, () => time)).rotate();
    await Promise.all([here.refresh(), there.refresh()]);
    expect(kids(here)).toEqual([old, next]);
    time += publishedAheadMs - 1;
    expect([here.signing.kid, there.signing.kid]).toEqual([old, old]);
    time += 1;
    expect([here.signing.kid, there.signing.kid]).toEqual([next, next]);
    expect(kids(there)).toEqual([next, old]);
    expect(there.find(old)?.kid).toBe(old);
    time += publishedAfterMs;
    await Promise.all([here.refresh(), there.refresh()]);
    expect(kids(here)).toEqual([next]);
    expect(here.find(old)).toBeUndefined();
  });

  test("the private half of a key is destroyed when it is not needed any more; the public one stays", async () => {
    const keys = await load();
    const sealedKeys = async () => (await sql<{ value: string }>`select value from records where kind = 'signing-key'`.execute(database.sql)).rows;
    await (await openSigningKeys(database, sealer, () => time)).rotate();
    expect((await sealedKeys()).filter(({ value }) => value.includes("sealed"))).toHaveLength(2);
    time += publishedAheadMs + publishedAfterMs;
    await keys.refresh();
    expect((await sealedKeys()).filter(({ value }) => value.includes("sealed"))).toHaveLength(1);
    expect(await sealedKeys()).toHaveLength(2);
  });

  test("after 90 days the next key is made by itself, and once, however many instances look", async () => {
    const all = [await load(), await load(), await load()];
    time += signingKeyLifeMs - 1;
    await Promise.all(all.map((keys) => keys.refresh()));
    expect(all.map((keys) => kids(keys).length)).toEqual([1, 1, 1]);
    time += 1;
    await Promise.all(all.map((keys) => keys.refresh()));
    expect(all.map((keys) => kids(keys).length)).toEqual([2, 2, 2]);
    expect(new Set(all.flatMap(kids)).size).toBe(2);
    const [old, next] = kids(all[0] ?? raise());
    expect(all.map((keys) => keys.signing.kid)).toEqual([old, old, old]);
    time += publishedAheadMs;
    expect(all.map((keys) => keys.signing.kid)).toEqual([next, next, next]);
  });

  test("asking for a new key again while one waits makes no further one", async () => {
    await load();
    const signingKeys = await openSigningKeys(database, sealer, () => time);
    const [one, other] = [await signingKeys.rotate(), await signingKeys.rotate()];
    expect(other).toEqual(one);
  });

  test("keys that were taken back sign and verify nothing any more, and another signs at once", async () => {
    const keys = await load();
    const signingKeys = await openSigningKeys(database, sealer, () => time);
    const waiting = await signingKeys.rotate();
    const old = keys.signing.kid;
    expect(await signingKeys.withdraw()).toEqual([old, waiting.kid]);
    await keys.refresh();
    expect(keys.published).toHaveLength(1);
    expect([old, waiting.kid]).not.toContain(keys.signing.kid);
    expect(keys.find(old)).toBeUndefined();
    const rows = await sql<{ value: string }>`select value from records where kind = 'signing-key'`.execute(database.sql);
    expect(rows.rows.filter(({ value }) => value.includes("sealed"))).toHaveLength(1);
  });

  test("a look at the keys that is slow never brings back a key that was taken back meanwhile", async () => {
    const keys = await load();
    const old = keys.signing.kid;
    const operator = await openSigningKeys(database, sealer, () => time);
    const hasRead = Promise.withResolvers<void>();
    const isWithdrawn = Promise.withResolvers<void>();
    const scan = Reflect.get(RecordStore.prototype, "scan");
    const spy = vi.spyOn(RecordStore.prototype, "scan").mockImplementationOnce(async function (this: RecordStore<unknown>, after, limit) {
      const rows = await scan.call(this, after, limit);
      hasRead.resolve();
      await isWithdrawn.promise;
      return rows;
    });
    const slow = keys.refresh();
    await hasRead.promise;
    await operator.withdraw();
    const quick = keys.refresh();
    // As much time as the second look needs when it does not wait for the first.
    await openSigningKeys(database, sealer, () => time);
    isWithdrawn.resolve();
    await Promise.all([slow, quick]);
    spy.mockRestore();
    expect(keys.published.map((key) => key.kid)).not.toContain(old);
    expect(keys.find(old)).toBeUndefined();
    expect(keys.signing.kid).toBe(operator.signing.kid);
  });

  test("instances that take the keys back at the same time still have one that signs", async () => {
    await load();
    const both = await Promise.all([0, 1].map(() => openSigningKeys(database, sealer, () => time)));
    await Promise.all(both.map((each) => each.withdraw()));
    const keys = await load();
    expect(keys.published.length).toBeGreaterThan(0);
    expect(keys.find(keys.signing.kid)).toBeDefined();
  });

  test("the only key of an older version goes on signing", async () => {
    const keys = await load();
    const { kid } = keys.signing;
    const jwk = { ...keys.published[0], d: await privateMember(database, sealer, kid) };
    await sql`delete from records where kind = 'signing-key'`.execute(database.sql);
    await database.records(walletKeyKind).put("signing", sealJson(sealer, walletKeyBinding("signing"), jwk));
    expect((await load()).signing.kid).toBe(kid);
  });

  test("another sealing key is one clear sentence, and changes nothing", async () => {
    const { kid } = (await load()).signing;
    await expect(loadKeys(database, sealerOf(newKey()), () => time)).rejects.toThrow("do not belong together");
    expect((await load()).signing.kid).toBe(kid);
  });
});

function raise(): never {
  throw new Error("there is none");
}

async function privateMember(database: Database<unknown>, sealer: Sealer, kid: string): Promise<string> {
  const { rows } = await sql<{ value: string }>`select value from records where kind = 'signing-key'`.execute(database.sql);
  const sealed = /"sealed":"([^"]+)"/.exec(rows[0]?.value ?? "")?.[1] ?? "";
  const opened = sealer.open(sealed, `signing-key:${kid}`);
  if (!opened.ok) throw new Error("the key does not open");
  return opened.value;
}

describe("a wallet whose keys rotate while it runs", () => {
  let folder: string;
  let world: World;
  const key = newKey();
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "wallet-"));
    world = await startWorld({ databaseUrl: pathToFileURL(join(folder, "wallet.sqlite")).href, sealingKey: key });
  });
  afterEach(async () => {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What the operator's command does, in a process of its own. */
  async function operate(what: "rotate" | "withdraw"): Promise<void> {
    const database = await openDatabase<unknown>({ url: world.databaseUrl, schema: "wallet", migrations: walletMigrations });
    await (await openSigningKeys(database, sealerOf(key), () => Date.now() + world.clock.offsetMs))[what]();
    await database.close();
    expect((await fetch(`${world.url}/readyz`)).status).toBe(200);
  }

  const verify = (token: string) =>
    jwtVerify(token, createRemoteJWKSet(new URL(`${world.url}/jwks`)), {
      issuer: world.url,
      audience: storeResource,
      currentDate: new Date(Date.now()),
    });

  test("X02 a change in the middle of a sign-in fails nothing: tokens of both keys verify, the session and the refresh token live on", async () => {
    const person = new Person(world);
    const before = authorizationRequest(world);
    const first = await redeem(world, codeFields(await person.signUp(before), before));
    const between = authorizationRequest(world);
    const page = await person.browser.open(between.url);
    expect(page.html).toContain("Signed in as Ada");
    await operate("rotate");
    world.clock.offsetMs += publishedAheadMs;
    const second = await redeem(world, { grant_type: "refresh_token", refresh_token: String(first.body["refresh_token"]) });
    expect(second.status).toBe(200);
    const [oldToken, newToken] = [String(first.body["access_token"]), String(second.body["access_token"])];
    expect(decodeProtectedHeader(oldToken).kid).not.toBe(decodeProtectedHeader(newToken).kid);
    for (const token of [oldToken, newToken]) expect((await verify(token)).payload["scope"]).toBe("orders:read");
    const set = await fetch(`${world.url}/jwks`);
    expect(set.headers.get("cache-control")).toBe("public, max-age=300");
    expect(await set.json()).toEqual({
      keys: [expect.not.objectContaining({ d: expect.anything() }), expect.not.objectContaining({ d: expect.anything() })],
    });
  });

  test("a mandate, and the wallet's own word at the bank, are signed by the key of the moment", async () => {
    const person = new Person(world);
    await operate("withdraw");
    const { id, request } = await lodge(world, { scope: "orders:read" });
    const payment = await person.register(await person.browser.open(request.url));
    await person.usePasskey(payment, "/approve");
    const mandate = String((await world.payee.call(`/payment-requests/${id}`)).body["mandate"]);
    const jws = await jwtVerify(mandate.slice(0, -1), createRemoteJWKSet(new URL(`${world.url}/jwks`)), { issuer: world.url, typ: "dc+sd-jwt" });
    expect(jws.payload["request_id"]).toBe(id);
  });

  test("X02 a token of a key that was taken back does not verify", async () => {
    const person = new Person(world);
    const request = authorizationRequest(world);
    const tokens = await redeem(world, codeFields(await person.signUp(request), request));
    const token = String(tokens.body["access_token"]);
    await verify(token);
    await operate("withdraw");
    await expect(verify(token)).rejects.toThrow("no applicable key");
    const next = await redeem(world, { grant_type: "refresh_token", refresh_token: String(tokens.body["refresh_token"]) });
    await verify(String(next.body["access_token"]));
  });
});
