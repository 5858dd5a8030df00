import { afterEach, describe, expect, it } from "vitest";
import { callShape, consoleOrigin, World, type Browser, type WorldOptions } from "../stand-in/world.ts";

let world: World;
afterEach(async () => world.close());

async function begin(options: WorldOptions = {}): Promise<Browser> {
  world = await World.start(options);
  const browser = world.browser();
  await browser.open();
  return browser;
}

describe("a call that is started with a wait", () => {
  const browse = { connectorId: "store", tool: "browse", arguments: {}, origin: "user" };

  it("is answered in one exchange once it is over", async () => {
    const browser = await begin();
    const answer = await browser.post("/api/calls?wait=25", browse);
    expect(answer.status).toBe(202);
    const call = callShape.parse(await answer.json());
    expect(call).toMatchObject({ state: "completed", result: { structuredContent: { done: "browse" } } });
    expect(await browser.read(call.id)).toEqual(call);
    expect(world.server.executions).toHaveLength(1);
  });

  it("is answered once it waits for its user, with the flow, and again when the same key is sent", async () => {
    const browser = await begin();
    const request = { ...browse, tool: "list_orders", idempotencyKey: "the-same-key-0001" };
    const parked = callShape.parse(await (await browser.post("/api/calls?wait=25", request)).json());
    expect(parked).toMatchObject({ state: "authorizing", flow: { state: "ready" } });
    expect(callShape.parse(await (await browser.post("/api/calls?wait=25", request)).json()).id).toBe(parked.id);
    await browser.signIn(parked.flow?.startUrl ?? "");
    await browser.settled(parked.id);
    expect(world.server.executions).toHaveLength(1);
  });

  it("is answered as it is when its asker leaves, and goes on to its result", async () => {
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    const browser = await begin({ tools: { browse: { run: () => held.then(() => ({ done: true })) } } });
    const leave = new AbortController();
    const asked = browser.fetch("/api/calls?wait=25", {
      method: "POST",
      headers: { origin: consoleOrigin, "content-type": "application/json" },
      body: JSON.stringify(browse),
      signal: leave.signal,
    });
    await expect.poll(() => world.server.methods).toContain("tools/call");
    leave.abort();
    const call = callShape.parse(await (await asked).json());
    expect(call.state).toBe("dispatched");
    letGo();
    expect((await browser.settled(call.id)).state).toBe("completed");
    expect(world.server.executions).toHaveLength(1);
  });

  it("X09 takes a place among those that wait, and is not stored when there is none", async () => {
    const browser = await begin();
    const parked = await browser.parked((await browser.call("list_orders")).id);
    const leave = new AbortController();
    const waiting = Array.from({ length: 20 }, () => browser.fetch(`/api/calls/${parked.id}?wait=25`, { signal: leave.signal }));
    await expect.poll(async () => (await browser.fetch(`/api/calls/${parked.id}?wait=1`)).status).toBe(429);
    expect((await browser.post("/api/calls?wait=25", browse)).status).toBe(429);
    expect(world.server.executions).toEqual([]);
    leave.abort();
    await Promise.all(waiting);
    expect((await browser.post("/api/calls?wait=25", browse)).status).toBe(202);
    expect(world.server.executions).toHaveLength(1);
  });
});
