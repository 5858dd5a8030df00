import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Secret } from "@countersign/protocol/secret";
import { StartupProblem } from "@countersign/service/startup-problem";
import { openDatabase } from "@countersign/storage/open";
import { createRotatingSealer } from "@countersign/storage/sealed";
import { startPostgres } from "@countersign/storage/testing/postgres";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openSigningKeys } from "../../src/keys.ts";
import { walletMigrations } from "../../src/migrations.ts";
import { lodge } from "../peers/payments.ts";
import { startWorld, type World } from "../peers/world.ts";

const newKey = (): Secret => new Secret(randomBytes(32).toString("base64url"));

let folder: string;
let databaseUrl: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wallet-"));
  databaseUrl = pathToFileURL(join(folder, "wallet.sqlite")).href;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = () => openDatabase<unknown>({ url: databaseUrl, schema: "wallet", migrations: walletMigrations });
const statusOf = async (world: World, path: string): Promise<number> => (await fetch(world.url + path)).status;

describe("readiness", () => {
  test("ends while the database is away, and comes back with it; health says only that the process lives", async () => {
    const postgres = await startPostgres();
    const world = await startWorld({ databaseUrl: postgres.url });
    expect(await statusOf(world, "/readyz")).toBe(200);
    await postgres.crash();
    expect(await statusOf(world, "/readyz")).toBe(503);
    expect(await statusOf(world, "/healthz")).toBe(200);
    await postgres.restart();
    await expect.poll(() => statusOf(world, "/readyz"), { timeout: 20_000 }).toBe(200);
    await world.close();
    await postgres.stop();
  }, 120_000);

  test("ends when the signing keys are sealed with a key that this instance was not given; the one that it has goes on signing", async () => {
    const sealingKey = newKey();
    const world = await startWorld({ databaseUrl, sealingKey });
    const before = await (await fetch(`${world.url}/jwks`)).text();
    const database = await open();
    const next = await openSigningKeys(database, createRotatingSealer(newKey(), [sealingKey]), () => Date.now());
    expect(await statusOf(world, "/readyz")).toBe(200);
    await next.rotate();
    expect(await statusOf(world, "/readyz")).toBe(503);
    expect(await (await fetch(`${world.url}/jwks`)).text()).toBe(before);
    await database.close();
    await world.close();
  });
});

describe("starting and stopping", () => {
  test("a key file that does not belong to the database is one clear sentence", async () => {
    const sealingKey = newKey();
    await (await startWorld({ databaseUrl, sealingKey })).close();
    await expect(startWorld({ databaseUrl, sealingKey: newKey() })).rejects.toThrow(StartupProblem);
    await expect(startWorld({ databaseUrl, sealingKey: newKey() })).rejects.toThrow("Restore the key that belongs to it.");
    await (await startWorld({ databaseUrl, sealingKey })).close();
  });

  test("an orderly stop answers who waits, and takes the instance off the list", async () => {
    const world = await startWorld({ databaseUrl });
    const database = await open();
    const instances = async () => (await sql`select id from records where kind = 'instance'`.execute(database.sql)).rows.length;
    expect(await instances()).toBe(1);
    const { id } = await lodge(world);
    const token = await world.payee.token();
    const waiting = fetch(`${world.url}/payment-requests/${id}?wait=25`, { headers: { authorization: `Bearer ${token}` } });
    await expect.poll(() => statusOf(world, "/healthz")).toBe(200);
    await world.close();
    expect((await waiting).status).toBe(200);
    expect(await instances()).toBe(0);
    await database.close();
  });
});
