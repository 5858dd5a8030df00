import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Authorization } from "../src/authorization.ts";
import { CallError } from "../src/call-error.ts";
import { connect, type App } from "../src/connect.ts";
import { answerHandshake, createFrame, hostOrigin, settle, type StandInFrame } from "./stand-in-frame.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function connected(hostContext: Record<string, unknown> = {}): Promise<{ frame: StandInFrame; app: App }> {
  const frame = createFrame();
  answerHandshake(frame, hostContext);
  return { frame, app: await connect({ window: frame.window, name: "shop", version: "2.0.0" }) };
}

async function rejection(promise: Promise<unknown>): Promise<CallError> {
  const thrown: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof CallError)) {
    throw new Error(`expected a CallError, got ${String(thrown)}`);
  }
  return thrown;
}

describe("the exact JSON of MCP Apps 2026-01-26", () => {
  test("the handshake is ui/initialize, then ui/notifications/initialized", async () => {
    const { frame, app } = await connected({ theme: "dark", locale: "de-CH" });
    expect(app.bridge).toBe("mcp-apps");
    expect(frame.posted).toEqual([
      {
        jsonrpc: "2.0",
        id: 1,
        method: "ui/initialize",
        params: { appInfo: { name: "shop", version: "2.0.0" }, appCapabilities: {}, protocolVersion: "2026-01-26" },
      },
      { jsonrpc: "2.0", method: "ui/notifications/initialized", params: {} },
    ]);
    expect(app.hostContext).toMatchObject({ theme: "dark", locale: "de-CH" });
  });

  test("each request has the method and the params of the specification", async () => {
    const { frame, app } = await connected();
    void app.callTool("browse_products", { query: "mug" }).catch(() => undefined);
    void app.sendMessage("Thanks");
    void app.openLink("https://shop.example/terms");
    void app.updateModelContext({ text: "Order placed", structuredContent: { order: "ord_1" } });
    app.resize({ width: 360, height: 480 });
    expect(frame.posted.slice(2)).toEqual([
      { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "browse_products", arguments: { query: "mug" } } },
      { jsonrpc: "2.0", id: 3, method: "ui/message", params: { role: "user", content: [{ type: "text", text: "Thanks" }] } },
      { jsonrpc: "2.0", id: 4, method: "ui/open-link", params: { url: "https://shop.example/terms" } },
      {
        jsonrpc: "2.0",
        id: 5,
        method: "ui/update-model-context",
        params: { content: [{ type: "text", text: "Order placed" }], structuredContent: { order: "ord_1" } },
      },
      { jsonrpc: "2.0", method: "ui/notifications/size-changed", params: { width: 360, height: 480 } },
    ]);
  });

  test("ping and ui/resource-teardown are answered, other requests get -32601", async () => {
    const { frame, app } = await connected();
    const tornDown = vi.fn();
    app.onTeardown(tornDown);
    frame.deliver({ jsonrpc: "2.0", id: "a", method: "ping" });
    frame.deliver({ jsonrpc: "2.0", id: "b", method: "ui/resource-teardown", params: {} });
    frame.deliver({ jsonrpc: "2.0", id: "c", method: "tools/list" });
    await settle();
    expect(frame.posted.slice(2)).toEqual([
      { jsonrpc: "2.0", id: "a", result: {} },
      { jsonrpc: "2.0", id: "b", result: {} },
      { jsonrpc: "2.0", id: "c", error: { code: -32601, message: "Method not found" } },
    ]);
    expect(tornDown).toHaveBeenCalledOnce();
  });

  test("an aborted call tells the host and rejects as cancelled", async () => {
    const { frame, app } = await connected();
    const stop = new AbortController();
    const call = rejection(app.callTool("pay", {}, { signal: stop.signal }));
    stop.abort();
    expect((await call).code).toBe("cancelled");
    expect(frame.posted.at(-1)).toEqual({
      jsonrpc: "2.0",
      method: "notifications/cancelled",
      params: { requestId: 2, reason: "cancelled by the app" },
    });
  });
});

