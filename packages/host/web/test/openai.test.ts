import type { BridgeMessage } from "@countersign/protocol/bridge";
import { openaiMembersOf } from "@countersign/protocol/profile-view";
import { err, ok } from "@countersign/protocol/result";
import { describe, expect, it } from "vitest";
import type { OpenAiGlobals } from "../src/bridge/globals.ts";
import { serveOpenAi } from "../src/bridge/openai.ts";
import { createFrameTransport, type FrameMessage } from "../src/bridge/transport.ts";
import type { Call } from "../src/wire.ts";
import { createUploads } from "../src/bridge/uploads.ts";
import type { ShimMessage } from "../shim/channel.ts";
import { createOpenAi, type OpenAi, withOnly } from "../shim/window-openai.ts";
import { aCall, aHost, aResult } from "./fixtures.ts";

const origin = "http://abc.localhost:4101";
const gone = { code: "not_found", message: "Nothing is here.", retryable: false };

interface Bench {
  readonly openai: OpenAi;
  readonly reportHeight: (height: number) => void;
  readonly told: [string, unknown][];
  readonly passed: unknown[];
  readonly events: Partial<OpenAiGlobals>[];
  readonly uses: () => number;
  /** A message from the host's side to the widget's window. */
  readonly deliver: (data: unknown, source?: unknown) => void;
}

/** The shim in one window, the host in another, with a relay between that copies messages as postMessage does. */
function bench(answer: (name: string, args: unknown) => Promise<Call>, block?: Partial<OpenAiGlobals>): Bench {
  const told: [string, unknown][] = [];
  const passed: unknown[] = [];
  const events: Partial<OpenAiGlobals>[] = [];
  let used = 0;
  let toWidget = (_event: ShimMessage): void => {};
  const hostListeners: ((event: FrameMessage) => void)[] = [];
  const parent = {
    postMessage: (data: unknown) =>
      queueMicrotask(() => hostListeners.forEach((hear) => hear({ data: structuredClone(data), origin, source: frame }))),
  };
  const deliver = (data: unknown, source: unknown = parent): void => {
    let stopped = false;
    toWidget({ data: structuredClone(data), source, stopImmediatePropagation: () => void (stopped = true) });
    if (!stopped) passed.push(data);
  };
  const frame = { postMessage: (data: unknown) => queueMicrotask(() => deliver(data)) };
  const host = aHost({
    callTool: (name, args) => {
      told.push(["callTool", { name, args }]);
      return answer(name, args);
    },
    openLink: (url, wish) => Promise.resolve(told.push(["openLink", { url, ...wish }]) > 0 && url.startsWith("https:")),
    setOpenInApp: (url) => told.push(["setOpenInApp", url]) > 0 && url.startsWith("https:"),
    say: (text, wish) => Promise.resolve(told.push(["say", { text, ...wish }]) > 0),
    resize: (height) => void told.push(["resize", height]),
    requestDisplayMode: (mode) => (mode === "fullscreen" || mode === "pip" ? mode : "inline"),
    requestModal: (request) => Promise.resolve(told.push(["requestModal", request]) > 0),
    close: () => void told.push(["close", undefined]),
    saveState: (state) => {
      if (state === "too much") throw new DOMException("full", "QuotaExceededError");
      return Promise.resolve(told.push(["saveState", state]) > 0 && state !== "too long");
    },
    uploadFile: (file) => {
      told.push(["uploadFile", { ...file, bytes: file.bytes.length }]);
      return Promise.resolve(ok({ fileId: "file_1", fileName: file.name, mimeType: file.type, size: file.bytes.length }));
    },
    selectFiles: () => Promise.resolve([{ fileId: "file_2", fileName: "b.txt", mimeType: "text/plain", size: 3 }]),
    linkFile: (fileId) => Promise.resolve(fileId === "file_1" ? ok("http://abc.localhost:4101/file/x") : err(gone)),
    openAuthPopup: (url) => Promise.resolve(url.startsWith("https:") ? ok({ linked: "yes" }) : err(gone)),
  });
  const uploads = createUploads(host.uploadFile);
  const transport = createFrameTransport({
    page: { addEventListener: (_type, listener) => void hostListeners.push(listener), removeEventListener: () => {} },
    frame,
    origin,
    now: () => 0,
    onOpenAi: (ask: Extract<BridgeMessage, { kind: "request" | "notification" }>) =>
      void serveOpenAi(ask, { host, uploads, transport, ignoreMeasuredHeight: false }),
    onViolation: () => {},
  });
  void transport.start();
  const { openai, reportHeight } = createOpenAi({
    view: {
      parent,
      document: { querySelector: () => (block === undefined ? null : { textContent: JSON.stringify(block) }) },
      addEventListener: (_type, listener) => void (toWidget = listener),
      dispatchEvent: () => true,
    },
    event: (globals) => {
      events.push(globals);
      return new Event("openai:set_globals");
    },
    onUsed: () => void (used += 1),
  });
  return { openai, reportHeight, told, passed, events, uses: () => used, deliver };
}

