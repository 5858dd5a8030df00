import { describe, expect, test, vi } from "vitest";
import { connect, type App } from "../src/connect.ts";
import { createFrame, type StandInFrame } from "./stand-in-frame.ts";

async function connected(openai: Record<string, unknown>): Promise<{ frame: StandInFrame; app: App }> {
  const frame = createFrame(openai);
  return { frame, app: await connect({ window: frame.window, bridge: "openai" }) };
}

function setGlobals(frame: StandInFrame, globals: Record<string, unknown>): void {
  const event = new Event("openai:set_globals");
  Object.assign(event, { detail: { globals } });
  frame.dispatch(event);
}

describe("callTool over window.openai", () => {
  const answers: readonly { readonly answer: unknown; readonly expected: unknown }[] = [
    { answer: { content: [], structuredContent: { a: 1 } }, expected: { content: [], structuredContent: { a: 1 } } },
    { answer: { structuredContent: { a: 1 }, _meta: { b: 2 } }, expected: { content: [], structuredContent: { a: 1 }, _meta: { b: 2 } } },
    { answer: { result: '{"a":1}' }, expected: { content: [{ type: "text", text: '{"a":1}' }], structuredContent: { a: 1 } } },
    { answer: { result: "done" }, expected: { content: [{ type: "text", text: "done" }] } },
    { answer: "done", expected: { content: [{ type: "text", text: "done" }] } },
  ];
  test.each(answers)("understands $answer", async ({ answer, expected }) => {
    const callTool = vi.fn(async () => answer);
    const { app } = await connected({ callTool });
    expect(await app.callTool("get_product", { product_id: "p" })).toEqual(expected);
    expect(callTool).toHaveBeenCalledExactlyOnceWith("get_product", { product_id: "p" });
  });

  test.each([[{}], [null], [undefined], [[]], [{ orders: [] }]])("an answer that is no result is a typed error: %j", async (answer) => {
    const { app } = await connected({ callTool: async () => answer });
    await expect(app.callTool("list_orders")).rejects.toMatchObject({ name: "CallError", code: "protocol_error", retryable: false });
  });

  test.each([
    [
      { code: "flow_expired", message: "Too slow.", retryable: true, callId: "call_9" },
      { code: "flow_expired", message: "Too slow.", callId: "call_9" },
    ],
    [new Error("400 {}"), { code: "internal_error", message: "400 {}", retryable: true }],
    [{}, { code: "internal_error", retryable: true }],
    ["nope", { code: "internal_error", message: "nope" }],
  ])("a rejection is typed: %j", async (thrown, expected) => {
    const { app } = await connected({ callTool: () => Promise.reject(thrown) });
    await expect(app.callTool("list_orders")).rejects.toMatchObject({ name: "CallError", ...expected });
  });

  test("an aborted call rejects as cancelled", async () => {
    const { app } = await connected({ callTool: () => new Promise(() => undefined) });
    const stop = new AbortController();
    const call = app.callTool("pay", {}, { signal: stop.signal });
    stop.abort();
    await expect(call).rejects.toMatchObject({ code: "cancelled" });
  });
});

test("globals present at the start and later changes are told", async () => {
  const openai = {
    callTool: async () => ({}),
    theme: "light",
    toolInput: { query: "mug" },
    toolOutput: { products: [] },
    toolResponseMetadata: { m: 1 },
  };
  const { frame, app } = await connected(openai);
  const result = vi.fn();
  const theme = vi.fn();
  app.onToolInput((input) => expect(input).toEqual({ query: "mug" }));
  app.onToolResult(result);
  app.onHostContext((context) => theme(context.theme));
  setGlobals(frame, { theme: "dark" });
  setGlobals(frame, { toolOutput: { products: [1] } });
  setGlobals(frame, { "countersign/authorization": { state: "pending" } });
  app.onAuthorization((authorization) => expect(authorization).toEqual({ state: "pending", rung: "host_resumes" }));
  expect(result.mock.calls).toEqual([
    [{ content: [], structuredContent: { products: [] }, _meta: { m: 1 } }],
    [{ content: [], structuredContent: { products: [1] }, _meta: { m: 1 } }],
  ]);
  expect(theme).toHaveBeenCalledWith("dark");
});