describe("callTool", () => {
  test("waits without a limit of its own while the host holds the call, and the same promise then resolves", async () => {
    const { frame, app } = await connected();
    const resolved = vi.fn();
    const call = app.callTool("list_orders");
    void call.then(resolved);
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    expect(resolved).not.toHaveBeenCalled();
    frame.deliver({ jsonrpc: "2.0", id: 2, result: { content: [], structuredContent: { orders: [] } } });
    expect((await call).structuredContent).toEqual({ orders: [] });
  });

  const errors: readonly { readonly title: string; readonly answer: Record<string, unknown>; readonly expected: Partial<CallError> }[] = [
    {
      title: "a typed error in the data of a JSON-RPC error",
      answer: { error: { code: -32000, message: "x", data: { code: "access_denied", message: "No.", retryable: true, callId: "call_1" } } },
      expected: { code: "access_denied", message: "No.", retryable: true, callId: "call_1" },
    },
    {
      title: "an untyped JSON-RPC error",
      answer: { error: { code: -32603, message: "Internal error" } },
      expected: { code: "internal_error", message: "Internal error", retryable: true, callId: "" },
    },
    { title: "an empty JSON-RPC error", answer: { error: {} }, expected: { code: "internal_error", retryable: true } },
    { title: "method not found", answer: { error: { code: -32601, message: "x" } }, expected: { code: "invalid_request", retryable: false } },
    {
      title: "a tool's refusal",
      answer: {
        result: { isError: true, content: [], structuredContent: { error: { code: "out_of_stock", message: "None left.", retryable: false } } },
      },
      expected: { code: "out_of_stock", message: "None left.", retryable: false },
    },
    {
      title: "a tool's own words",
      answer: { result: { isError: true, content: [{ type: "text", text: "It broke." }] } },
      expected: { code: "tool_failed", message: "It broke.", retryable: false },
    },
    { title: "an empty answer", answer: { result: {} }, expected: { code: "protocol_error", retryable: false } },
    { title: "no answer at all", answer: { result: null }, expected: { code: "protocol_error" } },
    {
      title: "a code outside the grammar",
      answer: { error: { code: -32000, message: "said", data: { code: "<b>", message: "no" } } },
      expected: { code: "internal_error", message: "said" },
    },
  ];
  test.each(errors)("rejects with a typed error: $title", async ({ answer, expected }) => {
    const { frame, app } = await connected();
    const call = rejection(app.callTool("pay", { checkout_id: "chk_1" }));
    frame.deliver({ jsonrpc: "2.0", id: 2, ...answer });
    expect(await call).toMatchObject(expected);
  });

  test("closing rejects what waits", async () => {
    const { app } = await connected();
    const call = rejection(app.callTool("pay"));
    app.close();
    expect((await call).code).toBe("unavailable");
  });

  test("ten parallel calls each get their own answer, in any order", async () => {
    const { frame, app } = await connected();
    const calls = Array.from({ length: 10 }, (_, n) => app.callTool("get_product", { n }));
    for (const id of [5, 2, 11, 8, 3, 4, 10, 9, 7, 6]) {
      frame.deliver({ jsonrpc: "2.0", id, result: { content: [], structuredContent: { n: id - 2 } } });
    }
    const results = await Promise.all(calls);
    expect(results.map((result) => result.structuredContent?.["n"])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe("messages", () => {
  const good = { jsonrpc: "2.0", id: 2, result: { content: [], structuredContent: { from: "host" } } };

  test("of another window are dropped, those of the parent are taken", async () => {
    const { frame, app } = await connected();
    const call = app.callTool("get_product");
    frame.deliver({ ...good, result: { content: [], structuredContent: { from: "elsewhere" } } }, { source: frame.window });
    frame.deliver({ ...good, result: { content: [], structuredContent: { from: "elsewhere" } } }, { source: null });
    frame.deliver(good);
    expect((await call).structuredContent).toEqual({ from: "host" });
  });

  test("of another origin than the one that shook hands are dropped, and ours are addressed to that one", async () => {
    const { frame, app } = await connected();
    const call = app.callTool("get_product");
    frame.deliver({ ...good, result: { content: [], structuredContent: { from: "elsewhere" } } }, { origin: "https://evil.example" });
    frame.deliver(good);
    expect((await call).structuredContent).toEqual({ from: "host" });
    expect(frame.targets).toEqual(["*", hostOrigin, hostOrigin]);
  });

  test.each([[undefined], ["text"], [[]], [{ id: 2 }], [{ jsonrpc: "1.0", id: 2, result: {} }], [{ jsonrpc: "2.0", id: 99, result: {} }]])(
    "that are no answer to us change nothing: %j",
    async (message) => {
      const { frame, app } = await connected();
      const call = app.callTool("get_product");
      frame.deliver(message);
      frame.deliver(good);
      expect((await call).structuredContent).toEqual({ from: "host" });
    },
  );
});

describe("what the host tells", () => {
  test("tool input and result reach a listener that came later", async () => {
    const { frame, app } = await connected();
    frame.deliver({ jsonrpc: "2.0", method: "ui/notifications/tool-input", params: { arguments: { query: "mug" } } });
    frame.deliver({ jsonrpc: "2.0", method: "ui/notifications/tool-result", params: { content: [], structuredContent: { products: [] } } });
    await settle();
    const input = vi.fn();
    const result = vi.fn();
    app.onToolInput(input);
    app.onToolResult(result)();
    frame.deliver({ jsonrpc: "2.0", method: "ui/notifications/tool-result", params: { content: [], structuredContent: { products: [1] } } });
    await settle();
    expect(input).toHaveBeenCalledExactlyOnceWith({ query: "mug" });
    expect(result).toHaveBeenCalledExactlyOnceWith({ content: [], structuredContent: { products: [] } });
  });

  test("a context change keeps what it does not name", async () => {
    const { frame, app } = await connected({ theme: "light", locale: "en-GB" });
    frame.deliver({ jsonrpc: "2.0", method: "ui/notifications/host-context-changed", params: { theme: "dark" } });
    await settle();
    expect(app.hostContext).toMatchObject({ theme: "dark", locale: "en-GB" });
  });

  test("authorization is idle until the host says otherwise", async () => {
    const { frame, app } = await connected();
    const seen: Authorization[] = [];
    app.onAuthorization((authorization) => seen.push(authorization));
    const change = (value: unknown): void =>
      frame.deliver({ jsonrpc: "2.0", method: "ui/notifications/host-context-changed", params: { "countersign/authorization": value } });
    change({ state: "required", callId: "call_1", tool: "list_orders", link: "https://wallet.example/a", expiresAt: 5 });
    change({ state: "pending", link: "javascript:alert(1)", qr: "https://evil.example/qr.png" });
    change({ state: "granted" });
    change({ state: "nonsense" });
    await settle();
    expect(seen).toEqual([
      { state: "idle" },
      { state: "required", rung: "continue", callId: "call_1", tool: "list_orders", link: "https://wallet.example/a", expiresAt: 5 },
      { state: "pending", rung: "host_resumes" },
      { state: "granted" },
      { state: "idle" },
    ]);
  });
});

describe("choosing a bridge", () => {
  test("without a host, connect rejects as unavailable", async () => {
    const frame = createFrame();
    const attempt = rejection(connect({ window: frame.window }));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await attempt).toMatchObject({ code: "unavailable", retryable: true });
  });

  test("a page that is its own parent posts nothing to itself", async () => {
    const frame = createFrame();
    const alone = { ...frame.window };
    Object.assign(alone, { parent: alone });
    expect((await rejection(connect({ window: alone }))).code).toBe("unavailable");
    expect(frame.posted).toEqual([]);
  });

  test("window.openai takes over when nobody answers the handshake", async () => {
    const frame = createFrame({ callTool: async () => ({ structuredContent: { orders: [] } }) });
    const attempt = connect({ window: frame.window });
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await attempt).bridge).toBe("openai");
  });

  test("the MCP Apps bridge wins when both are there", async () => {
    const frame = createFrame({ callTool: async () => ({}) });
    answerHandshake(frame);
    expect((await connect({ window: frame.window })).bridge).toBe("mcp-apps");
  });
});

test("openLink takes http and https only", async () => {
  const { frame, app } = await connected();
  expect((await rejection(app.openLink("javascript:alert(1)"))).code).toBe("unsafe_url");
  const before = frame.posted.length;
  void app.openLink("https://wallet.example/");
  expect(frame.posted.length).toBe(before + 1);
});

test("a host that refuses a link gives a typed error", async () => {
  const { frame, app } = await connected();
  const attempt = rejection(app.openLink("https://wallet.example/"));
  frame.deliver({ jsonrpc: "2.0", id: 2, result: { isError: true } });
  expect((await attempt).code).toBe("access_denied");
});
