import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Authorization } from "../src/authorization.ts";
import { connect } from "../src/connect.ts";
import { createFrame } from "./stand-in-frame.ts";
import { type Answer, connectApps, type StandInHost, type Tools } from "./stand-in-host.ts";

const now = Date.parse("2026-11-22T12:00:00Z");
beforeEach(() => {
  vi.useFakeTimers({ now });
});
afterEach(() => {
  vi.useRealTimers();
});

const handle = `lnk_${"h".repeat(43)}`;
const otherHandle = `lnk_${"o".repeat(43)}`;
const link = "https://wallet.example/device?user_code=BCDF";
const expiresAt = now + 600_000;
const challenge: Answer = { isError: true, content: [], _meta: { "mcp/www_authenticate": ['Bearer error="invalid_token"'] } };
const orders: Answer = { content: [], structuredContent: { orders: [] } };
const refusal = (code: string, retryable = false): Answer => ({
  isError: true,
  content: [],
  structuredContent: { error: { code, message: code, retryable } },
});
const offer = (of = handle): Answer => ({
  content: [],
  structuredContent: { status: "pending" },
  _meta: { "countersign/link": { handle: of, link, code: "BCDF-GHJK", expiresAt } },
});
const status = (word: string): Answer => ({ content: [], structuredContent: { status: word } });

/** Gives one answer after the other, the last one for ever. */
function inTurn(...answers: readonly Answer[]): () => Answer {
  let next = 0;
  return () => answers[Math.min(next++, answers.length - 1)];
}

function toolsCalled(host: StandInHost): readonly string[] {
  return host.calls.map(({ tool }) => tool);
}

function watch(host: StandInHost): Authorization[] {
  const seen: Authorization[] = [];
  host.app.onAuthorization((authorization) => seen.push(authorization));
  return seen;
}

