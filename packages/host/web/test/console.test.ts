import { err, ok } from "@countersign/protocol/result";
import { describe, expect, it } from "vitest";
import { type ApiProblem, type CallRequest, createApi, type HostApi } from "../src/api.ts";
import type { TurnRead } from "../src/chat.ts";
import { type Console, createConsole } from "../src/console.ts";
import { readSaved, saveOf } from "../src/saved.ts";
import type { SignIn } from "../src/sign-in.ts";
import { createStore, type Store } from "../src/store.ts";
import type { Call } from "../src/wire.ts";
import { createOpenViews } from "../src/open-views.ts";
import { aView, aCall, aConnector, aResult, aTool } from "./fixtures.ts";

const down: ApiProblem = { code: "unreachable", message: "Countersign does not answer.", retryable: true };

interface Bench {
  readonly page: Console;
  readonly store: Store;
  readonly started: CallRequest[];
  readonly log: string[];
  readonly kept: Map<string, string>;
  /** What the host would answer about each call. */
  readonly calls: Map<string, Call>;
  refuse: ApiProblem | undefined;
  /** What the host would answer about the last turn. */
  turn: TurnRead;
}

function bench(kept = new Map<string, string>()): Bench {
  const store = createStore();
  const started: CallRequest[] = [];
  const log: string[] = [];
  const calls = new Map<string, Call>();
  const unused = (): never => {
    throw new Error("not asked here");
  };
  const api: HostApi = {
    session: () => Promise.resolve(ok({ userId: "u", connectors: [aConnector()], model: undefined, profile: "countersign" })),
    tools: () => Promise.resolve(ok([aTool()])),
    addConnector: unused,
    changeConnector: unused,
    signInConnector: unused,
    removeConnector: unused,
    agreeToTool: unused,
    signOut: unused,
    chooseProfile: () => Promise.resolve(ok(undefined)),
    startCall: (request) => {
      started.push(request);
      log.push("start");
      if (self.refuse !== undefined) return Promise.resolve(err(self.refuse));
      const call = aCall({ id: `call_${started.length}`, tool: request.tool, origin: request.origin });
      calls.set(call.id, call);
      return Promise.resolve(ok(call));
    },
    call: (id) => {
      const call = calls.get(id);
      return Promise.resolve(call === undefined ? err({ ...down, code: "unknown_call" }) : ok(call));
    },
    answerCall: () => Promise.resolve(err(down)),
    cancelCall: (id) => {
      log.push(`cancel ${id}`);
      return Promise.resolve(ok(undefined));
    },
    trace: () => Promise.resolve(ok({ steps: [], ladder: [] })),
    noteLadder: (callId) => {
      log.push(`note ${callId}`);
      return Promise.resolve(ok([]));
    },
    flow: unused,
    cancelFlow: unused,
    startDevice: unused,
    createWidget: () => Promise.resolve(ok(aView({ frameUrl: "http://a.localhost/f", html: undefined, csp: { a: [] } }))),
    widget: () => Promise.resolve(ok(aView({ frameUrl: "http://other.localhost/f" }))),
    say: (message) => {
      log.push(message);
      return Promise.resolve(self.refuse === undefined ? ok(undefined) : err(self.refuse));
    },
    stopAnswer: () => {
      log.push("stop");
      return Promise.resolve(ok(undefined));
    },
    turn: () => Promise.resolve(ok(self.turn)),
    saveWidgetState: unused,
    readResource: unused,
    listResources: unused,
    addFile: unused,
    files: unused,
    linkFile: unused,
    openPopup: unused,
    waitForPopup: unused,
    sample: unused,
    answerViewCall: unused,
  };
  const signIn: SignIn = {
    reserve: (decision) => {
      log.push(`reserve ${decision?.action}`);
      return { navigate: () => {}, close: () => void log.push("close") };
    },
    attach: (callId) => void log.push(`attach ${callId}`),
    openAgain: unused,
    signInConnector: unused,
    cancel: unused,
    useDevice: unused,
    leaveDevice: unused,
    settle: () => {},
  };
  let ids = 0;
  const storage = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
  const page = createConsole({
    conversation: { current: () => "conversation_1", renew: () => {} },
    store,
    api,
    signIn,
    open: createOpenViews(),
    now: () => 0,
    newId: () => `id_${(ids += 1)}`,
    storage,
  });
  const self: Bench = { page, store, started, log, kept, calls, refuse: undefined, turn: { answering: undefined, events: [] } };
  return self;
}

/** Lets everything that is ready run. */
const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0));

