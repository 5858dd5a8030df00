import { describe, expect, it } from "vitest";
import { initialState, type ConsoleState } from "../src/state.ts";
import { authorizationOf, type GlobalFacts, globalsOf, type ShownView } from "../src/view-globals.ts";
import { safeName } from "../src/save-file.ts";
import { wordsForModel } from "../src/view-host.ts";
import { aCall, aConnector, aFlow, aResult, aView } from "./fixtures.ts";

const shown: ShownView = { call: aCall({ state: "completed", result: aResult({ orders: [1] }) }), args: { a: 1 }, view: aView(), mode: "inline" };
const facts: GlobalFacts = { shown, state: initialState, widgetState: null, theme: "dark", locale: "de", touch: true, placeHeight: 500 };

describe("globalsOf", () => {
  it("gives the result's structured part as output, and the whole result in the hidden part", () => {
    const raw = { content: [], structuredContent: { orders: [1] }, _meta: { hidden: 1 } };
    const result = { ...aResult({ orders: [1] }), meta: { hidden: 1 }, raw };
    const globals = globalsOf({ ...facts, shown: { ...shown, call: aCall({ result }) } });
    expect(globals).toMatchObject({ toolInput: { a: 1 }, toolOutput: { orders: [1] }, theme: "dark", locale: "de" });
    expect(globals.toolResponseMetadata).toMatchObject({
      hidden: 1,
      status: "completed",
      mcp_tool_result: raw,
      call_tool_result: { isError: false },
    });
  });

  it("has no output while the call runs", () => {
    expect(globalsOf({ ...facts, shown: { ...shown, call: aCall() } })).toMatchObject({ toolOutput: null, toolResponseMetadata: null });
  });

  it("tells a modal its parameters, and every mode the height of its place", () => {
    const modal = globalsOf({ ...facts, shown: { ...shown, mode: "modal", modalParams: { item: 7 } } });
    expect(modal).toMatchObject({ view: { mode: "modal", params: { item: 7 } }, displayMode: "inline", maxHeight: 500 });
    expect(globalsOf({ ...facts, shown: { ...shown, mode: "pip" } })).toMatchObject({ displayMode: "pip", maxHeight: 500 });
    expect(globalsOf(facts).maxHeight).toBe(1200);
  });

  it("announces windows only where the app declares where they may go", () => {
    expect(globalsOf(facts)["countersign/openAuthPopup"]).toBe(false);
    const declared = { ...shown, view: aView({ linkDomains: ["https://shop.example"] }) };
    expect(globalsOf({ ...facts, shown: declared })["countersign/openAuthPopup"]).toBe(true);
  });
});

describe("authorizationOf", () => {
  const flow = aFlow();
  const waiting = aCall({ id: "call_2", widgetId: "w", state: "authorizing", flow });
  const state = (parts: Partial<ConsoleState>): ConsoleState => ({ ...initialState, connectors: [aConnector()], ...parts });
  const token = { issuer: "http://localhost:4200", scope: [], expiresAt: undefined };

  it.each([
    ["nothing has happened", state({}), { connection: "signed_out", state: "idle" }],
    ["a token is held", state({ connectors: [aConnector({ token })] }), { connection: "signed_in", state: "idle" }],
    [
      "a call of the view waits for a click",
      state({ flows: { flow_1: flow }, calls: { call_2: waiting } }),
      { connection: "signing_in", state: "required", callId: "call_2" },
    ],
    [
      "its window is open",
      state({ flows: { flow_1: flow }, windows: { flow_1: "opened" }, calls: { call_2: waiting } }),
      { connection: "signing_in", state: "pending" },
    ],
    [
      "the flow was granted",
      state({ flows: { flow_1: aFlow({ state: "granted" }) }, calls: { call_2: { ...waiting, state: "completed", result: aResult() } } }),
      { state: "granted" },
    ],
    [
      "the user declined",
      state({ flows: { flow_1: aFlow({ state: "denied" }) }, calls: { call_2: { ...waiting, state: "failed" } } }),
      { state: "denied" },
    ],
    [
      "it took too long",
      state({ flows: { flow_1: aFlow({ state: "expired" }) }, calls: { call_2: { ...waiting, state: "failed" } } }),
      { state: "expired" },
    ],
    [
      "another view's call waits",
      state({ flows: { flow_1: flow }, calls: { call_2: { ...waiting, widgetId: "other" } } }),
      { connection: "signing_in", state: "idle" },
    ],
  ] as const)("when %s", (_, now, expected) => {
    expect(authorizationOf(now, aCall(), { id: "w" })).toMatchObject(expected);
  });

  it("V24 never holds a token, an issuer or a scope", () => {
    const told = authorizationOf(state({ connectors: [aConnector({ token })], flows: { flow_1: flow }, calls: { call_2: waiting } }), aCall(), {
      id: "w",
    });
    expect(Object.keys(told).toSorted()).toEqual(["callId", "connection", "expiresAt", "state", "tool"]);
  });
});

describe("wordsForModel", () => {
  it.each([
    [{ modelContent: "blue", privateContent: { page: 2 }, imageIds: ["file_1", 3] }, "blue\nImages: file_1"],
    [{ modelContent: { colour: "blue" }, privateContent: "secret" }, '{"colour":"blue"}'],
    [{ privateContent: "secret" }, ""],
    [{ colour: "blue" }, '{"colour":"blue"}'],
    [null, ""],
  ])("of %j are %j", (state, words) => {
    expect(wordsForModel(state)).toBe(words);
  });
});

describe("safeName", () => {
  it.each([
    ["../../etc/passwd", "passwd"],
    ["a\u202egnp.exe", "agnp.exe"],
    ["..", "file"],
    ["", "file"],
    ['a<b>"c".txt', "abc.txt"],
  ])("makes %j a name of a file: %j", (name, safe) => {
    expect(safeName(name)).toBe(safe);
  });
});
