import { createPrivateKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { paymentScope } from "@countersign/protocol/scope";
import { Secret } from "@countersign/protocol/secret";
import { StorageError } from "@countersign/storage/storage-error";
import { openDatabase } from "@countersign/storage/open";
import { usePostgres } from "@countersign/storage/testing/postgres";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { walletMigrations } from "../../src/migrations.ts";
import { formOf } from "../peers/browser.ts";
import { authorizationRequest, Person, redeem, startWorld, type World } from "../peers/world.ts";

/**
 * What version 0.1.0 wrote before its tables had a history: a database, and what the people who used it hold. It was made by that version itself, on a clock in the
 * year 2100 so that nothing in it ever expires: an account that approved a payment, allowed the host, and is still signed in; and a payment that is open.
 */
const made = join(import.meta.dirname, "older-version");
const held = z
  .object({
    sealingKey: z.string(),
    refreshToken: z.string(),
    cookie: z.string(),
    passkey: z.object({ id: z.string(), privateKey: z.record(z.string(), z.string()), userHandle: z.string(), counter: z.number() }),
    approvedRequest: z.string(),
    mandate: z.string(),
    openRequest: z.string(),
    kid: z.string(),
  })
  .parse(JSON.parse(readFileSync(join(made, "held-by-people.json"), "utf8")));
const sealingKey = new Secret(held.sealingKey);

let folder: string;
let world: World | undefined;
let postgres: Awaited<ReturnType<typeof usePostgres>>;
beforeAll(async () => {
  postgres = await usePostgres(process.env["DATABASE_URL"], { isDurable: false });
}, 120_000);
afterAll(() => postgres.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wallet-"));
});
afterEach(async () => {
  await world?.close();
  world = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** A copy of the older database. */
async function olderDatabase(engine: string): Promise<string> {
  const file = join(folder, "wallet.sqlite");
  const older = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  older.exec(readFileSync(join(made, "wallet.sql"), "utf8"));
  if (engine === "SQLite") {
    older.close();
    return pathToFileURL(file).href;
  }
  const url = await postgres.createDatabase();
  const database = await openDatabase<Record<string, Record<string, unknown>>>({ url, schema: "wallet", migrations: [] });
  for (const table of ["records", "record_keys"]) {
    const rows = older.prepare(`select * from ${table}`).all();
    await database.sql.insertInto(table).values(rows).execute();
  }
  await database.close();
  older.close();
  return url;
}

describe.each(["SQLite", "PostgreSQL"])("a database of an older version on %s", (engine) => {
  test("opens and works: session, refresh token, passkey, receipt and keys are as they were", async () => {
    world = await startWorld({ databaseUrl: await olderDatabase(engine), sealingKey });
    expect(await (await fetch(`${world.url}/jwks`)).text()).toContain(held.kid);
    const asked = await fetch(authorizationRequest(world).url, { headers: { cookie: held.cookie }, redirect: "manual" });
    const cookie = [held.cookie, ...asked.headers.getSetCookie().map((line) => line.split(";")[0])].join("; ");
    const shown = await fetch(new URL(asked.headers.get("location") ?? "", world.url), { headers: { cookie } });
    expect(await shown.text()).toContain("Signed in as Ada");
    expect((await redeem(world, { grant_type: "refresh_token", refresh_token: held.refreshToken })).status).toBe(200);
    const approved = await world.payee.call(`/payment-requests/${held.approvedRequest}`);
    expect(approved.body).toMatchObject({ status: "approved", mandate: held.mandate });

    const person = new Person(world);
    const { passkey } = held;
    person.authenticator.passkeys.push({
      id: Buffer.from(passkey.id, "base64url"),
      privateKey: createPrivateKey({ key: passkey.privateKey, format: "jwk" }),
      coseKey: () => Buffer.alloc(0),
      userHandle: passkey.userHandle,
      counter: passkey.counter,
    });
    const id = held.openRequest;
    const request = authorizationRequest(world, { scope: paymentScope(id) });
    const payment = await person.usePasskey(await person.browser.open(request.url), "/login");
    expect(formOf(payment.html, "/approve").ceremony).toBeDefined();
    await person.usePasskey(payment, "/approve");
    expect((await world.payee.call(`/payment-requests/${id}`)).body).toMatchObject({ status: "approved" });
  });

  test("is brought to today's tables once, by whichever of several instances is first", async () => {
    const databaseUrl = await olderDatabase(engine);
    const open = () => openDatabase<unknown>({ url: databaseUrl, schema: "wallet", migrations: walletMigrations });
    const all = await Promise.all([open(), open(), open()]);
    const [database] = all;
    const { rows } = await sql<{ id: string }>`select id from migrations where party = 'wallet' order by applied_at`.execute(
      database?.sql ?? raise(),
    );
    expect(rows.map((row) => row.id).toSorted()).toEqual(["opened", ...walletMigrations.map((each) => each.id)].toSorted());
    for (const each of all) await each.close();
  });

  test("of a newer version is refused with one sentence, and not changed", async () => {
    const databaseUrl = await olderDatabase(engine);
    const newer = [...walletMigrations, { id: "9999-of-the-future", up: async () => undefined }];
    await (await openDatabase<unknown>({ url: databaseUrl, schema: "wallet", migrations: newer })).close();
    await expect(startWorld({ databaseUrl, sealingKey })).rejects.toThrow(StorageError);
    await expect(startWorld({ databaseUrl, sealingKey })).rejects.toThrow("written by a newer version");
    await (await openDatabase<unknown>({ url: databaseUrl, schema: "wallet", migrations: newer })).close();
  });
});

function raise(): never {
  throw new Error("there is no database");
}