const widget = { connectorId: "store", widgetId: "w", callId: "call_1", profile: "countersign" } as const;

describe("createConsole", () => {
  it("decides about a window before it asks the host, inside the click", async () => {
    const { page, log } = bench();
    await page.start();
    await page.loadTools("store");
    const call = page.callTool("store", aTool(), {});
    expect(log).toEqual(["reserve authorize", "start"]);
    await call;
    expect(log.at(-1)).toBe("attach call_1");
  });

  it("keeps 50 notes of a view that talks without end at the host, and shows the newest", () => {
    const { page, store, log } = bench();
    for (let round = 0; round < 200; round += 1) page.noteLadder("call_1", { tool: `tool_${round}`, rung: "link", outcome: "begun" });
    expect(log.filter((line) => line === "note call_1").length).toBe(50);
    expect(
      store
        .get()
        .ladders["call_1"]?.map(({ tool }) => tool)
        .slice(-1),
    ).toEqual(["tool_199"]);
  });

  it("closes the window again and says why when the host does not start the call", async () => {
    const one = bench();
    one.refuse = down;
    expect(await one.page.callTool("store", aTool(), {})).toEqual(down);
    expect(one.log.at(-1)).toBe("close");
    expect(one.store.get().entries).toEqual([]);
  });

  it("decides about the window of a widget's call as at the host that its view was made for", async () => {
    const { page, store, log } = bench();
    await page.start();
    await page.loadTools("store");
    store.dispatch({ type: "profile", profile: "countersign" });
    void page.callFromWidget(widget, "list_orders", {});
    void page.callFromWidget({ ...widget, profile: "chatgpt" }, "list_orders", {});
    expect(log.filter((line) => line.startsWith("reserve"))).toEqual(["reserve authorize", "reserve answer"]);
  });

  it("starts a widget's call as the widget's, with its own idempotency key", async () => {
    const { page, started } = bench();
    await page.callTool("store", aTool(), {});
    void page.callFromWidget(widget, "pay", { checkout_id: "c" });
    expect(started[1]).toEqual({
      connectorId: "store",
      tool: "pay",
      arguments: { checkout_id: "c" },
      origin: "widget",
      widgetId: "w",
      idempotencyKey: "id_2",
      conversationId: "conversation_1",
    });
    expect(started[0]?.idempotencyKey).not.toBe(started[1]?.idempotencyKey);
  });

  it("resolves a widget's call when the events say that it ended, and not before", async () => {
    const { page, store } = bench();
    await page.callTool("store", aTool(), {});
    let ended: Call | undefined;
    const waiting = page.callFromWidget(widget, "list_orders", {}).then((call) => void (ended = call));
    await Promise.resolve();
    page.onEvent("call", { id: "call_2", tool: "list_orders", state: "authorizing" });
    await turn();
    expect(ended).toBeUndefined();
    page.onEvent("call", { id: "call_2", tool: "list_orders", state: "completed", result: { content: [] } });
    await waiting;
    expect(ended).toMatchObject({ id: "call_2", state: "completed" });
    expect(store.get().childCalls["call_1"]).toEqual(["call_2"]);
  });

  it("resolves a widget's call that ended before its start was answered", async () => {
    const { page } = bench();
    page.onEvent("call", { id: "call_1", tool: "list_orders", state: "failed", error: { code: "cancelled", message: "No.", retryable: true } });
    expect((await page.callFromWidget(widget, "list_orders", {})).error?.code).toBe("cancelled");
  });

  it("ends a widget's call at the host when the view wants it no more, and only then", async () => {
    const { page, log } = bench();
    await page.callTool("store", aTool(), {});
    const stop = new AbortController();
    const waiting = page.callFromWidget(widget, "pay", {}, stop.signal);
    await turn();
    expect(log).not.toContain("cancel call_2");
    stop.abort();
    expect(log.at(-1)).toBe("cancel call_2");
    page.onEvent("call", { id: "call_2", tool: "pay", state: "failed", error: { code: "cancelled", message: "No.", retryable: true } });
    expect(await waiting).toMatchObject({ id: "call_2", error: { code: "cancelled" } });
    const over = new AbortController();
    void page.callFromWidget(widget, "pay", {}, over.signal);
    page.onEvent("call", { id: "call_3", tool: "pay", state: "completed", result: { content: [] } });
    await turn();
    over.abort();
    expect(log).not.toContain("cancel call_3");
  });

  it("gives a widget a typed error when the host does not start its call", async () => {
    const one = bench();
    one.refuse = { code: "tool_not_visible", message: "This app may not use that tool.", retryable: false };
    expect(await one.page.callFromWidget(widget, "admin", {})).toMatchObject({ state: "failed", error: one.refuse });
  });

  it("reads pending calls again after the connection was lost, so that an end is never missed", async () => {
    const { page, calls } = bench();
    await page.start();
    await page.callTool("store", aTool(), {});
    const waiting = page.callFromWidget(widget, "list_orders", {});
    await turn();
    calls.set("call_2", aCall({ id: "call_2", state: "completed", result: aResult() }));
    await page.refresh();
    expect(await waiting).toMatchObject({ id: "call_2", state: "completed" });
  });

  it("ends a widget's call, typed, when the host no longer knows it, and leaves it waiting while the host cannot be asked", async () => {
    const { page, calls, store } = bench();
    await page.start();
    await page.callTool("store", aTool(), {});
    const waiting = page.callFromWidget(widget, "list_orders", {});
    await turn();
    calls.delete("call_2");
    await page.refresh();
    expect(await waiting).toMatchObject({ id: "call_2", state: "failed", error: { code: "unknown_call" } });
    expect(store.get().calls["call_1"]?.state).toBe("dispatched");
  });

  it("goes on when the browser keeps nothing more", async () => {
    const full = new Map<string, string>();
    full.set = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
    const { page, store } = bench(full);
    await page.callTool("store", aTool(), {});
    page.onEvent("call", { id: "call_1", tool: "list_orders", state: "completed", result: { content: [] } });
    expect(store.get().calls["call_1"]?.state).toBe("completed");
  });

  it("brings the conversation back after a reload and leaves out calls that no longer exist", async () => {
    const before = bench();
    await before.page.callTool("store", aTool(), { q: 1 });
    await before.page.callTool("store", aTool(), { q: 2 });
    const after = bench(before.kept);
    after.calls.set("call_1", aCall({ id: "call_1", state: "authorizing" }));
    await after.page.start();
    expect(after.store.get().entries).toEqual([{ kind: "call", callId: "call_1", arguments: { q: 1 } }]);
    expect(after.store.get().calls["call_1"]?.state).toBe("authorizing");
  });

  it("shows a widget at the address it was created with, with the html that was read", async () => {
    const { page, store } = bench();
    await page.callTool("store", aTool(), {});
    await page.loadWidget("call_1", "ui://store/shop.html");
    expect(store.get().widgets["call_1"]).toMatchObject({ state: "ready", view: { frameUrl: "http://a.localhost/f", html: "<p>" } });
  });

  it("keeps the host that an event named while the session was being read", async () => {
    const { page, store } = bench();
    await page.start();
    const reading = page.refresh();
    page.onEvent("settings", { profile: "chatgpt" });
    page.onEvent("settings", { profile: "netscape" });
    await reading;
    expect(store.get().profile).toBe("chatgpt");
    await page.refresh();
    expect(store.get().profile).toBe("countersign");
  });

  it("shows the host that was chosen last, here or in another tab", async () => {
    const { page, store } = bench();
    await page.start();
    expect((await page.chooseProfile("claude")).ok).toBe(true);
    expect(store.get().profile).toBe("claude");
    const first = page.chooseProfile("goose");
    page.onEvent("settings", { profile: "goose" });
    page.onEvent("settings", { profile: "cursor" });
    await first;
    expect(store.get().profile).toBe("cursor");
  });

  it("keeps what an event said of a connector while the session was being read", async () => {
    const { page, store } = bench();
    await page.start();
    const reading = page.refresh();
    page.onEvent("connector", { id: "store", url: "http://127.0.0.1:4300/mcp", name: "Heard", status: "connected" });
    await reading;
    expect(store.get().connectors[0]?.name).toBe("Heard");
    await page.refresh();
    expect(store.get().connectors[0]?.name).toBe("Harbour Goods");
  });

  it("V21 tells the model an app's words as the app's, and its context once with the user's next message", async () => {
    const { page, store, log } = bench();
    await page.sayFromApp("Store", "I approve");
    expect([store.get().entries, log]).toMatchObject([[{ by: "app", name: "Store", text: "I approve" }], []]);
    store.dispatch({ type: "session", session: { userId: "u", connectors: [], model: "llama", profile: "countersign" } });
    await page.sayFromApp("Store", "I approve");
    page.setAppContext("call_1", "Store", "old");
    page.setAppContext("call_1", "Store", "cart of 2");
    await page.say("Go on");
    await page.say("And now?");
    expect(log).toEqual([
      "[Message from the app “Store”, not from the user]\nI approve",
      "Go on\n\n[Context from the app “Store”, not from the user]\ncart of 2",
      "And now?",
    ]);
  });

  it("ignores events that it cannot read", () => {
    const { page, store } = bench();
    const before = store.get();
    for (const name of ["call", "flow", "connector", "trace", "chat", "progress", "unknown"])
      for (const json of [undefined, null, {}, [], "x"]) page.onEvent(name, json);
    expect(store.get()).toBe(before);
  });
});

