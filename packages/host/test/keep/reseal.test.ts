import { randomBytes } from "node:crypto";
import { Secret } from "@countersign/protocol/secret";
import { openDatabase, type Database } from "@countersign/storage/open";
import { reseal, type ResealReport } from "@countersign/storage/reseal";
import { createSealer, keyRing, type Sealer } from "@countersign/storage/sealed";
import { sql } from "kysely";
import { afterEach, describe, expect, it } from "vitest";
import { sealedFields } from "../../src/keep/sealed-fields.ts";
import { FaultyDatabase } from "../stand-in/faulty-database.ts";
import { World, type Browser } from "../stand-in/world.ts";

const [first, second] = [newKey(), newKey()];
const old = createSealer(keyRing(first));
const both = createSealer(keyRing(second, [first]));
const late = createSealer(keyRing(second));

let world: World;
let shared: Database<unknown> | undefined;
afterEach(async () => {
  await world.close();
  await shared?.close();
  shared = undefined;
});

function newKey(): Secret {
  return new Secret(randomBytes(32).toString("base64url"));
}

/** A user who is signed in, with a call that is over and one that waits for a second sign-in. */
async function begin(sealer: Sealer): Promise<{ readonly browser: Browser; readonly waiting: string; readonly callback: string }> {
  shared = await openDatabase<unknown>({ url: "memory:", schema: "host", migrations: [] });
  world = await World.start({
    database: shared,
    host: { sealer },
    tools: { list_orders: { demands: ["orders:read"] }, write: { demands: ["orders:write"] } },
  });
  const browser = world.browser();
  await browser.open();
  await browser.signInBy("list_orders");
  const parked = await browser.parked((await browser.call("write", { text: "argument-canary" })).id);
  return { browser, waiting: parked.id, callback: await browser.visitAuthorizationServer(parked.flow?.startUrl ?? "") };
}

async function run(sealer: Sealer, database = world.database): Promise<ResealReport> {
  const done = await reseal({ database, sealer, fields: sealedFields, clock: () => Date.now() + world.offsetMs, report: () => {}, batch: 2 });
  if (!done.ok) throw new Error(`refused: ${done.error.join()}`);
  return done.value;
}

async function keyIdsInUse(): Promise<readonly string[]> {
  const { rows } = await sql<{ value: string }>`select value from records`.execute(world.database.sql);
  return [...new Set([...JSON.stringify(rows).matchAll(/\bs1\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]{20}/g)].map((match) => match[1] ?? ""))];
}

describe("a new sealing key", () => {
  it("X02 seals everything anew while a host runs; then the old key is not needed, and a waiting call, its sign-in and the held token live on", async () => {
    const { browser, waiting, callback } = await begin(old);
    expect(await keyIdsInUse()).toEqual([old.keyId]);
    await world.restart({ sealer: both });
    const report = await run(both);
    expect(report).toMatchObject({ current: 0, unreadable: 0 });
    expect(report.resealed).toBeGreaterThanOrEqual(6);
    expect(await keyIdsInUse()).toEqual([both.keyId]);
    await world.restart({ sealer: late });
    expect((await browser.fetch(callback)).status).toBe(200);
    expect(await browser.settled(waiting)).toMatchObject({ state: "completed" });
    expect(world.server.executions.at(-1)?.arguments).toEqual({ text: "argument-canary" });
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ state: "completed", rounds: 0 });
    expect(world.authorizationServer.authorizeRequests).toHaveLength(2);
    expect(world.audit.filter(({ event }) => event === "sealed.unreadable")).toEqual([]);
  });

  it("X02 is refused while a running instance seals with another key", async () => {
    await begin(old);
    const options = { database: world.database, sealer: both, fields: sealedFields, clock: Date.now, report: () => {} };
    expect(await reseal(options)).toEqual({ ok: false, error: [expect.stringMatching(/^ins_/)] });
    expect(await keyIdsInUse()).toEqual([old.keyId]);
    await world.restart({ sealer: both });
    expect(await reseal(options)).toMatchObject({ ok: true });
  });

  it("X02 a run that dies after any of its writes is finished by the next, and two at once do no harm", async () => {
    let outcome = "";
    let point = 0;
    for (; outcome !== "finished"; point += 1) {
      await begin(old);
      await world.restart({ sealer: both });
      const faulty = new FaultyDatabase(world.database);
      faulty.dieAt(point);
      const cut = run(both, faulty).then(
        () => "finished",
        () => "refused",
      );
      outcome = await Promise.race([cut, faulty.died.then(() => "died")]);
      const total = (report: ResealReport): number => report.resealed + report.current;
      const [left, right] = await Promise.all([run(both), run(both)]);
      expect(Math.max(total(left), total(right))).toBeGreaterThanOrEqual(6);
      expect(await keyIdsInUse()).toEqual([both.keyId]);
      await world.close();
    }
    expect(point).toBeGreaterThan(10);
  });

  it("X01 without its key a row counts as absent and is reported; nothing crashes, and the user goes on", async () => {
    const { browser, waiting, callback } = await begin(old);
    await world.restart({ sealer: late });
    const lost: string[] = [];
    const done = await reseal({ database: world.database, sealer: late, fields: sealedFields, clock: Date.now, report: (kind) => lost.push(kind) });
    expect(done).toMatchObject({ ok: true, value: { resealed: 0, current: 0 } });
    expect(new Set(lost)).toEqual(new Set(["token", "flow_grant", "call", "oauth_state"]));
    expect((await browser.fetch(callback)).status).toBe(200);
    expect(await browser.settled(waiting)).toMatchObject({ state: "failed", error: { code: "flow_failed" } });
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed", rounds: 1 });
    expect((await browser.fetch("/api/session")).status).toBe(200);
    expect((await browser.post("/api/connectors/store/sign-out")).status).toBe(200);
    expect(world.audit).toContainEqual(expect.objectContaining({ event: "sealed.unreadable", reason: "host:token" }));
  });

  it("a renewal that a change of the key overtakes keeps its new refresh token", async () => {
    const { browser } = await begin(old);
    await world.restart({ sealer: both });
    const gate = Promise.withResolvers<void>();
    world.offsetMs += 400_000;
    world.authorizationServer.behaviour.hold = gate.promise;
    const call = await browser.call("list_orders");
    await expect.poll(() => world.authorizationServer.tokenRequests.at(-1)?.get("grant_type")).toBe("refresh_token");
    await run(both);
    gate.resolve();
    world.authorizationServer.behaviour.hold = undefined;
    expect(await browser.settled(call.id)).toMatchObject({ state: "completed", rounds: 0 });
    world.offsetMs += 400_000;
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ state: "completed", rounds: 0 });
  });
});
