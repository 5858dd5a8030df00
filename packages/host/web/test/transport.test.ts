import { maxInFlight, maxMessageBytes, maxMessagesPerSecond } from "@countersign/protocol/bridge";
import { describe, expect, it } from "vitest";
import { createFrameTransport, type FrameMessage, type FrameTransport } from "../src/bridge/transport.ts";

const origin = "http://abc.localhost:4101";

interface Bench {
  readonly transport: FrameTransport;
  readonly frame: { postMessage(message: unknown, target: string): void };
  readonly sent: [unknown, string][];
  readonly heard: unknown[];
  readonly openai: unknown[];
  readonly violations: string[];
  readonly receive: (data: unknown, from?: Partial<FrameMessage>) => void;
  nowMs: number;
}

function bench(): Bench {
  const listeners = new Set<(event: FrameMessage) => void>();
  const sent: [unknown, string][] = [];
  const heard: unknown[] = [];
  const openai: unknown[] = [];
  const violations: string[] = [];
  const frame = { postMessage: (message: unknown, target: string) => void sent.push([message, target]) };
  const transport = createFrameTransport({
    page: {
      addEventListener: (_type, listener) => void listeners.add(listener),
      removeEventListener: (_type, listener) => void listeners.delete(listener),
    },
    frame,
    origin,
    now: () => self.nowMs,
    onOpenAi: (ask) => void openai.push(ask.method),
    onViolation: (refusal) => void violations.push(refusal.code),
  });
  transport.onmessage = (message) => void heard.push(message);
  void transport.start();
  const receive = (data: unknown, from: Partial<FrameMessage> = {}): void => {
    for (const listener of listeners) listener({ data, origin, source: frame, ...from });
  };
  const self: Bench = { transport, frame, sent, heard, openai, violations, receive, nowMs: 0 };
  return self;
}

const call = (id: string | number): object => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name: "list_orders", arguments: {} } });