describe("how far a server says that it is", () => {
  const said = { callId: "call_1", progress: 2, total: 5, message: "Packing" };

  it("stands with the call until it changes", () => {
    const { page, store } = bench();
    const running = { id: "call_1", connectorId: "store", tool: "pack", origin: "user", state: "dispatched", version: 2 };
    page.onEvent("call", running);
    page.onEvent("progress", said);
    expect(store.get().calls["call_1"]).toMatchObject({ state: "dispatched", progress: { progress: 2, total: 5, message: "Packing" } });
    page.onEvent("call", { ...running, progress: { progress: 3 } });
    expect(store.get().calls["call_1"]?.progress).toEqual({ progress: 3 });
    page.onEvent("call", { ...running, state: "completed", result: {}, version: 3 });
    page.onEvent("progress", said);
    expect(store.get().calls["call_1"]?.progress).toBeUndefined();
  });

  it("is nothing of a call that this page does not know, and nothing without a finite number", () => {
    const { page, store } = bench();
    page.onEvent("call", { id: "call_2", connectorId: "store", tool: "pack", origin: "user", state: "dispatched", version: 2 });
    const before = store.get();
    for (const json of [said, { callId: "call_2" }, { callId: "call_2", progress: "2" }, { callId: 2, progress: 2 }]) page.onEvent("progress", json);
    expect(store.get()).toBe(before);
  });
});

