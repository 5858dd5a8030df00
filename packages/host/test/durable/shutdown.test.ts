import { afterEach, describe, expect, it } from "vitest";
import { openDatabase, type Database } from "@countersign/storage/open";
import type { StandInTool } from "../stand-in/mcp-server.ts";
import { World, type Browser } from "../stand-in/world.ts";

let world: World;
let database: Database<unknown>;
afterEach(async () => {
  await world.close();
  await database.close();
});

async function begin(tools: Record<string, StandInTool>): Promise<Browser> {
  database = await openDatabase<unknown>({ url: "memory:", schema: "host", migrations: [] });
  world = await World.start({ database, tools });
  const browser = world.browser();
  await browser.open();
  return browser;
}

/** A tool whose execution waits until it is let go. */
function heldTool(): { readonly tool: StandInTool; readonly running: Promise<void>; letGo(): void } {
  const gate = Promise.withResolvers<void>();
  const running = Promise.withResolvers<void>();
  const run = async (): Promise<Record<string, unknown>> => {
    running.resolve();
    await gate.promise;
    return { paid: true };
  };
  return { tool: { run }, running: running.promise, letGo: gate.resolve };
}

describe("a host that is told to stop", () => {
  it("lets a call that runs end in its result, which the next process gives", async () => {
    const held = heldTool();
    const browser = await begin({ pay: held.tool });
    const call = await browser.call("pay");
    await held.running;
    const stopping = world.host.drain(10_000).then(() => world.restart());
    held.letGo();
    await stopping;
    expect(await browser.read(call.id)).toMatchObject({ state: "completed", result: { structuredContent: { paid: true } } });
    expect(world.server.executions).toHaveLength(1);
  });

  it("ends a call that does not end in time as one whose outcome nobody knows, and never sends it again", async () => {
    const held = heldTool();
    const browser = await begin({ pay: held.tool });
    const call = await browser.call("pay");
    await held.running;
    await world.host.drain(20);
    await world.restart();
    expect(await browser.settled(call.id)).toMatchObject({ state: "failed", error: { code: "outcome_unknown" } });
    held.letGo();
    expect(world.server.executions).toHaveLength(1);
  });

  it("answers a long poll at once with the call as it is", async () => {
    const browser = await begin({ list_orders: { demands: ["orders:read"] } });
    const parked = await browser.parked((await browser.call("list_orders")).id);
    const waiting = browser.read(parked.id, 25);
    world.host.stopWaiting();
    expect(await waiting).toMatchObject({ state: "authorizing", version: parked.version });
    expect(await browser.read(parked.id, 25)).toMatchObject({ state: "authorizing" });
  });

  it("keeps what waits for a sign-in: each step of the popup may be before or after the stop", async () => {
    const browser = await begin({ list_orders: { demands: ["orders:read"] } });
    const parked = await browser.parked((await browser.call("list_orders")).id);
    await world.host.drain(10_000);
    await world.restart();
    const callback = await browser.visitAuthorizationServer(parked.flow?.startUrl ?? "");
    await world.host.drain(10_000);
    await world.restart();
    const gate = Promise.withResolvers<void>();
    world.authorizationServer.behaviour.hold = gate.promise;
    const answered = browser.fetch(callback);
    await expect.poll(() => world.authorizationServer.tokenRequests.length).toBe(1);
    gate.resolve();
    expect((await answered).status).toBe(200);
    await world.host.drain(10_000);
    await world.restart();
    expect(await browser.settled(parked.id)).toMatchObject({ state: "completed", rounds: 1 });
    expect(world.server.executions).toHaveLength(1);
  });
});
