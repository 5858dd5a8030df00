import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { widgetUri } from "./stand-in/mcp-server.ts";
import { World, type Browser, type WorldOptions } from "./stand-in/world.ts";

let world: World;
afterEach(async () => world.close());

async function begin(options: WorldOptions = {}): Promise<Browser> {
  world = await World.start(options);
  const browser = world.browser();
  await browser.open();
  return browser;
}

describe("a call through the one door", () => {
  it("runs an anonymous tool without sign-in and without a token", async () => {
    const browser = await begin();
    const call = await browser.settled((await browser.call("browse", { query: "mug" })).id);
    expect(call).toMatchObject({ state: "completed", rounds: 0, result: { structuredContent: { done: "browse" } } });
    expect(world.server.executions).toMatchObject([{ tool: "browse", arguments: { query: "mug" } }]);
    expect(world.server.authorizations).toEqual([]);
  });

  it("M26 a widget's call of an oauth2 tool with an empty vault waits for sign-in, then the same call completes exactly once", async () => {
    const browser = await begin();
    const started = await browser.call("list_orders", {}, { origin: "widget", widgetId: await browser.openWidget() });
    const parked = await browser.parked(started.id);
    expect(parked).toMatchObject({ state: "authorizing", flow: { state: "ready", scope: ["orders:read"] } });
    expect(world.server.executions).toEqual([]);
    expect(world.server.methods).not.toContain("tools/call");
    const page = await browser.signIn(parked.flow?.startUrl ?? "");
    expect(page.status).toBe(200);
    const done = await browser.settled(started.id);
    expect(done).toMatchObject({ id: started.id, state: "completed", rounds: 1, result: { structuredContent: { done: "list_orders" } } });
    expect(world.server.executions).toHaveLength(1);
    expect(world.server.executions[0]).toMatchObject({ idempotencyKey: started.id, headerKey: started.id });
  });

  it("takes the same path for the user's and the widget's call", async () => {
    const browser = await begin();
    const byUser = await browser.parked((await browser.call("list_orders")).id);
    const byWidget = await browser.parked((await browser.call("list_orders", {}, { origin: "widget", widgetId: await browser.openWidget() })).id);
    expect(byWidget.flow?.id).toBe(byUser.flow?.id);
  });

  it("uses the token for the second protected call", async () => {
    const browser = await begin();
    await browser.signInBy("list_orders");
    const second = await browser.settled((await browser.call("list_orders")).id);
    expect(second).toMatchObject({ state: "completed", rounds: 0 });
    expect(world.authorizationServer.authorizeRequests).toHaveLength(1);
    expect(new Set(world.server.executions.map((execution) => execution.token)).size).toBe(1);
  });

  it("asks again after sign-out, and revokes what it held", async () => {
    const browser = await begin();
    await browser.signInBy("list_orders");
    expect((await browser.post("/api/connectors/store/sign-out")).status).toBe(200);
    const again = await browser.parked((await browser.call("list_orders")).id);
    expect(again.state).toBe("authorizing");
    expect(world.authorizationServer.revoked).toHaveLength(1);
  });

  it.each(["http", "result"] as const)("follows a challenge of form %s from a tool that declares nothing", async (form) => {
    const browser = await begin({ tools: { undeclared: { demands: ["orders:read"], schemes: null, form } } });
    const done = await browser.signInBy("undeclared");
    expect(done).toMatchObject({ state: "completed", rounds: 1 });
    expect(world.server.executions).toHaveLength(1);
  });

  it("steps up with the union of held and demanded scopes, and uses the transaction scope for exactly the resumed call", async () => {
    const browser = await begin({
      tools: {
        list_orders: { demands: ["orders:read"] },
        pay: { schemes: [{ type: "noauth" }, { type: "oauth2", scopes: [] }], runtimeScope: () => "payment:pr_1" },
      },
    });
    await browser.signInBy("list_orders");
    const parked = await browser.parked((await browser.call("pay")).id);
    expect(parked.flow?.scope).toEqual(["orders:read", "payment:pr_1"]);
    await browser.signIn(parked.flow?.startUrl ?? "");
    expect(await browser.settled(parked.id)).toMatchObject({ state: "completed", rounds: 1 });
    expect((await browser.settled((await browser.call("list_orders")).id)).state).toBe("completed");
  });

  it("stops after two rounds when the server is never content", async () => {
    let round = 0;
    const browser = await begin({ tools: { greedy: { schemes: null, runtimeScope: () => `scope:${(round += 1)}` } } });
    const first = await browser.parked((await browser.call("greedy")).id);
    await browser.signIn(first.flow?.startUrl ?? "");
    const second = await browser.until(first.id, (call) => call.rounds === 2 && call.flow !== undefined);
    await browser.signIn(second.flow?.startUrl ?? "");
    expect(await browser.settled(first.id)).toMatchObject({ state: "failed", error: { code: "step_up_limit", callId: first.id } });
    expect(world.server.executions).toEqual([]);
  });

  it("M20 ten parallel protected calls open one flow and all resume", async () => {
    const browser = await begin();
    const calls = await Promise.all(Array.from({ length: 10 }, (_, index) => browser.call("list_orders", { index })));
    const parked = await Promise.all(calls.map((call) => browser.parked(call.id)));
    expect(new Set(parked.map((call) => call.flow?.id)).size).toBe(1);
    await browser.signIn(parked[0]?.flow?.startUrl ?? "");
    const done = await Promise.all(calls.map((call) => browser.settled(call.id)));
    expect(done.map((call) => call.state)).toEqual(Array.from({ length: 10 }, () => "completed"));
    expect(world.authorizationServer.authorizeRequests).toHaveLength(1);
    expect(world.authorizationServer.tokenRequests).toHaveLength(1);
    expect(world.server.executions.map((execution) => Number(execution.arguments["index"])).toSorted((a, b) => a - b)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
  });

  it("gives a demand that an opened flow does not cover a flow of its own afterwards", async () => {
    const browser = await begin({ tools: { list_orders: { demands: ["orders:read"] }, write: { demands: ["orders:write"] } } });
    const first = await browser.parked((await browser.call("list_orders")).id);
    const callback = await browser.visitAuthorizationServer(first.flow?.startUrl ?? "");
    const second = await browser.parked((await browser.call("write")).id);
    expect(second).toMatchObject({ queued: true, flow: { id: first.flow?.id } });
    await browser.fetch(callback);
    await browser.settled(first.id);
    const next = await browser.until(second.id, (call) => call.flow !== undefined && call.flow.id !== first.flow?.id);
    await browser.signIn(next.flow?.startUrl ?? "");
    expect(await browser.settled(second.id)).toMatchObject({ state: "completed" });
  });

  it("widens a flow that nobody has opened yet", async () => {
    const browser = await begin({ tools: { list_orders: { demands: ["orders:read"] }, write: { demands: ["orders:write"] } } });
    const first = await browser.parked((await browser.call("list_orders")).id);
    const second = await browser.parked((await browser.call("write")).id);
    expect(second.flow).toMatchObject({ id: first.flow?.id, scope: ["orders:read", "orders:write"] });
    await browser.signIn(second.flow?.startUrl ?? "");
    expect((await browser.settled(first.id)).state).toBe("completed");
    expect((await browser.settled(second.id)).state).toBe("completed");
  });

  it("V15 refuses a widget's call of another connector's or a model-only tool, and of a view it does not have", async () => {
    const browser = await begin({ tools: { browse: {}, secret: { visibility: ["model"] } } });
    const widgetId = await browser.openWidget();
    const good = await browser.settled((await browser.call("browse", {}, { origin: "widget", widgetId })).id);
    expect(good.state).toBe("completed");
    const added = await browser.post("/api/connectors", { url: `${world.server.url}?other` });
    const other = z.object({ id: z.string() }).parse(await added.json()).id;
    expect(await browser.call("secret", {}, { origin: "widget", widgetId })).toMatchObject({ state: "refused", error: { code: "tool_not_visible" } });
    expect(await browser.call("browse", {}, { origin: "widget", widgetId, connectorId: other })).toMatchObject({
      state: "refused",
      error: { code: "tool_not_visible" },
    });
    const foreign = await browser.post("/api/calls", { connectorId: "store", tool: "browse", arguments: {}, origin: "widget", widgetId: "wdg_none" });
    expect(foreign.status).toBe(400);
    expect(world.server.executions).toHaveLength(1);
  });

  it("ends a call of an unknown tool, an unreachable server and a malformed declaration in typed errors", async () => {
    const browser = await begin({ tools: { browse: { annotations: { readOnlyHint: true } }, odd: { schemes: [{ type: "basic" }] } } });
    expect(await browser.call("nothing")).toMatchObject({ state: "refused", error: { code: "unknown_tool" } });
    expect(await browser.call("odd")).toMatchObject({ state: "refused", error: { code: "unknown_tool" } });
    await browser.settled((await browser.call("browse")).id);
    await world.server.close();
    const lost = await browser.settled((await browser.call("browse")).id);
    expect(lost).toMatchObject({ state: "failed", error: { code: "server_unreachable", retryable: true, callId: lost.id } });
  });

  it("P15 one idempotency key is one call; the same key with other content is refused", async () => {
    const browser = await begin();
    const more = { idempotencyKey: "press-0001" };
    const [first, second] = await Promise.all([browser.call("browse", { a: 1 }, more), browser.call("browse", { a: 1 }, more)]);
    expect(second.id).toBe(first.id);
    await browser.settled(first.id);
    expect((await browser.call("browse", { a: 1 }, more)).id).toBe(first.id);
    expect(world.server.executions).toHaveLength(1);
    const other = await browser.post("/api/calls", { connectorId: "store", tool: "browse", arguments: { a: 2 }, origin: "user", ...more });
    expect(other.status).toBe(422);
  });

  it("M13 V19 a tool that changed while the call was parked ends it as tool_changed", async () => {
    const browser = await begin();
    const parked = await browser.parked((await browser.call("list_orders")).id);
    world.server.tools["list_orders"] = { demands: ["orders:read"], description: "Now does something else" };
    world.offsetMs += 5000;
    await browser.signIn(parked.flow?.startUrl ?? "");
    expect(await browser.settled(parked.id)).toMatchObject({ state: "failed", error: { code: "tool_changed" } });
    expect(world.server.executions).toEqual([]);
  });

  it("takes a structured challenge for a visit to an address, never for sign-in", async () => {
    const structured = { requires_authorization: true, authorization_endpoint: "https://bank.example/link", authorization_id: "1" };
    let linked = false;
    const browser = await begin({ tools: { pay: { run: () => (linked ? { paid: true } : structured) } } });
    const call = await browser.asked((await browser.call("pay")).id);
    expect(call).toMatchObject({ state: "authorizing", rounds: 0, asking: { style: "retry", items: [{ kind: "url", host: "bank.example" }] } });
    expect(world.authorizationServer.authorizeRequests).toEqual([]);
    linked = true;
    await browser.visit(call);
    await browser.answer(call, [{ action: "accept" }]);
    expect(await browser.settled(call.id)).toMatchObject({ state: "completed", result: { structuredContent: { paid: true } } });
  });

  it("the widget resource that a tool names can be shown", async () => {
    const browser = await begin();
    const tools = z.object({ tools: z.array(z.looseObject({ name: z.string(), resourceUri: z.string() })) });
    const list = tools.parse(await (await browser.fetch("/api/connectors/store/tools")).json());
    expect(list.tools.map((tool) => [tool.name, tool.resourceUri])).toEqual([
      ["browse", widgetUri],
      ["list_orders", widgetUri],
    ]);
    expect(list.tools[1]).toMatchObject({ security: [{ type: "oauth2", scopes: ["orders:read"] }], visibility: ["model", "app"] });
  });
});

describe("how a parked call ends without a grant", () => {
  it("cancelled by the user in the console: call and flow", async () => {
    const browser = await begin();
    const parked = await browser.parked((await browser.call("list_orders")).id);
    expect((await browser.post(`/api/flows/${parked.flow?.id}/cancel`)).status).toBe(200);
    expect(await browser.settled(parked.id)).toMatchObject({ state: "failed", error: { code: "cancelled", callId: parked.id } });
    const other = await browser.parked((await browser.call("list_orders")).id);
    await browser.post(`/api/calls/${other.id}/cancel`);
    expect(await browser.settled(other.id)).toMatchObject({ state: "failed", error: { code: "cancelled" } });
  });

  it("denied at the authorization server", async () => {
    const browser = await begin();
    world.authorizationServer.behaviour.error = "access_denied";
    expect(await browser.signInBy("list_orders")).toMatchObject({ state: "failed", error: { code: "access_denied", retryable: true } });
  });

  it("expired: after ten minutes nobody waits any more", async () => {
    const browser = await begin();
    const parked = await browser.parked((await browser.call("list_orders")).id);
    world.offsetMs += 10 * 60_000 + 1000;
    await world.host.sweep();
    expect(await browser.settled(parked.id)).toMatchObject({ state: "failed", error: { code: "flow_expired" } });
  });

  it("past its own deadline, even when no sweep has run", async () => {
    const browser = await begin({ host: { limits: { callMs: 60_000 } } });
    const parked = await browser.parked((await browser.call("list_orders")).id);
    world.offsetMs += 61_000;
    expect(await browser.read(parked.id)).toMatchObject({ state: "failed", error: { code: "call_expired" } });
  });

  it("authorization server down: before the popup, and at the token endpoint", async () => {
    const browser = await begin();
    world.authorizationServer.behaviour.tokenResponse = () => new Response("bad gateway", { status: 502 });
    expect(await browser.signInBy("list_orders")).toMatchObject({ error: { code: "authorization_server_unreachable", retryable: true } });
    await world.authorizationServer.close();
    const call = await browser.settled((await browser.call("list_orders")).id);
    expect(call).toMatchObject({ state: "failed", error: { code: "authorization_server_unreachable" } });
  });

  it("a hundred calls may wait; the next is told so", async () => {
    const browser = await begin({ host: { limits: { pendingCallsMax: 3 } } });
    for (let index = 0; index < 3; index += 1) await browser.parked((await browser.call("list_orders", { index })).id);
    expect(await browser.settled((await browser.call("list_orders", { index: 3 })).id)).toMatchObject({ error: { code: "too_many_pending_calls" } });
  });
});