describe("a call that the host does not sign in for", () => {
  const linked: Tools = {
    list_orders: () => challenge,
    link_account: () => offer(),
    await_link: inTurn(status("pending"), status("linked")),
    call_linked: () => orders,
  };

  test("goes through an account link once the user has agreed, and says so on the way", async () => {
    const host = await connectApps({ tools: linked });
    const seen = watch(host);
    const call = host.app.callTool("list_orders", { limit: 3 });
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await call).structuredContent).toEqual({ orders: [] });
    expect(host.calls).toEqual([
      { tool: "list_orders", args: { limit: 3 } },
      { tool: "link_account", args: { tool: "list_orders" } },
      { tool: "await_link", args: { handle } },
      { tool: "await_link", args: { handle } },
      { tool: "call_linked", args: { handle, tool: "list_orders", arguments: { limit: 3 } } },
    ]);
    expect(seen).toEqual([
      { state: "idle" },
      { state: "required", rung: "link", purpose: "sign_in", tool: "list_orders", link, code: "BCDF-GHJK", expiresAt },
      { state: "granted", rung: "link", tool: "list_orders" },
    ]);
    expect(host.contexts).toEqual([{ content: [{ type: "text", text: "The user signed in to this app by its link." }] }]);
  });

  const body = JSON.stringify({ error: "authorization_required", code: "authorization_required", retryable: false });
  test.each<readonly [string, Record<string, unknown>]>([
    ["the endpoint's answer as text", { code: -32603, message: `Error POSTing to endpoint: ${body}` }],
    ["the HTTP status as code", { code: 401, message: "Streamable HTTP error: Error POSTing to endpoint: " }],
    ["the HTTP status beside the text", { code: -32603, message: "Error", data: { status: 401, statusText: "", text: "" } }],
    ["the client's one word", { code: -32603, message: "Unauthorized" }],
  ])("goes on by the link where the host only passes on that the server refused: %s", async (_name, error) => {
    const tools = { ...linked, list_orders: (): Answer => ({ fail: error }), await_link: () => status("linked") };
    const host = await connectApps({ tools, name: "Claude" });
    await expect(host.app.callTool("list_orders")).resolves.toMatchObject({ structuredContent: { orders: [] } });
    expect(toolsCalled(host)).toEqual(["list_orders", "link_account", "await_link", "call_linked"]);
  });

  test("does not show the user the words of a transport", async () => {
    const tools = { list_orders: (): Answer => ({ fail: { code: 401, message: `Streamable HTTP error: Error POSTing to endpoint: ${body}` } }) };
    const host = await connectApps({ tools, name: "goose" });
    await expect(host.app.callTool("list_orders")).rejects.toMatchObject({ code: "authorization_required", message: "Please sign in to do this." });
  });

  test("tells the host each step under the ladder's logger, without handle, link or argument", async () => {
    const host = await connectApps({ tools: { ...linked, await_link: () => status("linked") } });
    await host.app.callTool("list_orders", { limit: 3 });
    const step = (rung: string, outcome: string): unknown => ({
      level: "info",
      logger: "countersign/ladder",
      data: { tool: "list_orders", rung, outcome },
    });
    expect(host.steps).toEqual([step("host_resumes", "unauthorized"), step("link", "begun"), step("link", "done")]);
  });

  test("starts at the link the next time, and at the plain call for a tool that never needed it", async () => {
    const host = await connectApps({ tools: { ...linked, await_link: () => status("linked"), browse: () => orders } });
    await host.app.callTool("list_orders");
    const before = host.calls.length;
    await host.app.callTool("list_orders");
    await host.app.callTool("browse");
    expect(toolsCalled(host).slice(before)).toEqual(["call_linked", "browse"]);
  });

  test("shares one question to the user with the calls beside it", async () => {
    const host = await connectApps({ tools: { ...linked, list_returns: () => challenge } });
    const calls = Promise.all([host.app.callTool("list_orders"), host.app.callTool("list_returns")]);
    await vi.advanceTimersByTimeAsync(2_000);
    await calls;
    expect(toolsCalled(host).filter((tool) => tool === "link_account")).toHaveLength(1);
    expect(toolsCalled(host).filter((tool) => tool === "call_linked")).toHaveLength(2);
  });

  test("asks for more access with the handle that it has, and goes on with the new one", async () => {
    const call_linked = inTurn(orders, refusal("insufficient_scope"), orders);
    const link_account = inTurn(offer(), offer(otherHandle));
    const host = await connectApps({ tools: { ...linked, await_link: () => status("linked"), call_linked, link_account, pay: () => challenge } });
    await host.app.callTool("list_orders");
    await host.app.callTool("pay");
    expect(host.calls.slice(4)).toEqual([
      { tool: "pay", args: {} },
      { tool: "call_linked", args: { handle, tool: "pay", arguments: {} } },
      { tool: "link_account", args: { tool: "pay", handle } },
      { tool: "await_link", args: { handle: otherHandle } },
      { tool: "call_linked", args: { handle: otherHandle, tool: "pay", arguments: {} } },
    ]);
  });

  test.each([
    ["denied", "access_denied", "denied"],
    ["expired", "flow_expired", "expired"],
    ["failed", "flow_failed", "denied"],
  ])("ends with the user's word: %s is %s", async (word, code, state) => {
    const host = await connectApps({ tools: { ...linked, await_link: () => status(word) } });
    const seen = watch(host);
    await expect(host.app.callTool("list_orders", {}, { idempotent: true })).rejects.toMatchObject({ code, retryable: true });
    expect(seen.at(-1)).toEqual({ state, rung: "link", tool: "list_orders" });
    expect(toolsCalled(host)).toEqual(["list_orders", "link_account", "await_link"]);
    expect(host.messages).toEqual([]);
  });

  test("ends with the offer when nobody decides", async () => {
    const host = await connectApps({ tools: { ...linked, await_link: () => status("pending") } });
    const call = host.app.callTool("list_orders").catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(640_000);
    expect(await call).toMatchObject({ code: "flow_expired" });
  });

  test("survives dropped questions, and gives up after five in a row", async () => {
    const lost: Answer = { fail: { code: -32603, message: "lost" } };
    const good = await connectApps({ tools: { ...linked, await_link: inTurn(lost, lost, lost, lost, status("linked")) } });
    const call = good.app.callTool("list_orders");
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await call).structuredContent).toEqual({ orders: [] });
    const bad = await connectApps({ tools: { ...linked, await_link: () => lost } });
    const failing = bad.app.callTool("list_orders").catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await failing).toMatchObject({ code: "internal_error", message: "lost" });
    expect(toolsCalled(bad).filter((tool) => tool === "await_link")).toHaveLength(5);
  });

  test("counts only dropped questions in a row", async () => {
    const lost: Answer = { fail: { code: -32603, message: "lost" } };
    const await_link = inTurn(lost, lost, lost, status("pending"), lost, lost, lost, status("linked"));
    const host = await connectApps({ tools: { ...linked, await_link } });
    const call = host.app.callTool("list_orders");
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await call).structuredContent).toEqual({ orders: [] });
  });

  test("asks for more access twice at most: a server may not go round in circles", async () => {
    const call_linked = (): Answer => refusal("insufficient_scope");
    const host = await connectApps({ tools: { ...linked, await_link: () => status("linked"), call_linked }, name: "goose" });
    const call = host.app.callTool("list_orders").catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await call).toMatchObject({ code: "insufficient_scope" });
    expect(toolsCalled(host).filter((tool) => tool === "link_account")).toHaveLength(3);
  });

  test("keeps its question on the screen whatever the host says of its own sign-in meanwhile", async () => {
    const host = await connectApps({ tools: { ...linked, await_link: inTurn(status("pending"), status("pending"), status("linked")) } });
    const seen = watch(host);
    const call = host.app.callTool("list_orders");
    await vi.advanceTimersByTimeAsync(1_000);
    const told = { "countersign/authorization": { state: "idle", connection: "signed_out" } };
    host.frame.deliver({ jsonrpc: "2.0", method: "ui/notifications/host-context-changed", params: told });
    await vi.advanceTimersByTimeAsync(5_000);
    await call;
    expect(seen.map(({ state }) => state)).toEqual(["idle", "required", "granted"]);
    expect(seen.at(-1)).toEqual({ state: "granted", rung: "link", tool: "list_orders", connection: "signed_out" });
  });

  test("a cancelled call takes the question from the screen and asks no more", async () => {
    const host = await connectApps({ tools: { ...linked, await_link: () => status("pending") } });
    const seen = watch(host);
    const stop = new AbortController();
    const call = host.app.callTool("list_orders", {}, { signal: stop.signal }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(3_000);
    stop.abort();
    expect(await call).toMatchObject({ code: "cancelled" });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(seen.at(-1)?.state).toBe("idle");
    const asked = host.calls.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(host.calls.length).toBe(asked);
  });

  test("a link that has ended is made anew, once", async () => {
    const call_linked = inTurn(orders, refusal("authorization_required"), orders);
    const host = await connectApps({ tools: { ...linked, await_link: () => status("linked"), call_linked } });
    await host.app.callTool("list_orders");
    await host.app.callTool("list_orders");
    expect(host.calls.slice(4).map(({ tool, args }) => [tool, args["handle"]])).toEqual([
      ["call_linked", handle],
      ["link_account", undefined],
      ["await_link", handle],
      ["call_linked", handle],
    ]);
  });

  test("a tool's own not_found is no reason to sign in again, an unknown handle is", async () => {
    const known = await connectApps({ tools: { ...linked, await_link: () => status("linked"), call_linked: () => refusal("not_found") } });
    await expect(known.app.callTool("list_orders")).rejects.toMatchObject({ code: "not_found" });
    expect(toolsCalled(known).filter((tool) => tool === "link_account")).toHaveLength(1);
    const await_link = inTurn(status("linked"), refusal("not_found"), status("linked"));
    const gone = await connectApps({ tools: { ...linked, await_link, call_linked: inTurn(refusal("not_found"), orders) } });
    await expect(gone.app.callTool("list_orders")).resolves.toMatchObject({ structuredContent: { orders: [] } });
    expect(toolsCalled(gone).filter((tool) => tool === "link_account")).toHaveLength(2);
  });

  test("keeps the new link when a call through the one that it replaced comes back", async () => {
    let answerOld: ((answer: Answer) => void) | undefined;
    const gone = new Promise<Answer>((resolve) => {
      answerOld = resolve;
    });
    const call_linked = ({ handle: used, tool }: Readonly<Record<string, unknown>>): Answer | Promise<Answer> => {
      if (tool === "list_returns") return used === handle ? gone : orders;
      return used === handle && tool === "pay" ? refusal("insufficient_scope") : orders;
    };
    const tools: Tools = {
      ...linked,
      call_linked,
      pay: () => challenge,
      list_returns: () => challenge,
      link_account: inTurn(offer(), offer(otherHandle)),
      await_link: ({ handle: asked }) => (asked === handle && answerOld === undefined ? refusal("not_found") : status("linked")),
    };
    const host = await connectApps({ tools });
    await host.app.callTool("list_orders");
    const old = host.app.callTool("list_returns");
    await vi.advanceTimersByTimeAsync(0);
    await host.app.callTool("pay");
    const answer = answerOld;
    answerOld = undefined;
    answer?.(refusal("not_found"));
    expect((await old).structuredContent).toEqual({ orders: [] });
    expect(toolsCalled(host).filter((tool) => tool === "link_account")).toHaveLength(2);
  });

  test("unlink that did not come through can be tried again", async () => {
    const unlink_account = inTurn({ fail: { code: -32603, message: "lost" } }, status("ended"));
    const host = await connectApps({ tools: { ...linked, await_link: () => status("linked"), unlink_account } });
    await host.app.callTool("list_orders");
    await expect(host.app.unlink()).rejects.toMatchObject({ code: "internal_error" });
    await host.app.unlink();
    await host.app.unlink();
    expect(host.calls.slice(4).map(({ tool }) => tool)).toEqual(["unlink_account", "unlink_account"]);
  });

  test("settles when the app closes while the user decides", async () => {
    const host = await connectApps({ tools: { ...linked, await_link: () => status("pending") } });
    const call = host.app.callTool("list_orders").catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1_000);
    host.app.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await call).toMatchObject({ code: "unavailable" });
  });

  test("unlink ends the link here and at the app", async () => {
    const unlink_account = (): Answer => status("ended");
    const host = await connectApps({ tools: { ...linked, await_link: () => status("linked"), unlink_account } });
    await host.app.callTool("list_orders");
    await host.app.unlink();
    await host.app.unlink();
    expect(host.calls.slice(4)).toEqual([{ tool: "unlink_account", args: { handle } }]);
  });

  test.each([
    [{ link: "javascript:alert(1)" }],
    [{ link: "http://wallet.example/" }],
    [{ handle: "short" }],
    [{ expiresAt: "soon" }],
    [{ code: "<b>" }],
  ])("an offer that may not be shown is none: %j", async (change) => {
    const bad = { handle, link, code: "BCDF-GHJK", expiresAt, ...change };
    const link_account = (): Answer => ({ content: [], structuredContent: { status: "pending" }, _meta: { "countersign/link": bad } });
    const host = await connectApps({ tools: { ...linked, link_account }, capabilities: { serverTools: {} } });
    const seen = watch(host);
    await expect(host.app.callTool("list_orders")).rejects.toMatchObject({ code: "authorization_required" });
    expect(seen).toEqual([{ state: "idle" }]);
  });
});

