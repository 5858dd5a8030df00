import { afterEach, describe, expect, it } from "vitest";
import { sql } from "kysely";
import { openDatabase, type Database } from "@countersign/storage/open";
import type { RecordKind, Records } from "@countersign/storage/records";
import { z } from "zod";
import { World, type Browser, type WorldOptions } from "./stand-in/world.ts";

let world: World;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await world.close();
  for (const close of closing.splice(0)) await close();
});

async function begin(options: WorldOptions = {}): Promise<Browser> {
  world = await World.start(options);
  const browser = world.browser();
  await browser.open();
  return browser;
}

async function dump(): Promise<string> {
  const rows = await sql`select * from records`.execute(world.database.sql);
  const keys = await sql`select * from record_keys`.execute(world.database.sql);
  return JSON.stringify([rows.rows, keys.rows]);
}

describe("tokens in the vault", () => {
  it("X01 V24 neither rows, events, traces, results nor pages ever hold a token, code, verifier, state or argument", async () => {
    const canary = "canary-token-0123456789abcdefghijklmnop";
    const browser = await begin({
      tools: { echo: { demands: ["orders:read"], run: ({ token }) => ({ said: `your token is ${token}` }) } },
    });
    world.authorizationServer.behaviour.tokens.push(canary);
    const events = await browser.listen();
    const parked = await browser.parked((await browser.call("echo", { secret: "argument-canary" })).id);
    const callback = await browser.visitAuthorizationServer(parked.flow?.startUrl ?? "");
    const page = await (await browser.fetch(callback)).text();
    const done = await browser.settled(parked.id);
    expect(world.server.executions[0]?.token).toBe(canary);
    expect(done.result?.structuredContent).toEqual({ said: "your token is [redacted]" });
    const trace = await (await browser.fetch(`/api/calls/${parked.id}/trace`)).text();
    const session = await (await browser.fetch("/api/session")).text();
    const heard = await events.stop();
    const query = new URL(callback).searchParams;
    const verifier = world.authorizationServer.tokenRequests[0]?.get("code_verifier") ?? "";
    const everything = [page, JSON.stringify(done), trace, session, heard, await dump()].join("\n");
    expect(trace).toContain("[masked]");
    expect(heard).toContain("event: trace");
    for (const secret of [
      canary,
      query.get("code") ?? "-",
      query.get("state") ?? "-",
      verifier,
      "argument-canary",
      browser.cookies.get("cs_session") ?? "-",
    ]) {
      expect(secret.length).toBeGreaterThan(10);
      expect(everything).not.toContain(secret);
    }
  });

  it("V24 a token that a hostile server echoes in an error or a challenge reaches nobody", async () => {
    const canary = "canary-token-0123456789abcdefghijklmnop";
    const browser = await begin();
    world.authorizationServer.behaviour.tokens.push(canary);
    await browser.signInBy("list_orders");
    const events = await browser.listen();
    world.server.intercept = async (request, method) => {
      if (method !== "tools/call") return undefined;
      const { id } = z.looseObject({ id: z.unknown() }).parse(await request.clone().json());
      return Response.json({ jsonrpc: "2.0", id, error: { code: -32000, message: `bad ${request.headers.get("authorization")}` } });
    };
    const failed = await browser.settled((await browser.call("list_orders")).id);
    expect(failed).toMatchObject({ state: "failed", error: { code: "protocol_error", detail: expect.stringContaining("[redacted]") } });
    world.server.intercept = (request, method) => {
      if (method !== "tools/call") return undefined;
      const header = `Bearer error="insufficient_scope", scope="more", error_description="${request.headers.get("authorization")}"`;
      return new Response(null, { status: 403, headers: { "www-authenticate": header } });
    };
    const parked = await browser.parked((await browser.call("list_orders")).id);
    world.server.intercept = (request, method) => {
      if (method !== "tools/call") return undefined;
      const token = request.headers.get("authorization")?.replace("Bearer ", "");
      return new Response(null, { status: 403, headers: { "www-authenticate": `Bearer error="insufficient_scope", scope="${token}"` } });
    };
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ error: { code: "invalid_challenge" } });
    const traces = await Promise.all([failed.id, parked.id].map(async (id) => (await browser.fetch(`/api/calls/${id}/trace`)).text()));
    const everything = [JSON.stringify([failed, parked]), ...traces, await events.stop(), await dump()].join("\n");
    expect(everything).toContain("[redacted]");
    expect(everything).not.toContain(canary);
  });

  it("X01 a row that was moved to another user does not open", async () => {
    const browser = await begin();
    await browser.signInBy("list_orders");
    const thief = world.browser();
    const thiefId = await thief.open();
    const before = world.server.executions.length;
    const { rows } = await sql<{ id: string; value: string }>`select id, value from records where kind = 'token'`.execute(world.database.sql);
    const own = await thief.signInBy("list_orders");
    expect(own.state).toBe("completed");
    const stolen = JSON.stringify({ ...JSON.parse(rows[0]?.value ?? "{}"), userId: thiefId });
    await sql`update records set value = ${stolen} where kind = 'token' and id <> ${rows[0]?.id ?? ""}`.execute(world.database.sql);
    await thief.parked((await thief.call("list_orders")).id);
    expect(world.server.executions.length).toBe(before + 1);
  });

  it("a token is renewed a minute before it expires, once for ten calls at a time", async () => {
    const browser = await begin();
    await browser.signInBy("list_orders");
    world.offsetMs += 245_000;
    const calls = await Promise.all(Array.from({ length: 10 }, (_, index) => browser.call("list_orders", { index })));
    const done = await Promise.all(calls.map((call) => browser.settled(call.id)));
    expect(done.every((call) => call.state === "completed" && call.rounds === 0)).toBe(true);
    const grants = world.authorizationServer.tokenRequests.map((request) => request.get("grant_type"));
    expect(grants).toEqual(["authorization_code", "refresh_token"]);
    expect(world.authorizationServer.tokenRequests[1]?.get("resource")).toBe(world.server.url);
    expect(new Set(world.server.executions.slice(1).map((execution) => execution.token)).size).toBe(1);
  });

  it("a token that the server no longer takes is renewed without asking the user", async () => {
    const browser = await begin();
    await browser.signInBy("list_orders");
    for (const token of world.authorizationServer.granted.values()) token.active = false;
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({ state: "completed", rounds: 0 });
    expect(world.authorizationServer.authorizeRequests).toHaveLength(1);
  });

  it("a dead refresh token leads to sign-in, and then the same call completes", async () => {
    const browser = await begin();
    await browser.signInBy("list_orders");
    world.offsetMs += 400_000;
    world.authorizationServer.behaviour.tokenResponse = (form) =>
      form.get("grant_type") === "refresh_token" ? Response.json({ error: "invalid_grant" }, { status: 400 }) : undefined;
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "completed", rounds: 1 });
  });

  it("a lost refresh answer is asked for again; a sign-in service that is down is a typed error, not a sign-in", async () => {
    const browser = await begin();
    await browser.signInBy("list_orders");
    world.offsetMs += 400_000;
    let answers = 0;
    world.authorizationServer.behaviour.tokenResponse = () => {
      answers += 1;
      return answers === 1 ? new Response("lost", { status: 504 }) : undefined;
    };
    expect((await browser.settled((await browser.call("list_orders")).id)).state).toBe("completed");
    world.offsetMs += 400_000;
    world.authorizationServer.behaviour.tokenResponse = () => new Response("down", { status: 503 });
    expect(await browser.settled((await browser.call("list_orders")).id)).toMatchObject({
      state: "failed",
      error: { code: "authorization_server_unreachable" },
    });
  });

  it("a tool that works either way runs without a token once the held one is dead", async () => {
    const browser = await begin({
      tools: { list_orders: { demands: ["orders:read"] }, browse: { schemes: [{ type: "noauth" }, { type: "oauth2", scopes: [] }] } },
    });
    await browser.signInBy("list_orders");
    for (const token of world.authorizationServer.granted.values()) token.active = false;
    world.authorizationServer.behaviour.tokenResponse = () => Response.json({ error: "invalid_grant" }, { status: 400 });
    const call = await browser.settled((await browser.call("browse")).id);
    expect(call).toMatchObject({ state: "completed", rounds: 0 });
    expect(world.server.executions.at(-1)?.token).toBeUndefined();
  });
});

