import { type Database, openDatabase } from "@countersign/storage/open";
import { usePostgres } from "@countersign/storage/testing/postgres";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Browser, World } from "../stand-in/world.ts";
import { cutEverywhere } from "./cut.ts";
import { journeys } from "./journeys.ts";

let postgres: Awaited<ReturnType<typeof usePostgres>>;
let url: string;
const free: Database<unknown>[] = [];

beforeAll(async () => {
  postgres = await usePostgres(process.env["DATABASE_URL"], { isDurable: false });
  url = await postgres.createDatabase();
});
afterAll(async () => {
  await postgres?.stop();
});

describe("I2 I3 I4 I5 an instance on PostgreSQL that dies at any of its writes", () => {
  const chosen = ["a step-up to the scope of one payment", "a token that is due, renewed for two calls at once"];

  it.each(journeys.filter((journey) => chosen.includes(journey.name)))(
    "leaves its work to the other one in $name",
    { timeout: 240_000 },
    async (journey) => {
      const open = async (): Promise<Database<unknown>> => {
        const database = await openDatabase<unknown>({ url, schema: "host", migrations: [], connectionsMax: 6 });
        await sql`delete from records`.execute(database.sql);
        return database;
      };
      const { clean, failures } = await cutEverywhere(journey, { open, hosts: 2, lanes: 1 });
      expect(clean).toMatchObject({ broken: [], deaths: [] });
      expect(failures).toEqual([]);
    },
  );
});

