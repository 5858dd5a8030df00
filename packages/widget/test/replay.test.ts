import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { connect } from "../src/connect.ts";
import { createFrame, settle, type StandInFrame } from "./stand-in-frame.ts";

/** One line of a recorded conversation: what the view must post, or what the host then says. */
type Line = { readonly view: unknown } | { readonly host: unknown };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Plays the host's lines, each once the view had time for its own before it, and compares everything that the view posted. */
async function replay(frame: StandInFrame, lines: readonly Line[]): Promise<void> {
  for (const line of lines) {
    await settle();
    if ("host" in line) {
      frame.deliver(line.host);
    }
  }
  await settle();
  expect(frame.posted).toEqual(lines.flatMap((line) => ("view" in line ? [line.view] : [])));
}

const hello = {
  jsonrpc: "2.0",
  id: 1,
  method: "ui/initialize",
  params: { appInfo: { name: "shop", version: "1.0.0" }, appCapabilities: {}, protocolVersion: "2026-01-26" },
};
const initialized = { jsonrpc: "2.0", method: "ui/notifications/initialized", params: {} };
const call = { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "echo", arguments: { a: 1 } } };
const capabilities = { openLinks: {}, serverTools: {}, serverResources: {}, logging: {}, updateModelContext: {} };
const answered = { result: { content: [{ type: "text", text: "echo 1" }] }, jsonrpc: "2.0", id: 2 };

interface Peer {
  readonly name: string;
  readonly handshake: Record<string, unknown>;
  readonly lines: readonly Line[];
  /** What the call of `echo` comes to. */
  readonly outcome: Record<string, unknown>;
}

const peers: readonly Peer[] = [
  {
    name: "ext-apps 2.x",
    handshake: {
      protocolVersion: "2026-01-26",
      hostCapabilities: capabilities,
      hostInfo: { name: "Host", version: "2" },
      hostContext: { theme: "dark" },
    },
    lines: [
      { host: { jsonrpc: "2.0", method: "ui/notifications/tool-input", params: { arguments: { location: "NYC" } } } },
      { view: call },
      { host: answered },
    ],
    outcome: { content: [{ type: "text", text: "echo 1" }] },
  },
  {
    name: "ext-apps 1.x, members in another order and one that is not known",
    handshake: {
      hostInfo: { name: "Host", version: "1" },
      hostContext: {},
      hostCapabilities: { ...capabilities, later: { on: true } },
      protocolVersion: "2025-11-21",
    },
    lines: [
      { host: { method: "ui/notifications/tool-input-partial", params: { arguments: { loc: "N" } }, jsonrpc: "2.0" } },
      { host: { method: "ui/notifications/tool-input", params: {}, jsonrpc: "2.0" } },
      { view: call },
      { host: { result: { content: [{ type: "text", text: "MCP error -32602: Tool echo not found" }], isError: true }, jsonrpc: "2.0", id: 2 } },
    ],
    outcome: { code: "tool_failed", message: "MCP error -32602: Tool echo not found" },
  },
  {
    name: "a host of its own make that answers with its context alone",
    handshake: { hostContext: { theme: "light" } },
    lines: [{ view: call }, { host: answered }],
    outcome: { content: [{ type: "text", text: "echo 1" }] },
  },
  {
    name: "a host that took the handshake for that of MCP",
    handshake: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "host", version: "1.0.0" } },
    lines: [{ view: call }, { host: { jsonrpc: "2.0", id: 2, error: { code: -32000, message: "tools/call failed" } } }],
    outcome: { code: "internal_error", message: "tools/call failed", source: "unreadable" },
  },
  {
    name: "a host whose answer is empty",
    handshake: {},
    lines: [{ view: call }, { host: { jsonrpc: "2.0", id: 2, result: {} } }],
    outcome: { code: "protocol_error", source: "unreadable" },
  },
  {
    name: "a host that puts a result into a text, as window.openai once did",
    handshake: { hostCapabilities: { serverTools: {} } },
    lines: [{ view: call }, { host: { jsonrpc: "2.0", id: 2, result: { result: '{"a":1}' } } }],
    outcome: { structuredContent: { a: 1 } },
  },
];