describe("a call that may have run", () => {
  test.each<readonly [Answer]>([[{}], [{ fail: {} }], [{ fail: { code: -32603, message: "400 {}" } }]])("is not made again: %j", async (answer) => {
    const host = await connectApps({ tools: { create_order: () => answer, link_account: () => offer() } });
    await expect(host.app.callTool("create_order")).rejects.toMatchObject({ source: "unreadable" });
    expect(toolsCalled(host)).toEqual(["create_order"]);
    expect(host.messages).toEqual([]);
  });

  test("is made again another way when the app says that twice is the same as once", async () => {
    const tools = { list_orders: (): Answer => ({}), link_account: () => offer(), await_link: () => status("linked"), call_linked: () => orders };
    const host = await connectApps({ tools });
    await expect(host.app.callTool("list_orders", {}, { idempotent: true })).resolves.toMatchObject({ structuredContent: { orders: [] } });
  });

  test.each<readonly [string, Answer]>([
    ["that it took too long", { fail: { code: -32001, message: "Request timed out" } }],
    ["that the connection broke", { fail: { code: -32000, message: "Connection closed" } }],
    ["that the server failed", { fail: { code: -32603, message: "Request failed with status code 502" } }],
  ])("is not made again where an empty answer means sign-in but the host says %s", async (_name, answer) => {
    const tools = { create_order: () => answer, link_account: () => offer(), await_link: () => status("linked"), call_linked: () => orders };
    const host = await connectApps({ tools, name: "ChatGPT" });
    await expect(host.app.callTool("create_order")).rejects.toMatchObject({ source: "unreadable" });
    expect(toolsCalled(host)).toEqual(["create_order"]);
  });

  test("is not handed to the model by a host that was silent for long, even where an empty answer means sign-in", async () => {
    const host = await connectApps({ tools: { create_order: (): Answer => undefined }, name: "ChatGPT", capabilities: { message: {} } });
    const call = host.app.callTool("create_order").catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await call).toMatchObject({ code: "unavailable" });
    expect(host.messages).toEqual([]);
  });

  test("through the link is not handed to the model, even where an empty answer means sign-in", async () => {
    const tools = { pay: (): Answer => ({}), link_account: () => offer(), await_link: () => status("linked"), call_linked: (): Answer => ({}) };
    const host = await connectApps({ tools, name: "ChatGPT" });
    await expect(host.app.callTool("pay")).rejects.toMatchObject({ source: "unreadable" });
    expect(toolsCalled(host)).toEqual(["pay", "link_account", "await_link", "call_linked"]);
    expect(host.messages).toEqual([]);
  });

  test("is not handed to the model when the app says that its tool needs no sign-in", async () => {
    const tools = { browse: (): Answer => ({}), link_account: () => refusal("invalid_request") };
    const host = await connectApps({ tools, name: "ChatGPT" });
    await expect(host.app.callTool("browse", {}, { idempotent: true })).rejects.toMatchObject({ code: "protocol_error" });
    expect(host.messages).toEqual([]);
  });

  test.each([["access_denied"], ["out_of_stock"], ["tool_changed"], ["internal_error"]])("a typed end is the end: %s", async (code) => {
    const tools = { pay: (): Answer => ({ fail: { code: -32000, message: "x", data: { code, message: "No.", retryable: true } } }) };
    const host = await connectApps({ tools });
    await expect(host.app.callTool("pay", {}, { idempotent: true })).rejects.toMatchObject({ code });
    expect(toolsCalled(host)).toEqual(["pay"]);
  });
});