describe("createFrameTransport", () => {
  it("V01 hears only its own frame at its own origin", () => {
    const page = bench();
    page.receive(call(1));
    expect(page.heard).toEqual([call(1)]);
    for (const from of [
      { source: {} },
      { source: null },
      { origin: "http://evil.localhost:4101" },
      { origin: "null" },
      { origin: `${origin}.evil.example` },
      { origin: "" },
    ]) {
      page.receive(call(2), from);
    }
    expect(page.heard.length).toBe(1);
    expect(page.sent).toEqual([]);
  });

  it("V02 sends to the exact origin, never to any", async () => {
    const page = bench();
    await page.transport.send({ jsonrpc: "2.0", method: "ui/notifications/tool-result", params: {} });
    page.transport.notify("openai/setGlobals", {});
    page.transport.answer("openai:1", { result: {} });
    expect(page.sent.map(([, target]) => target)).toEqual([origin, origin, origin]);
  });

  it("gives messages of the shim to the shim's own handler and all others to the bridge", () => {
    const page = bench();
    page.receive({ jsonrpc: "2.0", id: "openai:1", method: "openai/callTool", params: { name: "pay" } });
    page.receive(call(1));
    expect(page.openai).toEqual(["openai/callTool"]);
    expect(page.heard.length).toBe(1);
  });

  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });
  const bad: readonly (readonly [string, unknown])[] = [
    ["no JSON-RPC", { id: 1, method: "tools/call" }],
    ["a batch", [call(1)]],
    ["a text", "tools/call"],
    ["nothing", null],
    ["V13 a __proto__ member", JSON.parse('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"__proto__":{"admin":true}}}')],
    ["V14 a message over 1 MB", { ...call(1), params: { name: "x".repeat(maxMessageBytes) } }],
    ["V14 a message too deep", { ...call(1), params: { name: nested(70) } }],
    ["V14 a cycle", { ...call(1), params: cyclic }],
    ["a date, which is no JSON", { ...call(1), params: { at: new Date(0) } }],
  ];
  it.each(bad)("drops %s", (_title, data) => {
    const page = bench();
    page.receive(data);
    expect([...page.heard, ...page.openai]).toEqual([]);
    page.receive(call(9));
    expect(page.heard.length).toBe(1);
  });

  it("answers a request that it cannot take, so that the view's promise does not hang", () => {
    const page = bench();
    page.receive({ ...call(7), params: { name: "x".repeat(maxMessageBytes) } });
    page.receive({ jsonrpc: "2.0", id: "openai:8", method: "openai/callTool", params: { at: new Date(0) } });
    page.receive({ ...call(9), params: { name: "list_orders", _meta: "no object" } });
    expect([...page.heard, ...page.openai]).toEqual([]);
    expect(page.sent.map(([message]) => message)).toMatchObject([
      { id: 7, error: { data: { code: "request_too_large", retryable: false } } },
      { id: "openai:8", error: { data: { code: "invalid_request", retryable: false } } },
      { id: 9, error: { data: { code: "invalid_request", retryable: false } } },
    ]);
    for (let id = 10; id < 10 + maxInFlight; id += 1) page.receive(call(id));
    expect(page.heard.length).toBe(maxInFlight);
  });

  it("takes more once a request is released, though it was never answered", () => {
    const page = bench();
    for (let id = 1; id <= maxInFlight; id += 1) page.receive(call(id));
    page.transport.release(1);
    page.receive(call("tenth"));
    expect(page.heard.length).toBe(maxInFlight + 1);
  });

  it("answers a request whose method no view may use, and drops such a notification", () => {
    const page = bench();
    page.receive({ jsonrpc: "2.0", id: 5, method: "ui/notifications/sandbox-resource-ready", params: { html: "x" } });
    page.receive({ jsonrpc: "2.0", method: "notifications/tools/unheard", params: {} });
    page.receive({ jsonrpc: "2.0", id: 6, method: "sampling/steal", params: {} });
    expect(page.heard).toEqual([]);
    expect(page.sent.map(([message]) => message)).toMatchObject([
      { id: 5, error: { code: -32601 } },
      { id: 6, error: { code: -32601 } },
    ]);
  });

  it("V14 answers a request beyond those allowed in flight, and takes more once one was answered", () => {
    const page = bench();
    for (let id = 1; id <= maxInFlight; id += 1) page.receive(call(id));
    page.receive(call("ninth"));
    expect(page.heard.length).toBe(maxInFlight);
    expect(page.sent).toMatchObject([[{ id: "ninth", error: { data: { code: "rate_limited" } } }, origin]]);
    void page.transport.send({ jsonrpc: "2.0", id: 1, result: {} });
    page.receive(call("tenth"));
    expect(page.heard.length).toBe(maxInFlight + 1);
    expect(page.violations).toEqual([]);
  });

  it("V14 closes on a flood, of whatever kind, and hears nothing after", () => {
    for (const flood of [
      { jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: "x" } },
      call("same"),
      "no message at all",
    ]) {
      const page = bench();
      for (let count = 0; count <= maxMessagesPerSecond; count += 1) page.receive(flood);
      expect(page.violations).toEqual(["rate_limited"]);
      const before = page.heard.length;
      page.nowMs = 60_000;
      page.receive(call("later"));
      expect(page.heard.length).toBe(before);
      void page.transport.send({ jsonrpc: "2.0", method: "ui/notifications/tool-result", params: {} });
      expect(page.sent.every(([message]) => JSON.stringify(message).includes("error"))).toBe(true);
    }
  });

  it("bears the highest allowed rate for long", () => {
    const page = bench();
    for (let count = 0; count < maxMessagesPerSecond * 20; count += 1) {
      page.nowMs = count * (1000 / maxMessagesPerSecond);
      page.receive({ jsonrpc: "2.0", method: "ui/notifications/size-changed", params: { height: count } });
    }
    expect(page.violations).toEqual([]);
    expect(page.heard.length).toBe(maxMessagesPerSecond * 20);
  });
});