/** The same database; `onTokensFound` runs once, between the reading of a user's tokens and whatever is done with what was read. */
class WatchedDatabase implements Database<unknown> {
  readonly #database: Database<unknown>;
  onTokensFound: (() => Promise<void>) | undefined;

  constructor(database: Database<unknown>) {
    this.#database = database;
  }

  get dialect(): Database<unknown>["dialect"] {
    return this.#database.dialect;
  }

  get sql(): Database<unknown>["sql"] {
    return this.#database.sql;
  }

  get signals(): Database<unknown>["signals"] {
    return this.#database.signals;
  }

  records<T>(kind: RecordKind<T>): Records<T> {
    const records = this.#database.records(kind);
    if (kind.name !== "token") return records;
    return {
      create: (id, value, options) => records.create(id, value, options),
      put: (id, value, options) => records.put(id, value, options),
      update: (id, version, value, options) => records.update(id, version, value, options),
      consume: (id, now) => records.consume(id, now),
      delete: (id) => records.delete(id),
      deleteBy: (key, value) => records.deleteBy(key, value),
      deleteExpired: (now, limit) => records.deleteExpired(now, limit),
      get: (id, now) => records.get(id, now),
      scan: (after, limit) => records.scan(after, limit),
      find: async (key, value, now, options) => {
        const found = await records.find(key, value, now, options);
        const then = this.onTokensFound;
        this.onTokensFound = undefined;
        await then?.();
        return found;
      },
    };
  }

  transaction<R>(work: (tx: Database<unknown>) => Promise<R>): Promise<R> {
    return this.#database.transaction(work);
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

describe("a sign-out in the middle of a renewal", () => {
  it("revokes what the renewal has brought, not what it has spent", async () => {
    const database = new WatchedDatabase(await openDatabase<unknown>({ url: "memory:", schema: "host", migrations: [] }));
    closing.push(() => database.close());
    const browser = await begin({ database });
    const { authorizationServer } = world;
    await browser.signInBy("list_orders");
    world.offsetMs += 400_000;
    database.onTokensFound = async () => {
      expect((await browser.settled((await browser.call("list_orders")).id)).state).toBe("completed");
    };
    await browser.post("/api/connectors/store/sign-out");
    await expect.poll(() => authorizationServer.revoked.length).toBe(1);
    const spent = authorizationServer.tokenRequests.flatMap((form) => form.get("refresh_token") ?? []);
    expect(spent).toHaveLength(1);
    expect(authorizationServer.revoked[0]).not.toBe(spent[0]);
    const { rows } = await sql`select id from records where kind in ('token', 'flow_grant')`.execute(database.sql);
    expect(rows).toEqual([]);
  });
});