describe("the model as the last way", () => {
  test("is asked in the app's words, else by name and arguments, and the caller is told", async () => {
    const host = await connectApps({ tools: { list_orders: () => challenge } });
    const seen = watch(host);
    await expect(host.app.callTool("list_orders", { limit: 3 })).rejects.toMatchObject({ code: "asked_model", retryable: false });
    await expect(host.app.callTool("list_orders", {}, { ask: "Show my orders" })).rejects.toMatchObject({ code: "asked_model" });
    expect(seen.at(-1)).toEqual({ state: "pending", rung: "model", tool: "list_orders" });
    expect(host.messages).toEqual([
      '[{"type":"text","text":"Please use list_orders with {\\"limit\\":3}."}]',
      '[{"type":"text","text":"Show my orders"}]',
    ]);
  });

  test("that cannot be asked leaves the first reason standing", async () => {
    const host = await connectApps({ tools: { list_orders: () => challenge }, refusesMessages: true });
    await expect(host.app.callTool("list_orders")).rejects.toMatchObject({ code: "authorization_required" });
    expect(host.messages).toHaveLength(1);
    expect(host.steps.map((step) => Reflect.get(Object(Reflect.get(Object(step), "data")), "outcome"))).toEqual([
      "unauthorized",
      "begun",
      "failed",
      "begun",
      "ended",
    ]);
  });

  test("is left alone where its call would lead to no sign-in, and where the host takes no messages", async () => {
    for (const options of [{ name: "goose" }, { capabilities: { serverTools: {} } }]) {
      const host = await connectApps({ tools: { list_orders: () => challenge }, ...options });
      await expect(host.app.callTool("list_orders")).rejects.toMatchObject({ code: "authorization_required" });
      expect(host.messages).toEqual([]);
    }
  });

  test("is asked where views cannot call tools, and a host without either says so", async () => {
    const tools = { list_orders: (): Answer => ({ fail: { code: -32601, message: "Method not found" } }), link_account: () => offer() };
    const host = await connectApps({ tools, capabilities: { message: { text: {} } } });
    await expect(host.app.callTool("list_orders")).rejects.toMatchObject({ code: "asked_model" });
    expect(toolsCalled(host)).toEqual(["list_orders"]);
    const nothing = await connectApps({ tools, capabilities: {} });
    await expect(nothing.app.callTool("list_orders")).rejects.toMatchObject({ code: "invalid_request", retryable: false });
    expect(toolsCalled(nothing)).toEqual(["list_orders"]);
  });

  test("is asked when a host that announces no calls stays silent, but only for what may run twice", async () => {
    const tools = { list_orders: (): Answer => undefined, link_account: (): Answer => undefined };
    const host = await connectApps({ tools, capabilities: { message: { text: {} } } });
    const once = host.app.callTool("list_orders").catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await once).toMatchObject({ code: "unavailable", source: "unreadable" });
    expect(host.messages).toEqual([]);
    const twice = host.app.callTool("list_orders", {}, { idempotent: true }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await twice).toMatchObject({ code: "asked_model" });
    expect(toolsCalled(host)).toEqual(["list_orders", "list_orders"]);
  });
});