describe("two instances on one database", () => {
  let database: Database<unknown>;
  let world: World;
  let browser: Browser;

  beforeEach(async () => {
    database = await openDatabase<unknown>({ url, schema: "host", migrations: [] });
    await sql`delete from records`.execute(database.sql);
    free.push(database);
    world = await World.start({ database, tools: { list_orders: { demands: ["orders:read"] }, browse: {} } });
    await world.startHost();
    browser = world.browser();
    await browser.open();
  });
  afterEach(async () => {
    world.route = (hosts) => hosts.at(-1);
    await world.close();
    for (const each of free.splice(0)) await each.close();
  });

  /** All further requests go to this instance: 0 is A, 1 is B. */
  const at = (index: number): Browser => {
    world.route = (hosts) => hosts[index];
    return browser;
  };

  it("a call started at A, its sign-in opened at B, its answer brought to A, ends for who waits at B", async () => {
    const started = await at(0).call("list_orders");
    const parked = await at(1).parked(started.id);
    const callback = await at(1).visitAuthorizationServer(parked.flow?.startUrl ?? "");
    const waiting = at(1).read(parked.id, 20);
    expect((await at(0).fetch(callback)).status).toBe(200);
    const heard = await waiting;
    expect(["authorizing", "resuming", "dispatched", "completed"]).toContain(heard.state);
    expect(heard.version).toBeGreaterThan(parked.version);
    expect(await at(1).settled(started.id)).toMatchObject({ state: "completed", rounds: 1 });
    expect(world.server.executions).toHaveLength(1);
  });

  it("pages at B hear of what happens at A", async () => {
    const events = await at(1).listen();
    const parked = await at(0).parked((await browser.call("list_orders")).id);
    await at(0).signIn(parked.flow?.startUrl ?? "");
    await at(0).settled(parked.id);
    await expect.poll(() => events.heard()).toContain('"state":"completed"');
    const told = await events.stop();
    expect(told).toContain(parked.id);
    expect(told).toContain("event: connector");
  });

  it("a call that runs at A and is cancelled at B is given up at A, and the server is told", async () => {
    const given = Promise.withResolvers<void>();
    let running = false;
    world.server.intercept = (_, method) => {
      if (method !== "tools/call") return undefined;
      running = true;
      const body = new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode(": open\n\n")), cancel: () => given.resolve() });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    };
    const started = await at(0).call("browse");
    await expect.poll(() => running).toBe(true);
    await at(1).post(`/api/calls/${started.id}/cancel`);
    expect(await at(1).settled(started.id)).toMatchObject({ state: "failed" });
    await given.promise;
  });

  it("one refresh for twenty calls at both, and the same token for all", async () => {
    await at(0).signInBy("list_orders");
    world.offsetMs += 400_000;
    const before = world.authorizationServer.tokenRequests.length;
    let next = 0;
    world.route = (hosts) => hosts[(next += 1) % hosts.length];
    const calls = await Promise.all(Array.from({ length: 20 }, (_, index) => browser.call("list_orders", { index })));
    const done = await Promise.all(calls.map((call) => browser.settled(call.id)));
    expect(done.map((call) => [call.state, call.rounds])).toEqual(Array.from({ length: 20 }, () => ["completed", 0]));
    expect(world.authorizationServer.tokenRequests.length - before).toBe(1);
    expect(new Set(world.server.executions.slice(1).map((execution) => execution.token)).size).toBe(1);
  });

  it("a refresh whose answer is lost is asked for again with the same refresh token", async () => {
    await at(0).signInBy("list_orders");
    world.offsetMs += 400_000;
    const before = world.authorizationServer.tokenRequests.length;
    let lost = 0;
    world.authorizationServer.behaviour.tokenResponse = () => {
      lost += 1;
      return lost === 1 ? new Response("lost", { status: 504 }) : undefined;
    };
    expect(await at(1).settled((await at(1).call("list_orders")).id)).toMatchObject({ state: "completed", rounds: 0 });
    const [first, second] = world.authorizationServer.tokenRequests.slice(before).map((form) => form.get("refresh_token"));
    expect(second).toBe(first);
  });

  it("an instance that dies while it renews holds the others back only until its lease ends", async () => {
    await at(0).signInBy("list_orders");
    world.offsetMs += 400_000;
    const gate = Promise.withResolvers<void>();
    world.authorizationServer.behaviour.hold = gate.promise;
    const begun = world.authorizationServer.tokenRequests.length;
    const lost = await at(1).call("list_orders", { index: 1 });
    await expect.poll(() => world.authorizationServer.tokenRequests.length).toBe(begun + 1);
    world.crash();
    world.authorizationServer.behaviour.hold = undefined;
    const waits = await at(0).call("list_orders", { index: 2 });
    const early = await at(0).read(waits.id, 1);
    expect(early.state).toBe("dispatched");
    expect(world.authorizationServer.tokenRequests).toHaveLength(begun + 1);
    world.offsetMs += 61_000;
    expect(await at(0).settled(waits.id)).toMatchObject({ state: "completed" });
    gate.resolve();
    world.offsetMs += 121_000;
    await world.hosts[0]?.sweep();
    expect(await at(0).settled(lost.id)).toMatchObject({ state: "failed", error: { code: "outcome_unknown" } });
  });

  it("sweeps of both at once end what is overdue exactly once", async () => {
    const parked = await Promise.all(
      Array.from({ length: 5 }, async (_, index) => browser.parked((await at(index % 2).call("list_orders", { index })).id)),
    );
    const flowId = parked[0]?.flow?.id;
    world.offsetMs += 10 * 60_000 + 1000;
    world.audit.length = 0;
    await Promise.all([...world.hosts, ...world.hosts].map((host) => host.sweep()));
    for (const call of parked) expect(await at(1).settled(call.id)).toMatchObject({ state: "failed", error: { code: "flow_expired" } });
    expect(world.audit.filter(({ event }) => event === "flow.expired")).toHaveLength(1);
    expect(world.audit.filter(({ event }) => event === "call.failed")).toHaveLength(5);
    expect(flowId).toMatch(/^flow_/);
  });

  it("signing out at A bites on the next call at B, and so does a removed connector", async () => {
    await at(1).signInBy("list_orders");
    expect((await at(0).post("/api/connectors/store/sign-out")).status).toBe(200);
    expect(await at(1).parked((await at(1).call("list_orders")).id)).toMatchObject({ state: "authorizing" });
    const added = z.object({ id: z.string() }).parse(await (await at(0).post("/api/connectors", { url: `${world.server.url}?other` })).json());
    expect(await at(1).settled((await at(1).call("browse", {}, { connectorId: added.id })).id)).toMatchObject({ state: "completed" });
    expect((await at(0).fetch(`/api/connectors/${added.id}`, { method: "DELETE", headers: { origin: "http://127.0.0.1:4100" } })).status).toBe(200);
    const gone = await at(1).post("/api/calls", { connectorId: added.id, tool: "browse", arguments: {}, origin: "user" });
    expect(gone.status).toBe(404);
  });

  it("M13 a tool that changed is noticed although the other instance still remembers the old one", async () => {
    await at(0).settled((await at(0).call("browse")).id);
    const parked = await at(1).parked((await at(1).call("list_orders")).id);
    world.server.tools["list_orders"] = { demands: ["orders:read"], description: "Now does something else" };
    world.offsetMs += 5000;
    const callback = await at(1).visitAuthorizationServer(parked.flow?.startUrl ?? "");
    await at(0).fetch(callback);
    expect(await at(1).settled(parked.id)).toMatchObject({ state: "failed", error: { code: "tool_changed" } });
    expect(world.server.executions.filter(({ tool }) => tool === "list_orders")).toEqual([]);
  });

  it("a call of a tool that is new at A is not refused at B, which remembers an older list", async () => {
    await at(0).settled((await at(0).call("browse")).id);
    world.server.tools["fresh"] = { demands: ["orders:read"] };
    world.offsetMs += 5000;
    const parked = await at(1).parked((await at(1).call("fresh")).id);
    await at(0).signIn(parked.flow?.startUrl ?? "");
    expect(await at(0).settled(parked.id)).toMatchObject({ state: "completed" });
  });
});
