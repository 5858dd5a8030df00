import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { StandInTool } from "../stand-in/mcp-server.ts";
import { World, type Browser, type CallSeen, type WorldOptions } from "../stand-in/world.ts";

let world: World;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-host-"));
});
afterEach(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Leg {
  readonly id: unknown;
  readonly headerKey: string | null;
  readonly metaKey: unknown;
  readonly inputResponses: unknown;
  readonly requestState: unknown;
}

type Answer = (leg: Leg, legs: readonly Leg[]) => Record<string, unknown> | undefined;

const rpcShape = z.looseObject({
  id: z.unknown().optional(),
  params: z.looseObject({
    _meta: z.record(z.string(), z.unknown()).optional(),
    inputResponses: z.unknown().optional(),
    requestState: z.unknown().optional(),
  }),
});

/** A host with one tool whose answers a test gives: `result` or `error` of the JSON-RPC answer; nothing lets the tool run. */
async function begin(
  answer: Answer,
  options: WorldOptions & { readonly tool?: StandInTool } = {},
): Promise<{ browser: Browser; legs: readonly Leg[] }> {
  const legs: Leg[] = [];
  const { tool = {}, ...more } = options;
  world = await World.start({ tools: { ask: tool, other: {} }, databaseUrl: pathToFileURL(join(folder, "host.sqlite")).href, ...more });
  world.server.intercept = async (request, method) => {
    if (method !== "tools/call") return undefined;
    const rpc = rpcShape.parse(await request.clone().json());
    const { _meta, inputResponses, requestState } = rpc.params;
    const leg = {
      id: rpc.id,
      headerKey: request.headers.get("idempotency-key"),
      metaKey: _meta?.["countersign/idempotencyKey"],
      inputResponses,
      requestState,
    };
    legs.push(leg);
    const given = answer(leg, legs);
    return given === undefined ? undefined : Response.json({ jsonrpc: "2.0", id: rpc.id, ...given });
  };
  const browser = world.browser();
  await browser.open();
  return { browser, legs };
}

const url = "https://bank.example/link?ticket=t-1";
const visit = { method: "elicitation/create", params: { mode: "url", url, message: "Link your bank" } };
const nick = { type: "object", properties: { nick: { type: "string" }, size: { type: "integer", default: 3 } }, required: ["nick"] };
const form = { method: "elicitation/create", params: { mode: "form", message: "Who are you?", requestedSchema: nick } };
const inputRequired = (inputRequests: unknown, requestState?: string): Record<string, unknown> => ({
  result: { resultType: "input_required", inputRequests, ...(requestState === undefined ? {} : { requestState }) },
});
const visitRequired = (...ids: readonly string[]): Record<string, unknown> => ({
  error: {
    code: -32042,
    message: "visit",
    data: {
      elicitations: ids.map((elicitationId) => ({ mode: "url", elicitationId, url: `${url}&id=${elicitationId}`, message: "Link your bank" })),
    },
  },
});

describe("input_required (2026-07-28)", () => {
  it("parks the call, and answers it under a new id with the answers and the unchanged state", async () => {
    const { browser, legs } = await begin((leg) => (leg.inputResponses === undefined ? inputRequired({ k1: form }, "opaque/state==") : undefined));
    const asked = await browser.asked((await browser.call("ask", { n: 1 })).id);
    expect(asked).toMatchObject({
      state: "authorizing",
      asking: { style: "respond", round: 1, again: false, quiet: false, items: [{ kind: "form", message: "Who are you?" }] },
    });
    expect((await browser.answer(asked, [{ action: "accept", content: { nick: "Kim" } }])).status).toBe(200);
    expect(await browser.settled(asked.id)).toMatchObject({ state: "completed", rounds: 0 });
    expect(legs[0]).toMatchObject({ inputResponses: undefined, requestState: undefined });
    expect(legs[1]).toMatchObject({
      inputResponses: { k1: { action: "accept", content: { nick: "Kim", size: 3 } } },
      requestState: "opaque/state==",
      headerKey: asked.id,
      metaKey: asked.id,
    });
    expect(legs[1]?.id).not.toBe(legs[0]?.id);
    expect(legs.map((leg) => leg.headerKey)).toEqual([asked.id, asked.id]);
    expect(world.server.executions).toHaveLength(1);
    expect(world.server.executions[0]).toMatchObject({ arguments: { n: 1 } });
  });

  it("sends no state where the server gave none, and nothing of it with another call", async () => {
    const { browser, legs } = await begin((leg, all) => (all.length === 1 ? inputRequired({ k1: form }) : undefined));
    const asked = await browser.asked((await browser.call("ask")).id);
    await browser.settled((await browser.call("other")).id);
    await browser.answer(asked, [{ action: "decline" }]);
    await browser.settled(asked.id);
    expect(legs[1]).toMatchObject({ inputResponses: undefined, requestState: undefined });
    expect(legs[2]).toMatchObject({ inputResponses: { k1: { action: "decline" } }, requestState: undefined });
  });

  it("takes addresses and forms in one round, each answered by its key, and an address only once it was opened", async () => {
    const { browser, legs } = await begin((_, all) => (all.length === 1 ? inputRequired({ a: visit, b: form, c: visit }) : undefined));
    const asked = await browser.asked((await browser.call("ask")).id);
    const answers = [{ action: "accept" }, { action: "accept", content: { nick: "Kim" } }, { action: "decline" }];
    expect((await browser.answer(asked, answers)).status).toBe(400);
    expect(await browser.visit(asked)).toBe(url);
    expect((await browser.read(asked.id)).asking?.items[0]).toMatchObject({ opened: true });
    expect((await browser.answer(asked, answers.slice(0, 2))).status).toBe(400);
    expect((await browser.answer(asked, [...answers, { action: "accept" }])).status).toBe(400);
    expect(legs).toHaveLength(1);
    expect((await browser.answer(asked, answers)).status).toBe(200);
    await browser.settled(asked.id);
    expect(legs[1]?.inputResponses).toEqual({
      a: { action: "accept" },
      b: { action: "accept", content: { nick: "Kim", size: 3 } },
      c: { action: "decline" },
    });
  });

  it("goes through several rounds, each with the state of its own, and says when the same is asked again", async () => {
    const { browser, legs } = await begin((_, all) =>
      all.length <= 3 ? inputRequired({ k: all.length === 1 ? form : visit }, `s${all.length}`) : undefined,
    );
    let call = await browser.asked((await browser.call("ask")).id);
    await browser.answer(call, [{ action: "accept", content: { nick: "a" } }]);
    call = await browser.asked(call.id, 1);
    expect(call.asking).toMatchObject({ round: 2, again: false });
    await browser.visit(call);
    await browser.answer(call, [{ action: "accept" }]);
    call = await browser.asked(call.id, 2);
    expect(call.asking).toMatchObject({ round: 3, again: true });
    expect(call.asking?.items[0]).toMatchObject({ opened: false });
    await browser.visit(call);
    await browser.answer(call, [{ action: "accept" }]);
    expect(await browser.settled(call.id)).toMatchObject({ state: "completed" });
    expect(legs.map((leg) => leg.requestState)).toEqual([undefined, "s1", "s2", "s3"]);
    expect(new Set(legs.map((leg) => leg.id)).size).toBe(4);
  });

  it("stops after ten rounds, and after ten that ask nothing", async () => {
    const { browser, legs } = await begin((leg, all) => {
      if (leg.requestState === "wait" || all.length > 11) return inputRequired({}, "wait");
      return inputRequired({ k: form });
    });
    let call = await browser.asked((await browser.call("ask")).id);
    for (let round = 1; round <= 9; round += 1) {
      await browser.answer(call, [{ action: "accept", content: { nick: "a" } }]);
      call = await browser.asked(call.id, round);
    }
    await browser.answer(call, [{ action: "accept", content: { nick: "a" } }]);
    expect(await browser.settled(call.id)).toMatchObject({ state: "failed", error: { code: "input_limit", retryable: false, callId: call.id } });
    expect(legs).toHaveLength(11);
    expect(world.server.executions).toEqual([]);
  });

  it("calls again with the state when the server only asks for patience", async () => {
    const { browser, legs } = await begin((leg) => (leg.requestState === undefined ? inputRequired({}, "busy") : undefined));
    const call = await browser.settled((await browser.call("ask")).id);
    expect(call).toMatchObject({ state: "completed" });
    expect(legs.map((leg) => [leg.requestState, leg.inputResponses])).toEqual([
      [undefined, undefined],
      ["busy", undefined],
    ]);
  });

  it.each([
    ["sampling", { s: { method: "sampling/createMessage", params: { messages: [], maxTokens: 5 } } }, "protocol_error"],
    ["roots", { r: { method: "roots/list" } }, "protocol_error"],
    [
      "a nested form",
      { f: { ...form, params: { ...form.params, requestedSchema: { type: "object", properties: { a: { type: "object" } } } } } },
      "protocol_error",
    ],
    ["a script address", { u: { ...visit, params: { ...visit.params, url: "javascript:alert(1)" } } }, "unsafe_url"],
    [
      "a password",
      { f: { ...form, params: { ...form.params, requestedSchema: { type: "object", properties: { password: { type: "string" } } } } } },
      "secret_requested",
    ],
  ])("M10 M17 ends typed when the server asks for %s, and shows nothing", async (_, requests, code) => {
    const { browser, legs } = await begin(() => inputRequired(requests));
    const call = await browser.settled((await browser.call("ask")).id);
    expect(call).toMatchObject({ state: "failed", error: { code, callId: call.id } });
    expect(call.asking).toBeUndefined();
    expect(legs).toHaveLength(1);
  });

  it("signs in and answers in one call, and keeps the answers over the sign-in", async () => {
    const { browser, legs } = await begin((leg) => (leg.inputResponses === undefined ? inputRequired({ k: form }, "s") : undefined), {
      tool: { demands: ["orders:read"], schemes: null },
    });
    const asked = await browser.asked((await browser.call("ask")).id);
    await browser.answer(asked, [{ action: "accept", content: { nick: "Kim" } }]);
    const parked = await browser.parked(asked.id);
    await browser.signIn(parked.flow?.startUrl ?? "");
    expect(await browser.settled(asked.id)).toMatchObject({ state: "completed", rounds: 1 });
    expect(legs.map((leg) => leg.requestState)).toEqual([undefined, "s", "s"]);
    expect(legs[2]).toMatchObject({ inputResponses: { k: { action: "accept" } } });
  });
});

describe("error -32042 (2025-11-25)", () => {
  it("parks the call with every address, and repeats it as it was once the user is back", async () => {
    let linked = false;
    const { browser, legs } = await begin(() => (linked ? undefined : visitRequired("e1", "e2")));
    const asked = await browser.asked((await browser.call("ask")).id);
    expect(asked.asking).toMatchObject({ style: "retry", items: [{ host: "bank.example", url: `${url}&id=e1` }, { url: `${url}&id=e2` }] });
    expect(await browser.visit(asked, 0)).toBe(`${url}&id=e1`);
    expect(await browser.visit(asked, 1)).toBe(`${url}&id=e2`);
    linked = true;
    await browser.answer(asked, [{ action: "accept" }, { action: "accept" }]);
    expect(await browser.settled(asked.id)).toMatchObject({ state: "completed", rounds: 0 });
    expect(legs).toHaveLength(2);
    expect(legs[1]).toMatchObject({ inputResponses: undefined, requestState: undefined, headerKey: asked.id });
    expect(world.server.executions).toHaveLength(1);
  });

  it("asks again when the user came back too early, marked as asked before", async () => {
    const { browser } = await begin((_, all) => (all.length < 3 ? visitRequired("e1") : undefined));
    const first = await browser.asked((await browser.call("ask")).id);
    await browser.visit(first);
    await browser.answer(first, [{ action: "accept" }]);
    const second = await browser.asked(first.id, 1);
    expect(second.asking).toMatchObject({ again: true, round: 2 });
    await browser.visit(second);
    await browser.answer(second, [{ action: "accept" }]);
    expect((await browser.settled(first.id)).state).toBe("completed");
  });

  it("ends as cancelled when the user declines, without a word to the server", async () => {
    const { browser, legs } = await begin(() => visitRequired("e1"));
    const asked = await browser.asked((await browser.call("ask")).id);
    await browser.answer(asked, [{ action: "decline" }]);
    expect(await browser.settled(asked.id)).toMatchObject({ state: "failed", error: { code: "cancelled", callId: asked.id } });
    expect(legs).toHaveLength(1);
  });
});

describe("answers", () => {
  const once: Answer = (_, all) => (all.length === 1 ? inputRequired({ k: visit, f: form }) : undefined);

  it("count once: of two at the same time one is taken, and none after the end", async () => {
    const { browser, legs } = await begin((_, all) => (all.length === 1 ? inputRequired({ f: form }) : undefined));
    const asked = await browser.asked((await browser.call("ask")).id);
    const answers = [{ action: "accept", content: { nick: "Kim" } }];
    const statuses = await Promise.all([browser.answer(asked, answers), browser.answer(asked, answers)]);
    expect(statuses.map((response) => response.status).toSorted((a, b) => a - b)).toEqual([200, 409]);
    await browser.settled(asked.id);
    expect((await browser.answer(asked, answers)).status).toBe(409);
    expect(legs).toHaveLength(2);
  });

  it("of another round, of a call that asks nothing, and of no call are refused", async () => {
    const { browser } = await begin(once);
    const asked = await browser.asked((await browser.call("ask")).id);
    expect((await browser.post(`/api/calls/${asked.id}/answers`, { round: 2, answers: [{ action: "cancel" }, { action: "cancel" }] })).status).toBe(
      409,
    );
    expect((await browser.post("/api/calls/call_none/answers", { round: 1, answers: [{ action: "cancel" }] })).status).toBe(404);
    const other = await browser.settled((await browser.call("other")).id);
    expect((await browser.post(`/api/calls/${other.id}/answers`, { round: 1, answers: [{ action: "cancel" }] })).status).toBe(409);
    expect((await browser.read(asked.id)).asking).toMatchObject({ round: 1 });
  });

  it("V20 M19 of another user reach nothing: neither answer, visit nor read", async () => {
    const { browser, legs } = await begin(once);
    const asked = await browser.asked((await browser.call("ask")).id);
    const stranger = world.browser();
    await stranger.open();
    expect(await stranger.visit(asked)).toBe("404");
    expect((await stranger.answer(asked, [{ action: "accept" }, { action: "cancel" }])).status).toBe(404);
    expect((await stranger.fetch(`/api/calls/${asked.id}`)).status).toBe(404);
    expect((await browser.read(asked.id)).asking?.items[0]).toMatchObject({ opened: false });
    expect(legs).toHaveLength(1);
    expect(await browser.visit(asked)).toBe(url);
  });

  it("M18 an address is opened by a click of the console's own: no other site, no prefetch, no page without a session leads there", async () => {
    const { browser } = await begin(once);
    const asked = await browser.asked((await browser.call("ask")).id);
    const path = asked.asking?.items[0]?.visitUrl ?? "";
    for (const headers of [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-purpose": "prefetch" },
      { purpose: "prefetch" },
    ]) {
      expect((await browser.fetch(path, { headers })).status).toBe(403);
    }
    expect((await world.host.fetch(new Request(new URL(path, "http://127.0.0.1:4100")))).status).toBe(403);
    expect((await browser.fetch(`${path}9`)).status).toBe(404);
    expect((await browser.read(asked.id)).asking?.items[0]).toMatchObject({ opened: false });
    const led = await browser.fetch(path, { headers: { "sec-fetch-site": "same-origin" } });
    expect([led.status, led.headers.get("location"), led.headers.get("referrer-policy")]).toEqual([303, url, "no-referrer"]);
  });

  it("V24 I5 are in no row, event or trace in the clear", async () => {
    const { browser } = await begin((_, all) => (all.length === 1 ? inputRequired({ f: form }, "state-canary-1") : undefined));
    const heard = await browser.listen();
    const asked = await browser.asked((await browser.call("ask")).id);
    const canary = "nick-canary-7f3a";
    await browser.answer(asked, [{ action: "accept", content: { nick: canary } }]);
    await browser.settled(asked.id);
    const events = await heard.stop();
    const trace = await (await browser.fetch(`/api/calls/${asked.id}/trace`)).text();
    const row = JSON.stringify(await world.database.records({ name: "call", parse: (json) => json }).get(asked.id, Date.now()));
    expect(events).toContain("Who are you?");
    for (const text of [events, trace, row]) expect(text).not.toContain(canary);
    for (const text of [events, trace, row]) expect(text).not.toContain("state-canary-1");
  });
});

describe("a call that waits for answers", () => {
  const once: Answer = (_, all) => (all.length === 1 ? inputRequired({ f: form }, "s") : undefined);

  it("survives the death of the host's process in every phase of waiting, and runs once", async () => {
    const { browser, legs } = await begin((_, all) => (all.length === 1 ? inputRequired({ a: visit, f: form }, "s") : undefined));
    const asked = await browser.asked((await browser.call("ask")).id);
    await world.startHost();
    expect(await browser.visit(await browser.read(asked.id))).toBe(url);
    await world.startHost();
    const again = await browser.read(asked.id);
    expect(again.asking).toMatchObject({ round: 1, items: [{ opened: true }, { kind: "form" }] });
    await browser.answer(again, [{ action: "accept" }, { action: "accept", content: { nick: "Kim" } }]);
    expect(await browser.settled(asked.id)).toMatchObject({ state: "completed" });
    expect(legs).toHaveLength(2);
    expect(legs[1]?.requestState).toBe("s");
    expect(world.server.executions).toHaveLength(1);
  });

  it("V20 expires after ten minutes: nothing is delivered to whoever comes later", async () => {
    const { browser, legs } = await begin(once);
    const asked = await browser.asked((await browser.call("ask")).id);
    world.offsetMs += 10 * 60_000 + 1000;
    expect((await browser.answer(asked, [{ action: "accept", content: { nick: "late" } }])).status).not.toBe(200);
    await world.host.sweep();
    expect(await browser.settled(asked.id)).toMatchObject({ state: "failed", error: { code: "flow_expired" } });
    expect(legs).toHaveLength(1);
  });

  it("M13 V19 is answered with tool_changed when the tool is no longer the one that was called", async () => {
    const { browser, legs } = await begin(once);
    const asked = await browser.asked((await browser.call("ask")).id);
    world.server.tools["ask"] = { description: "Now does something else" };
    world.offsetMs += 5000;
    await browser.answer(asked, [{ action: "accept", content: { nick: "Kim" } }]);
    expect(await browser.settled(asked.id)).toMatchObject({ state: "failed", error: { code: "tool_changed" } });
    expect(legs).toHaveLength(1);
  });

  it("V19 goes on with the arguments it was started with, whatever is sent beside the answers", async () => {
    const { browser } = await begin(once);
    const asked = await browser.asked((await browser.call("ask", { amount: 5 })).id);
    const forged = await browser.post(`/api/calls/${asked.id}/answers`, { round: 1, answers: [{ action: "decline" }], arguments: { amount: 500 } });
    expect(forged.status).toBe(400);
    await browser.answer(asked, [{ action: "decline" }]);
    await browser.settled(asked.id);
    expect(world.server.executions.map((execution) => execution.arguments)).toEqual([{ amount: 5 }]);
  });

  it("V20 of a view that is gone ends typed, and is not sent", async () => {
    const { browser, legs } = await begin((_, all) => (all.length === 2 ? undefined : visitRequired("e1")));
    const ask = async (): Promise<{ readonly call: CallSeen; readonly widgetId: string }> => {
      const widgetId = await browser.openWidget();
      const call = await browser.asked((await browser.call("ask", {}, { origin: "widget", widgetId })).id);
      await browser.visit(call);
      return { call, widgetId };
    };
    const kept = await ask();
    await browser.answer(kept.call, [{ action: "accept" }]);
    expect((await browser.settled(kept.call.id)).state).toBe("completed");
    const gone = await ask();
    await world.database.records({ name: "widget", parse: (json) => json }).delete(gone.widgetId);
    await browser.answer(gone.call, [{ action: "accept" }]);
    expect(await browser.settled(gone.call.id)).toMatchObject({ state: "failed", error: { code: "call_expired" } });
    expect(legs).toHaveLength(3);
  });

  it("is cancelled by its user, and its answers then reach nothing", async () => {
    const { browser, legs } = await begin(once);
    const asked = await browser.asked((await browser.call("ask")).id);
    await browser.post(`/api/calls/${asked.id}/cancel`);
    expect(await browser.settled(asked.id)).toMatchObject({ state: "failed", error: { code: "cancelled", callId: asked.id } });
    expect((await browser.answer(asked, [{ action: "accept", content: { nick: "x" } }])).status).toBe(409);
    expect(legs).toHaveLength(1);
  });

  it.each([
    ["nothing is known of it", {}, { state: "failed", error: { code: "outcome_unknown" } }, 1],
    ["its server keeps idempotency keys", { meta: { "countersign/idempotency": true } }, { state: "completed" }, 2],
  ])("P15 when the answered call was sent and its connection broke, and %s", async (_, tool, end, sends) => {
    const { browser, legs } = await begin(once, { tool });
    const asked = await browser.asked((await browser.call("ask")).id);
    let broken = 0;
    const { intercept } = world.server;
    world.server.intercept = async (request, method) => {
      const answer = await intercept?.(request, method);
      if (method !== "tools/call") return answer;
      broken += 1;
      return broken === 1 ? new Response("gone", { status: 502 }) : answer;
    };
    await browser.answer(asked, [{ action: "accept", content: { nick: "Kim" } }]);
    expect(await browser.settled(asked.id)).toMatchObject(end);
    const [, ...answered] = legs;
    expect(answered).toHaveLength(sends);
    for (const leg of answered) expect(leg).toMatchObject({ requestState: "s", headerKey: asked.id, inputResponses: { f: { action: "accept" } } });
  });
});

describe("limits and quiet", () => {
  it("M20 after a refusal the same connector may ask, but quietly, for a minute", async () => {
    const { browser } = await begin(() => visitRequired("e1"));
    const first = await browser.asked((await browser.call("ask")).id);
    expect(first.asking?.quiet).toBe(false);
    await browser.answer(first, [{ action: "decline" }]);
    await browser.settled(first.id);
    for (let times = 0; times < 3; times += 1) {
      expect((await browser.asked((await browser.call("ask", { times })).id)).asking?.quiet).toBe(true);
    }
    world.offsetMs += 61_000;
    expect((await browser.asked((await browser.call("ask", { later: true })).id)).asking?.quiet).toBe(false);
  });

  it("M20 fifty calls with 401 are one flow, and after a cancel every further one is quiet for a minute", async () => {
    const { browser } = await begin(() => undefined, {
      tool: { demands: ["orders:read"], schemes: null },
      host: { limits: { pendingCallsMax: 60, rateFactor: 100, heldPollsMax: 60 } },
    });
    const calls = await Promise.all(Array.from({ length: 50 }, (_, n) => browser.call("ask", { n })));
    const parked: CallSeen[] = [];
    for (const call of calls) parked.push(await browser.parked(call.id));
    expect(new Set(parked.map((call) => call.flow?.id)).size).toBe(1);
    expect(parked.every((call) => call.quiet === undefined)).toBe(true);
    await browser.post(`/api/flows/${parked[0]?.flow?.id}/cancel`);
    for (const call of calls) await browser.settled(call.id);
    expect((await browser.parked((await browser.call("ask", { again: 1 })).id)).quiet).toBe(true);
    const stranger = world.browser();
    await stranger.open();
    expect((await stranger.parked((await stranger.call("ask")).id)).quiet).toBeUndefined();
    world.offsetMs += 61_000;
    expect((await browser.parked((await browser.call("ask", { again: 2 })).id)).quiet).toBeUndefined();
  });

  it("X09 only so many calls wait for answers; the next is told so", async () => {
    const { browser } = await begin(() => visitRequired("e1"), { host: { limits: { pendingCallsMax: 2 } } });
    for (let n = 0; n < 2; n += 1) await browser.asked((await browser.call("ask", { n })).id);
    expect(await browser.settled((await browser.call("ask", { n: 2 })).id)).toMatchObject({ error: { code: "too_many_pending_calls" } });
  });

  it("X09 only so many calls run and so many reads wait for one user, and others are not held up", async () => {
    const gate = Promise.withResolvers<void>();
    const { browser } = await begin(() => undefined, {
      tool: { run: async () => ({ done: await gate.promise }) },
      host: { limits: { runningCallsMax: 2, heldPollsMax: 2 } },
    });
    const running = [await browser.call("ask", { n: 0 }), await browser.call("ask", { n: 1 })];
    const third = await browser.post("/api/calls", { connectorId: "store", tool: "ask", arguments: {}, origin: "user" });
    expect([third.status, z.object({ code: z.string() }).parse(await third.json()).code]).toEqual([429, "rate_limited"]);
    const abort = new AbortController();
    const polls = running.map((call) => browser.fetch(`/api/calls/${call.id}?wait=20`, { signal: abort.signal }));
    await Promise.resolve();
    await expect.poll(async () => (await browser.fetch(`/api/calls/${running[0]?.id}?wait=1`)).status).toBe(429);
    const stranger = world.browser();
    await stranger.open();
    expect((await stranger.call("other")).state).not.toBe("refused");
    gate.resolve();
    await Promise.all(polls);
    for (const call of running) expect((await browser.settled(call.id)).state).toBe("completed");
    expect((await browser.settled((await browser.call("other")).id)).state).toBe("completed");
  });
});