const completed = (): Promise<Call> => Promise.resolve(aCall({ state: "completed", result: aResult({ orders: [1] }) }));
const settled = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0));

describe("window.openai", () => {
  it("resolves callTool with the tool's whole result", async () => {
    const { openai, told } = bench(completed);
    expect(await openai.callTool("list_orders", { limit: 1 })).toMatchObject({ structuredContent: { orders: [1] } });
    expect(told).toEqual([["callTool", { name: "list_orders", args: { limit: 1 } }]]);
  });

  it("keeps the promise pending until the call has ended, and then resolves that same promise", async () => {
    let end = (_call: Call): void => {};
    const { openai } = bench(() => new Promise((resolve) => void (end = resolve)));
    let result: unknown;
    void openai.callTool("list_orders").then((value) => void (result = value));
    await settled();
    expect(result).toBeUndefined();
    end(await completed());
    await settled();
    expect(result).toMatchObject({ structuredContent: { orders: [1] } });
  });

  it("rejects with an Error that says code, message, retryable and call, never with an empty object", async () => {
    const error = { code: "cancelled", message: "This was cancelled.", retryable: true };
    const { openai } = bench(() => Promise.resolve(aCall({ state: "failed", error })));
    const reason: unknown = await openai.callTool("list_orders").catch((thrown: unknown) => thrown);
    expect(reason).toBeInstanceOf(Error);
    expect(reason).toMatchObject({ ...error, callId: "call_1" });
  });

  it("rejects with an Error without code, retryable or call where the host that is acted out gives no reason", async () => {
    const error = { code: "authorization_required", message: "Please sign in.", retryable: false };
    const { openai } = bench(() => Promise.resolve(aCall({ state: "failed", error, emptied: true })));
    const reason: unknown = await openai.callTool("list_orders").catch((thrown: unknown) => thrown);
    expect(reason).toBeInstanceOf(Error);
    expect(reason).toMatchObject({ message: "HTTP 400: {}" });
    expect(Object.keys(Object(reason))).toEqual([]);
  });

  it("V16 keeps the answers of calls in flight apart", async () => {
    const { openai } = bench(async (name) => {
      if (name === "slow") await settled();
      return aCall({ state: "completed", result: aResult({ name }) });
    });
    const answers = await Promise.all(["slow", "fast", "slow", "fast"].map((name) => openai.callTool(name)));
    expect(answers).toMatchObject(["slow", "fast", "slow", "fast"].map((name) => ({ structuredContent: { name } })));
  });

  it("has the globals of the page at the first read, and none of them null by accident", () => {
    const { openai } = bench(completed, { toolOutput: { products: [] }, theme: "dark", locale: "de" });
    expect([openai.toolOutput, openai.theme, openai.locale, openai.displayMode]).toEqual([{ products: [] }, "dark", "de", "inline"]);
    expect(bench(completed).openai).toMatchObject({ toolInput: null, toolOutput: null, theme: "light" });
  });

  it("changes its globals and says so when the host does", () => {
    const { openai, events, deliver } = bench(completed, { theme: "light", locale: "de" });
    deliver({ jsonrpc: "2.0", method: "openai/setGlobals", params: { globals: { theme: "dark" } } });
    expect([openai.theme, openai.locale, events]).toEqual(["dark", "de", [{ theme: "dark" }]]);
  });

  it("has the new widget state at once and keeps it at the host", async () => {
    const { openai, told } = bench(completed);
    const kept = openai.setWidgetState({ page: 2 });
    expect(openai.widgetState).toEqual({ page: 2 });
    await kept;
    expect(told).toEqual([["saveState", { page: 2 }]]);
  });

  it("passes links, messages and display modes to the host and rejects what it refuses", async () => {
    const { openai, told } = bench(completed);
    await openai.openExternal({ href: "https://store.example" });
    await openai.openExternal({ href: "https://store.example", redirectUrl: false });
    await expect(openai.openExternal({ href: "javascript:alert(1)" })).rejects.toMatchObject({ code: "refused" });
    await openai.sendFollowUpMessage({ prompt: "Hello" });
    await openai.sendFollowupTurn({ prompt: "Hello", scrollToBottom: false });
    await expect(openai.sendFollowUpMessage({ prompt: "" })).rejects.toMatchObject({ message: "Invalid params" });
    for (const mode of ["fullscreen", "pip"]) expect(await openai.requestDisplayMode({ mode })).toEqual({ mode });
    expect(told).toEqual([
      ["openLink", { url: "https://store.example", wayBack: true }],
      ["openLink", { url: "https://store.example", wayBack: false }],
      ["openLink", { url: "javascript:alert(1)", wayBack: true }],
      ["say", { text: "Hello", scrollToBottom: true }],
      ["say", { text: "Hello", scrollToBottom: false }],
    ]);
  });

  it("asks for a dialog, for its own end and for the address of its app", async () => {
    const { openai, told } = bench(completed);
    await openai.requestModal({ params: { item: 1 }, template: "ui://shop/detail.html" });
    await openai.requestModal({});
    await openai.setOpenInAppUrl({ href: "https://store.example/orders" });
    await expect(openai.setOpenInAppUrl("data:text/html,x")).rejects.toMatchObject({ code: "refused" });
    await openai.requestClose();
    expect(told).toEqual([
      ["requestModal", { template: "ui://shop/detail.html", params: { item: 1 } }],
      ["requestModal", { template: undefined, params: null }],
      ["setOpenInApp", "https://store.example/orders"],
      ["setOpenInApp", "data:text/html,x"],
      ["close", undefined],
    ]);
  });

  it("uploads a file in parts that fit a message, and names and links files as reference hosts do", async () => {
    const { openai, told } = bench(completed);
    const file = new File([new Uint8Array(1_000_000)], "photo.png", { type: "image/png" });
    expect(await openai.uploadFile(file)).toEqual({ fileId: "file_1", fileName: "photo.png", mimeType: "image/png" });
    expect(told).toEqual([["uploadFile", { name: "photo.png", type: "image/png", bytes: 1_000_000 }]]);
    expect(await openai.selectFiles()).toEqual([{ fileId: "file_2", fileName: "b.txt", mimeType: "text/plain" }]);
    expect(await openai.getFileDownloadUrl({ fileId: "file_1" })).toEqual({ downloadUrl: "http://abc.localhost:4101/file/x" });
    await expect(openai.getFileDownloadUrl({ fileId: "other" })).rejects.toMatchObject({ code: "not_found" });
  });

  it("V14 takes no empty file and none above 10 MB", async () => {
    const { openai, told } = bench(completed);
    for (const size of [0, 10 * 1024 * 1024 + 1]) {
      await expect(openai.uploadFile(new Blob([new Uint8Array(size)]))).rejects.toMatchObject({ code: "refused" });
    }
    expect(told).toEqual([]);
  });

  it("has openAuthPopup where the app declares a place for it, and resolves with the parameters", async () => {
    expect(bench(completed).openai.openAuthPopup).toBeUndefined();
    const { openai } = bench(completed, { "countersign/openAuthPopup": true });
    expect(await openai.openAuthPopup?.("https://shop.example/link")).toEqual({ linked: "yes" });
    await expect(openai.openAuthPopup?.("http://elsewhere.example/")).rejects.toMatchObject({ code: "not_found", retryable: false });
  });

  it("reports a measured height until the widget states its own, clamped by the host (V07)", async () => {
    const { openai, reportHeight, told } = bench(completed);
    reportHeight(300);
    openai.notifyIntrinsicHeight(1_000_000);
    reportHeight(310);
    await settled();
    expect(told).toEqual([
      ["resize", 300],
      ["resize", 1200],
    ]);
  });

  it("tells once that it is used, at the first read of a global", () => {
    const { openai, uses } = bench(completed);
    expect(uses()).toBe(0);
    expect([openai.theme, openai.toolInput, uses()]).toEqual(["light", null, 1]);
  });

  it("takes no message that is not the parent's, and leaves those of the MCP Apps bridge alone", async () => {
    const { openai, passed, deliver, events } = bench(() => new Promise(() => {}));
    let answered = false;
    void openai.callTool("pay").then(() => void (answered = true));
    deliver({ jsonrpc: "2.0", id: "openai:1", result: { forged: true } }, {});
    deliver({ jsonrpc: "2.0", method: "openai/setGlobals", params: { globals: { theme: "dark" } } }, {});
    const apps = [
      { jsonrpc: "2.0", id: 1, result: {} },
      { jsonrpc: "2.0", id: "abc", result: {} },
      { jsonrpc: "2.0", method: "ui/notifications/tool-result", params: {} },
    ];
    for (const message of apps) deliver(message);
    await settled();
    expect(answered).toBe(false);
    expect(events).toEqual([]);
    expect(passed.slice(2)).toEqual(apps);
  });

  it("has of its functions those that the host has, and all of its data, as it changes", async () => {
    const { openai, told, deliver } = bench(completed, { theme: "light", "countersign/openAuthPopup": true });
    const part = withOnly(openai, ["callTool", "openExternal"]);
    expect("callTool" in part && "openExternal" in part && "toolOutput" in part).toBe(true);
    const missing = [
      "requestModal",
      "sendFollowUpMessage",
      "sendFollowupTurn",
      "notifyIntrinsicHeight",
      "openAuthPopup",
      "countersign/authorization",
    ];
    expect(missing.filter((name) => name in part)).toEqual([]);
    await part.openExternal?.({ href: "https://store.example" });
    expect(told).toHaveLength(1);
    deliver({ jsonrpc: "2.0", method: "openai/setGlobals", params: { globals: { theme: "dark" } } });
    expect(part.theme).toBe("dark");
    const whole = withOnly(openai, openaiMembersOf("countersign"));
    expect(Object.keys(whole).toSorted()).toEqual(Object.keys(openai).toSorted());
  });

  it("lacks what this host does not have, so that feature tests tell the truth", () => {
    const { openai } = bench(completed);
    expect("requestCheckout" in openai).toBe(false);
  });

  it.each(["too much", "too long"])("a state that is %s to keep rejects, typed, instead of hanging", async (state) => {
    const { openai } = bench(() => Promise.resolve(aCall()));
    await expect(openai.setWidgetState(state)).rejects.toMatchObject({ code: expect.stringMatching(/^(internal_error|refused)$/), retryable: false });
  });
});