describe("the recorded conversation with", () => {
  test.each(peers)("$name goes word for word", async ({ handshake, lines, outcome }) => {
    const frame = createFrame();
    const connecting = connect({ window: frame.window, name: "shop" });
    const calling = connecting.then((app) => app.callTool("echo", { a: 1 })).catch((error: unknown) => error);
    const input = vi.fn();
    void connecting.then((app) => app.onToolInput(input));
    const [first, ...rest] = lines;
    const isTold = first !== undefined && "host" in first;
    await replay(frame, [
      { view: hello },
      { host: { jsonrpc: "2.0", id: 1, result: handshake } },
      { view: initialized },
      ...(isTold ? [first, ...rest] : lines),
    ]);
    expect(await calling).toMatchObject(outcome);
    expect(input.mock.calls).toHaveLength(isTold ? 1 : 0);
  });
});

describe("window.openai as documented", () => {
  test("a view lives on members, events and promises alone", async () => {
    const sent: unknown[] = [];
    const openai = {
      toolInput: { city: "Bern" },
      toolOutput: { products: [] },
      toolResponseMetadata: null,
      widgetState: null,
      theme: "light",
      locale: "en-US",
      displayMode: "inline",
      maxHeight: 500,
      safeArea: { insets: { top: 0, bottom: 0, left: 0, right: 0 } },
      view: { mode: "inline" },
      userAgent: { device: { type: "desktop" }, capabilities: { hover: true, touch: false } },
      callTool: async (name: string, args: unknown) => (
        sent.push(["callTool", name, args]), { content: [], structuredContent: { ok: true }, _meta: {} }
      ),
      sendFollowUpMessage: async (message: unknown) => void sent.push(["sendFollowUpMessage", message]),
      openExternal: (link: unknown) => void sent.push(["openExternal", link]),
      requestDisplayMode: async (mode: unknown) => (sent.push(["requestDisplayMode", mode]), { mode: "fullscreen" }),
      notifyIntrinsicHeight: (height: unknown) => void sent.push(["notifyIntrinsicHeight", height]),
      setWidgetState: async (state: unknown) => void sent.push(["setWidgetState", state]),
    };
    const app = await connect({ window: createFrame(openai).window, bridge: "openai" });
    expect((await app.callTool("get_product", { id: 1 })).structuredContent).toEqual({ ok: true });
    await app.sendMessage("Hello");
    await app.openLink("https://shop.example/");
    expect(await app.requestDisplayMode("fullscreen")).toBe("fullscreen");
    app.resize({ width: 300, height: 400 });
    app.state.set({ a: 1 });
    expect(sent).toEqual([
      ["callTool", "get_product", { id: 1 }],
      ["sendFollowUpMessage", { prompt: "Hello" }],
      ["openExternal", { href: "https://shop.example/" }],
      ["requestDisplayMode", { mode: "fullscreen" }],
      ["notifyIntrinsicHeight", 400],
      ["setWidgetState", { modelContent: null, privateContent: { a: 1 }, imageIds: [] }],
    ]);
  });

  test.each<readonly [string, () => unknown]>([
    ["an empty object", () => ({})],
    ["a rejection with the host's HTTP status", () => Promise.reject(new Error("Request failed with status code 400"))],
    ["a rejection with an empty object", () => Promise.reject(Object.assign(new Error(""), { body: {} }))],
  ])("a call that needs sign-in and comes back as %s goes on by a link, and without links by the model", async (_name, answer) => {
    const handle = `lnk_${"h".repeat(43)}`;
    const link = { handle, link: "https://wallet.example/device", code: "BCDF", expiresAt: Date.now() + 600_000 };
    const server: Record<string, () => unknown> = {
      list_orders: answer,
      link_account: () => ({ content: [], structuredContent: { status: "pending" }, _meta: { "countersign/link": link } }),
      await_link: () => ({ content: [], structuredContent: { status: "linked" } }),
      call_linked: () => ({ content: [], structuredContent: { orders: [] } }),
    };
    const asked: unknown[] = [];
    const openai = {
      callTool: async (name: string) => server[name]?.(),
      sendFollowUpMessage: async (message: unknown) => void asked.push(message),
    };
    const app = await connect({ window: createFrame(openai).window, bridge: "openai" });
    expect((await app.callTool("list_orders")).structuredContent).toEqual({ orders: [] });
    delete server["link_account"];
    const second = await connect({ window: createFrame(openai).window, bridge: "openai" });
    await expect(second.callTool("list_orders")).rejects.toMatchObject({ code: "asked_model" });
    expect(asked).toEqual([{ prompt: "Please use list_orders." }]);
  });
});