test("messages, links and sizes use the members of window.openai", async () => {
  const sendFollowUpMessage = vi.fn();
  const openExternal = vi.fn();
  const notifyIntrinsicHeight = vi.fn();
  const { app } = await connected({ callTool: async () => ({}), sendFollowUpMessage, openExternal, notifyIntrinsicHeight });
  await app.sendMessage("Hello");
  await app.openLink("https://shop.example/");
  app.resize({ width: 300, height: 420 });
  expect(sendFollowUpMessage).toHaveBeenCalledExactlyOnceWith({ prompt: "Hello" });
  expect(openExternal).toHaveBeenCalledExactlyOnceWith({ href: "https://shop.example/" });
  expect(notifyIntrinsicHeight).toHaveBeenCalledExactlyOnceWith(420);
});

test("a member that the host lacks is a typed error", async () => {
  const { app } = await connected({ callTool: async () => ({}) });
  await expect(app.sendMessage("Hello")).rejects.toMatchObject({ code: "invalid_request", retryable: false });
});

test("state survives a reload and keeps the app's part apart from the model's", async () => {
  let stored: unknown = null;
  const openai = {
    callTool: async () => ({}),
    get widgetState(): unknown {
      return stored;
    },
    setWidgetState(value: unknown): void {
      stored = value;
    },
  };
  const first = await connected(openai);
  expect(first.app.state.durable).toBe(true);
  expect(first.app.state.get()).toBeUndefined();
  first.app.state.set({ view: "orders" });
  await first.app.updateModelContext({ text: "Looking at orders" });
  expect(stored).toEqual({ privateContent: { view: "orders" }, modelContent: "Looking at orders", imageIds: [] });
  const second = await connected(openai);
  expect(second.app.state.get()).toEqual({ view: "orders" });
});

test.each<readonly [string, () => unknown]>([
  ["throws", () => JSON.parse("")],
  ["rejects", () => Promise.reject(new Error("too large"))],
])("a host whose setWidgetState %s loses the state and nothing else", async (_name, setWidgetState) => {
  const handle = `lnk_${"h".repeat(43)}`;
  const offer = { handle, link: "https://wallet.example/device", code: "BCDF", expiresAt: Date.now() + 600_000 };
  const called: string[] = [];
  const answers: Readonly<Record<string, unknown>> = {
    link_account: { content: [], _meta: { "countersign/link": offer } },
    await_link: { content: [], structuredContent: { status: "linked" } },
    call_linked: { content: [], structuredContent: { orders: [] } },
  };
  const callTool = async (name: string): Promise<unknown> => (called.push(name), answers[name] ?? {});
  const app = await connect({ window: createFrame({ callTool, setWidgetState }).window, bridge: "openai" });
  expect(() => app.state.set({ a: 1 })).not.toThrow();
  expect((await app.callTool("list_orders", {}, { idempotent: true })).structuredContent).toEqual({ orders: [] });
  expect(called).toEqual(["list_orders", "link_account", "await_link", "call_linked"]);
});

test("state without a host that keeps it lives in the frame and says so", async () => {
  const { app } = await connected({ callTool: async () => ({}) });
  app.state.set(1);
  expect(app.state.get()).toBe(1);
  expect(app.state.durable).toBe(false);
});

test("openAuthPopup is there where the host has it, and gives texts only", async () => {
  const without = await connected({ callTool: async () => ({}) });
  expect(without.app.openAuthPopup).toBeUndefined();
  const openAuthPopup = vi.fn(async () => ({ linked: "yes", odd: 1 }));
  const { app } = await connected({ callTool: async () => ({}), openAuthPopup });
  expect(await app.openAuthPopup?.("https://shop.example/link")).toEqual({ linked: "yes" });
  expect(openAuthPopup).toHaveBeenCalledExactlyOnceWith("https://shop.example/link");
});

test("a display mode is asked for, and the one that was set is given", async () => {
  const { app } = await connected({ callTool: async () => ({}), requestDisplayMode: async () => ({ mode: "inline" }) });
  expect(await app.requestDisplayMode("pip")).toBe("inline");
});

test("the connection is told beside the state of the view's own calls", async () => {
  const told = { state: "idle", connection: "signed_in" };
  const { app } = await connected({ callTool: async () => ({}), "countersign/authorization": told });
  const heard = vi.fn();
  app.onAuthorization(heard);
  expect(heard).toHaveBeenLastCalledWith(told);
});