test("a host that announces no calls and serves them is used as any other", async () => {
  const host = await connectApps({ tools: { list_orders: () => orders }, capabilities: { message: {}, openLinks: {} } });
  expect((await host.app.callTool("list_orders")).structuredContent).toEqual({ orders: [] });
});

test("a host's Continue is the second rung, and the call is still the first one", async () => {
  let settle: ((answer: Answer) => void) | undefined;
  const waiting = new Promise<Answer>((resolve) => {
    settle = resolve;
  });
  const host = await connectApps({ tools: { list_orders: () => waiting }, name: "Countersign" });
  const seen = watch(host);
  const call = host.app.callTool("list_orders");
  for (const state of ["required", "pending", "granted"]) {
    host.frame.deliver({ jsonrpc: "2.0", method: "ui/notifications/host-context-changed", params: { "countersign/authorization": { state } } });
  }
  await vi.advanceTimersByTimeAsync(0);
  settle?.(orders);
  expect((await call).structuredContent).toEqual({ orders: [] });
  expect(seen).toEqual([
    { state: "idle" },
    { state: "required", rung: "continue" },
    { state: "pending", rung: "host_resumes" },
    { state: "granted" },
  ]);
  expect(toolsCalled(host)).toEqual(["list_orders"]);
});

test("a link survives a reload in the private part of the widget's state, beside the app's own", async () => {
  let stored: unknown = null;
  const called: unknown[] = [];
  const answers: Record<string, () => Answer> = {
    list_orders: () => ({}),
    link_account: () => offer(),
    await_link: () => status("linked"),
    call_linked: () => orders,
  };
  const openai = {
    callTool: async (name: string, args: unknown): Promise<unknown> => {
      called.push([name, args]);
      return answers[name]?.();
    },
    get widgetState(): unknown {
      return stored;
    },
    setWidgetState: (value: unknown): void => {
      stored = structuredClone(value);
    },
  };
  const open = (): ReturnType<typeof connect> => connect({ window: createFrame(openai).window, bridge: "openai" });
  const first = await open();
  first.state.set({ screen: "orders" });
  await first.callTool("list_orders");
  expect(stored).toMatchObject({ privateContent: { screen: "orders", "countersign/held": { link: handle, tools: ["list_orders"] } } });
  expect(JSON.stringify(Reflect.get(Object(stored), "modelContent"))).not.toContain(handle);
  called.length = 0;
  const second = await open();
  expect(second.state.get()).toEqual({ screen: "orders" });
  await second.callTool("list_orders");
  expect(called).toEqual([["call_linked", { handle, tool: "list_orders", arguments: {} }]]);
});
