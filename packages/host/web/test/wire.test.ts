import { assert, jsonValue, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { isCallEnded, isFlowOpen, readCall, readConnector, readFlow, readTools, readWidget, titleOf } from "../src/wire.ts";
import { readChosenProfile, readSession } from "../src/session.ts";
import { readTraceStep } from "../src/trace-wire.ts";
import { aCall, aFlow } from "./fixtures.ts";

describe("what the host answers", () => {
  it("reads a session with its connectors", () => {
    const token = { issuer: "http://localhost:4200", scope: "orders:read profile", expiresAt: "2026-11-22T10:00:00Z" };
    const session = readSession({
      user: { id: "u" },
      connectors: [{ id: "store", name: "Store", url: "http://s/mcp", mode: "mixed", status: "connected", token }, { id: 1 }],
    });
    expect(session).toMatchObject({
      userId: "u",
      model: undefined,
      connectors: [{ id: "store", status: "connected", token: { scope: ["orders:read", "profile"] } }],
    });
    expect(session?.connectors[0]?.token?.expiresAt).toBe(Date.UTC(2026, 10, 22, 10));
  });

  it("knows of a model only when the session names one", () => {
    const model = (json: unknown): string | undefined => readSession({ user: { id: "u" }, connectors: [], model: json })?.model;
    expect([model(undefined), model(null), model("llama"), model({ name: "llama" }), model(false)]).toEqual([
      undefined,
      undefined,
      "llama",
      "llama",
      undefined,
    ]);
  });

  it("acts as itself unless the session names a host that this page knows", () => {
    const profile = (name: unknown): string | undefined => readSession({ user: { id: "u" }, connectors: [], profile: name })?.profile;
    expect([profile("goose"), profile(undefined), profile("netscape"), profile("__proto__"), profile({})]).toEqual([
      "goose",
      "countersign",
      "countersign",
      "countersign",
      "countersign",
    ]);
    expect([readChosenProfile({ profile: "chatgpt" }), readChosenProfile({ profile: "netscape" }), readChosenProfile(null)]).toEqual([
      "chatgpt",
      undefined,
      undefined,
    ]);
  });

  it("reads tools, with undeclared security apart from declared", () => {
    const tools = readTools({
      tools: [
        { name: "list_orders", inputSchema: {}, security: [{ type: "oauth2", scopes: ["orders:read"] }], visibility: ["app"] },
        { name: "get_it", title: "get_it", description: " ", security: null, annotations: { readOnlyHint: true } },
      ],
    });
    expect(tools[0]).toMatchObject({
      title: "List orders",
      security: [{ type: "oauth2", scopes: new Set(["orders:read"]) }],
      visibility: new Set(["app"]),
    });
    expect(tools[1]).toMatchObject({
      title: "Get it",
      description: undefined,
      security: undefined,
      readOnly: true,
      visibility: new Set(["model", "app"]),
    });
  });

  it("reads a call with its flow, its result and its error", () => {
    const call = readCall({
      id: "c",
      connectorId: "store",
      tool: "pay",
      origin: "widget",
      state: "authorizing",
      widgetId: "w",
      flow: { id: "f", state: "ready", issuer: "http://localhost:4200", scope: ["a"], startUrl: "/flows/f/start", expiresAt: 5 },
      error: { code: "cancelled", message: "No.", retryable: true },
      result: { content: [{ type: "text", text: "x" }, 3], structuredContent: { a: 1 }, _meta: { b: 2 }, isError: true },
    });
    expect(call).toMatchObject({
      origin: "widget",
      flow: { authorizationServerHost: "localhost:4200" },
      error: { retryable: true },
      result: { isError: true, meta: { b: 2 } },
    });
    expect(call?.result?.content.length).toBe(1);
  });

  it("reads a flow that goes on on another device, and leaves out one that cannot be shown", () => {
    const device = { state: "waiting", userCode: "WDJB-MJHT", verificationUri: "https://wallet.example/device", expiresAt: 5 };
    const flow = { id: "f", state: "opened", offersDevice: true, device };
    expect(readFlow(flow)).toMatchObject({ offersDevice: true, device: { ...device, verificationUriComplete: undefined } });
    expect(readFlow({ ...flow, device: { ...device, state: "expired" } })).toMatchObject({ device: { state: "expired" } });
    for (const bad of [{ ...device, userCode: undefined }, { ...device, verificationUri: 5 }, { ...device, expiresAt: "x" }, "text"]) {
      expect(readFlow({ ...flow, device: bad })).toMatchObject({ device: undefined });
    }
    expect(readFlow({ id: "f", state: "ready" })).toMatchObject({ offersDevice: false, device: undefined });
  });

  it("says which calls have ended and which flows are open", () => {
    for (const state of ["received", "dispatched", "authorizing", "resuming"]) expect(isCallEnded(aCall({ state }))).toBe(false);
    for (const state of ["completed", "failed", "refused"]) expect(isCallEnded(aCall({ state }))).toBe(true);
    for (const state of ["ready", "opened"]) expect(isFlowOpen(aFlow({ state }))).toBe(true);
    for (const state of ["granted", "denied", "cancelled", "expired", "failed", "anything"]) expect(isFlowOpen(aFlow({ state }))).toBe(false);
  });

  it("takes the reason of a trace step from its detail", () => {
    expect(readTraceStep({ callId: "c", seq: 0, at: 5, step: "decision", title: "t", detail: { reason: "because" } })?.reason).toBe("because");
  });

  it("reads nothing out of anything else, without throwing", () => {
    assert(
      property(jsonValue(), (json) => {
        for (const read of [readSession, readConnector, readCall, readFlow, readTraceStep, readWidget]) read(json);
        expect(Array.isArray(readTools(json))).toBe(true);
      }),
    );
    for (const read of [readSession, readConnector, readCall, readFlow, readTraceStep, readWidget]) expect(read({})).toBeUndefined();
  });
});

describe("titleOf", () => {
  it.each([
    ["list_orders", "List orders"],
    ["store.browse-products", "Store browse products"],
    ["x", "X"],
    ["__", "__"],
  ])("reads %s as %s", (name, title) => {
    expect(titleOf(name)).toBe(title);
  });
});