describe("what a tab keeps", () => {
  it("reads back what it wrote, and nothing from anything else", () => {
    const state = {
      entries: [
        { kind: "call", callId: "c", arguments: { a: 1 } },
        { kind: "said", id: "s", by: "app", name: "Store", text: "Hi" },
      ],
      childCalls: { c: ["d"] },
    } as const;
    expect(readSaved(saveOf(state))).toEqual(state);
    for (const text of [null, "", "{", "[]", '{"entries":[{"kind":"call"}]}', '{"entries":[{"kind":"said","id":"x","by":"evil"}]}'])
      expect(readSaved(text)).toEqual({ entries: [], childCalls: {} });
  });
  it("drops arguments that would not fit rather than the conversation", () => {
    const entries = [{ kind: "call", callId: "c", arguments: "x".repeat(600_000) }] as const;
    expect(readSaved(saveOf({ entries, childCalls: {} })).entries).toEqual([{ kind: "call", callId: "c", arguments: {} }]);
  });
});

describe("createApi", () => {
  const api = (status: number, body: string): HostApi => createApi(() => Promise.resolve(new Response(body, { status })));
  it("turns a refusal of the host into a problem with its own words", async () => {
    const body = JSON.stringify({ error: "x", code: "unknown_tool", error_description: "There is no such tool.", retryable: false });
    expect(await api(404, body).call("c")).toEqual(err({ code: "unknown_tool", message: "There is no such tool.", retryable: false }));
  });
  it("says what to do when the host is not there or speaks nonsense", async () => {
    const gone = createApi(() => Promise.reject(new TypeError("fetch failed")));
    expect(await gone.session()).toMatchObject({ ok: false, error: { code: "unreachable", retryable: true } });
    expect(await api(502, "<html>").session()).toMatchObject({ ok: false, error: { code: "unreachable" } });
    expect(await api(200, "<html>").session()).toMatchObject({ ok: false, error: { code: "malformed" } });
  });
  it("sends writes as JSON to its own origin and keeps ids inside their path segment", async () => {
    const seen: [string, string | undefined][] = [];
    const watched = createApi((path, init) => {
      seen.push([path instanceof Request ? path.url : path.toString(), new Headers(init?.headers).get("content-type") ?? undefined]);
      return Promise.resolve(new Response("{}"));
    });
    await watched.cancelFlow("../../x?y");
    await watched.session();
    expect(seen).toEqual([
      ["/api/flows/..%2F..%2Fx%3Fy/cancel", "application/json"],
      ["/api/session", undefined],
    ]);
  });
});
