import { assert, property, shuffledSubarray } from "fast-check";
import { describe, expect, it } from "vitest";
import { type Action, type ConsoleState, initialState, openFlows, ownCallIds, reduce } from "../src/state.ts";
import { isCallEnded } from "../src/wire.ts";
import { aCall, aDevice, aConnector, aFlow, aResult, aView } from "./fixtures.ts";

const run = (...actions: readonly Action[]): ConsoleState => actions.reduce(reduce, initialState);
const started = (call = aCall()): Action => ({ type: "call_started", call, arguments: {} });

describe("reduce", () => {
  it("shows a started call once, selects it for the trace, and keeps its arguments", () => {
    const state = run(started(), started());
    expect(state.entries).toEqual([{ kind: "call", callId: "call_1", arguments: {} }]);
    expect(state.selectedCallId).toBe("call_1");
  });

  it("keeps the event's newer state when the answer to the start comes later", () => {
    const state = run({ type: "call", call: aCall({ state: "authorizing", flow: aFlow() }) }, started(aCall({ state: "dispatched" })));
    expect(state.calls["call_1"]?.state).toBe("authorizing");
  });

  it("never brings an ended call back to life", () => {
    const ended = aCall({ state: "completed", result: aResult() });
    const state = run(started(), { type: "call", call: ended }, { type: "call", call: aCall({ state: "authorizing" }) });
    expect(state.calls["call_1"]).toBe(ended);
  });

  it("never brings an ended flow back to life", () => {
    const state = run({ type: "flow", flow: aFlow({ state: "granted" }) }, { type: "flow", flow: aFlow({ state: "opened" }) });
    expect(state.flows["flow_1"]?.state).toBe("granted");
  });

  it("ignores a call with a lower version than the one it knows", () => {
    const state = run(
      { type: "call", call: aCall({ version: 4, state: "resuming" }) },
      { type: "call", call: aCall({ version: 3, state: "authorizing" }) },
    );
    expect(state.calls["call_1"]?.state).toBe("resuming");
  });

  it("puts a widget's call under the call whose card shows the widget, not into the conversation", () => {
    const child = aCall({ id: "call_2", origin: "widget" });
    const state = run(started(), { type: "call_started", call: child, arguments: {}, parentCallId: "call_1" });
    expect(state.entries.length).toBe(1);
    expect(state.childCalls["call_1"]).toEqual(["call_2"]);
    expect(ownCallIds(state)).toEqual(["call_1", "call_2"]);
  });

  it("does not show calls that another page of this user started", () => {
    expect(run({ type: "call", call: aCall({ id: "call_9" }) }).entries).toEqual([]);
  });

  it("offers a flow only while it is open and a call of this page waits for it", () => {
    const waiting = aCall({ state: "authorizing", flow: aFlow() });
    const steps: readonly (readonly [readonly Action[], number])[] = [
      [[{ type: "flow", flow: aFlow() }], 0],
      [[started(waiting)], 1],
      [[{ type: "call", call: waiting }], 0],
      [[started(waiting), { type: "flow", flow: aFlow({ state: "cancelled" }) }], 0],
      [[started(waiting), { type: "call", call: aCall({ state: "failed", flow: aFlow() }) }], 0],
    ];
    for (const [actions, count] of steps) expect(openFlows(run(...actions)).length).toBe(count);
  });

  it("names all calls of this page that one flow would let go on", () => {
    const first = aCall({ state: "authorizing", flow: aFlow() });
    const second = aCall({ id: "call_2", state: "authorizing", flow: aFlow() });
    const open = openFlows(run(started(first), started(second)));
    expect(open.map((one) => one.calls.map((call) => call.id))).toEqual([["call_1", "call_2"]]);
    expect(open[0]?.window).toBe("needed");
  });

  it("shows the code of a sign-in on another device again after a reload, until it has expired", () => {
    const shownAs = (device: ReturnType<typeof aDevice>): unknown =>
      openFlows(run(started(aCall({ state: "authorizing", flow: aFlow({ state: "opened", device }) }))))[0]?.window;
    expect(shownAs(aDevice())).toBe("device");
    expect(shownAs(aDevice({ state: "expired" }))).toBe("needed");
  });

  it("replaces a connector in place and adds an unknown one at the end", () => {
    const session = { userId: "u", connectors: [aConnector(), aConnector({ id: "b" })], model: undefined, profile: "countersign" } as const;
    const state = run(
      { type: "session", session },
      { type: "connector", connector: aConnector({ name: "New" }) },
      { type: "connector", connector: aConnector({ id: "c" }) },
    );
    expect(state.connectors.map((one) => one.name + one.id)).toEqual(["Newstore", "Harbour Goodsb", "Harbour Goodsc"]);
  });

  it("takes the host that is acted out from the session and from an event; the same one again changes nothing", () => {
    const read = run({ type: "session", session: { userId: "u", connectors: [], model: undefined, profile: "claude" } });
    expect([initialState.profile, read.profile]).toEqual(["countersign", "claude"]);
    const chosen = reduce(read, { type: "profile", profile: "goose" });
    expect(chosen.profile).toBe("goose");
    expect(reduce(chosen, { type: "profile", profile: "goose" })).toBe(chosen);
  });

  it("keeps what is shown when a later read of the session fails", () => {
    const session = { userId: "u", connectors: [aConnector()], model: undefined, profile: "countersign" } as const;
    expect(run({ type: "session", session }, { type: "session_failed", message: "down" }).phase).toBe("ready");
    expect(run({ type: "session_failed", message: "down" })).toMatchObject({ phase: "failed", problem: "down" });
  });

  it("orders trace steps by number and takes each once", () => {
    const step = (seq: number): Action => ({
      type: "trace",
      steps: [{ callId: "call_1", seq, at: seq, step: "request", title: String(seq), reason: undefined, detail: {}, messages: [] }],
    });
    expect(run(step(2), step(0), step(1), step(2)).traces["call_1"]?.map((one) => one.seq)).toEqual([0, 1, 2]);
  });

  describe("of a turn of the model", () => {
    const args = { query: "mug" };
    const draft: Action = { type: "draft", entry: { kind: "draft", id: "d", connectorId: "store", tool: "browse", arguments: {} } };
    const made: Action = { type: "call_started", call: aCall({ id: "call_1", origin: "model" }), arguments: args, draft: "d" };

    it("keeps a written call's place, view and view's calls when it is made", () => {
      const view = { type: "widget", callId: "d", widget: { state: "loading" } } as const;
      const child = { type: "call_started", call: aCall({ id: "call_2" }), arguments: {}, parentCallId: "d" } as const;
      const after: Action = { type: "said", entry: { kind: "said", id: "m", by: "model", name: "Assistant", text: "Hm" } };
      const state = run(draft, view, child, after, made);
      expect(state.entries).toMatchObject([{ kind: "call", callId: "call_1", draft: "d", arguments: args }, { id: "m" }]);
      expect([state.widgets, state.childCalls]).toEqual([{ call_1: { state: "loading" } }, { call_1: ["call_2"] }]);
      const ready = { state: "ready", view: aView() } as const;
      expect(run(draft, view, made, { type: "widget", callId: "d", widget: ready }).widgets).toEqual({ call_1: ready });
    });

    it("tries a view again that could not be loaded while its call was written", () => {
      const failed = { type: "widget", callId: "d", widget: { state: "failed", message: "No." } } as const;
      expect(run(draft, failed, made).widgets).toEqual({});
    });

    it("says of what was still written at its end that nothing was called, and of nothing else", () => {
      const other: Action = { type: "draft", entry: { kind: "draft", id: "e", connectorId: "store", tool: "pay", arguments: {} } };
      const state = run({ type: "answering", answering: "here" }, draft, made, other, { type: "answering", answering: undefined });
      expect(state.entries).toMatchObject([{ kind: "call" }, { kind: "draft", unmade: expect.stringContaining("Nothing was called") }]);
      expect(run(other, { type: "answering", answering: undefined }, other).entries).toMatchObject([{ unmade: expect.any(String) }]);
    });
  });

  it("forgets old calls of other pages when there are too many, never its own", () => {
    const others = Array.from({ length: 500 }, (_, index): Action => ({ type: "call", call: aCall({ id: `other_${index}` }) }));
    const state = run(started(), ...others);
    expect(Object.keys(state.calls).length).toBeLessThanOrEqual(401);
    expect(state.calls["call_1"]).toBeDefined();
  });

  it("forgets old traces and flows of other pages when there are too many, never its own", () => {
    const step = (callId: string): Action => ({
      type: "trace",
      steps: [{ callId, seq: 0, at: 0, step: "received", title: "Call", reason: undefined, detail: {}, messages: [] }],
    });
    const others = Array.from({ length: 500 }, (_, index): readonly Action[] => [
      step(`other_${index}`),
      { type: "flow", flow: aFlow({ id: `flow_other_${index}`, state: "granted" }) },
    ]);
    const own = aCall({ state: "authorizing", flow: aFlow() });
    const state = run(started(own), step("call_1"), ...others.flat());
    expect(Object.keys(state.traces).length).toBeLessThanOrEqual(401);
    expect(Object.keys(state.flows).length).toBeLessThanOrEqual(401);
    expect(state.traces["call_1"]).toBeDefined();
    expect(openFlows(state).length).toBe(1);
  });

  it("ends in the same call states in whatever order the same events arrive, once an end is among them", () => {
    const events: readonly Action[] = [
      started(aCall({ state: "dispatched" })),
      { type: "call", call: aCall({ state: "authorizing", flow: aFlow() }) },
      { type: "flow", flow: aFlow({ state: "granted" }) },
      { type: "call", call: aCall({ state: "resuming" }) },
      { type: "call", call: aCall({ state: "completed", result: aResult() }) },
    ];
    assert(
      property(shuffledSubarray([...events], { minLength: events.length }), (order) => {
        const state = run(...order);
        const call = state.calls["call_1"];
        expect(call !== undefined && isCallEnded(call)).toBe(true);
        expect(openFlows(state)).toEqual([]);
        expect(state.entries.length).toBe(1);
      }),
    );
  });
});
