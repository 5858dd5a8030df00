import { describe, expect, it } from "vitest";
import { initialState, reduce, type ConsoleState } from "../src/state.ts";
import { exportTrace } from "../src/trace-export.ts";
import { readTrace, readTraceStep } from "../src/trace-wire.ts";
import { aCall, aConnector, aResult } from "./fixtures.ts";

const step = { callId: "call_1", seq: 0, at: 1000, step: "received", title: "Call of list_orders", detail: { origin: "user" } };

function stateWithTrace(): ConsoleState {
  const read = readTrace({ steps: [step], ladder: [{ at: 1001, tool: "list_orders", rung: "link", outcome: "done" }] });
  const child = aCall({ id: "call_2", origin: "widget", state: "failed", error: { code: "cancelled", message: "", retryable: false } });
  return [
    { type: "connector", connector: aConnector({ url: "http://127.0.0.1:4300/mcp?key=s3cret" }) } as const,
    { type: "call_started", call: aCall({ state: "completed", result: aResult() }), arguments: { secret: "s3cret" } } as const,
    { type: "call_started", call: child, arguments: { secret: "s3cret" }, parentCallId: "call_1" } as const,
    { type: "trace", steps: read?.steps ?? [] } as const,
    { type: "ladder_read", callId: "call_1", notes: read?.ladder ?? [] } as const,
  ].reduce(reduce, initialState);
}

describe("exportTrace", () => {
  it("gives a call and those of its view as a document with its schema, without arguments, results and the values of an address", () => {
    const { name, text } = exportTrace(stateWithTrace(), ["call_1", "call_2", "call_gone"], "json", 5000);
    expect(name).toBe("trace-list_orders-call_1.json");
    expect(text).not.toContain("s3cret");
    expect(JSON.parse(text)).toMatchObject({
      schema: "countersign-trace/1",
      exportedAt: "1970-01-01T00:00:05.000Z",
      calls: [
        {
          id: "call_1",
          state: "completed",
          connector: { name: "Harbour Goods", url: "http://127.0.0.1:4300/mcp?key=[masked]" },
          steps: [{ step: "received", title: "Call of list_orders" }],
          ladder: [{ rung: "link", outcome: "done" }],
        },
        { id: "call_2", parentId: "call_1", origin: "widget", error: { code: "cancelled" }, steps: [] },
      ],
    });
  });

  it("gives the same as a sequence diagram", () => {
    const { name, text } = exportTrace(stateWithTrace(), ["call_1"], "mermaid", 5000);
    expect(name).toBe("trace-list_orders-call_1.mmd");
    expect(text).toMatch(/^sequenceDiagram\n/);
    expect(text).toContain("User1->>Host1: Call of list_orders");
  });
});

describe("the state of a trace", () => {
  it("is not shortened by a read that is older than what this page has heard", () => {
    const note = { at: 1002, tool: "list_orders", rung: "link", outcome: "failed" } as const;
    const heard = reduce(stateWithTrace(), { type: "ladder", callId: "call_1", note });
    const [kept] = heard.ladders["call_1"] ?? [];
    expect(reduce(heard, { type: "ladder_read", callId: "call_1", notes: kept === undefined ? [] : [kept] }).ladders["call_1"]?.length).toBe(2);
    expect(reduce(heard, { type: "ladder_read", callId: "call_1", notes: [note, note] }).ladders["call_1"]).toEqual([note, note]);
  });
});

describe("readTraceStep", () => {
  it("reads messages, and leaves out what is none", () => {
    const messages = [
      { way: "sent", line: "POST https://shop.example/mcp", headers: { accept: "a", bad: 3 }, body: { method: "tools/call" } },
      { way: "both", line: "x", headers: {} },
      "text",
    ];
    expect(readTraceStep({ ...step, messages })?.messages).toEqual([
      { way: "sent", line: "POST https://shop.example/mcp", headers: { accept: "a" }, body: { method: "tools/call" } },
    ]);
    expect(readTraceStep({ ...step, step: "unheard_of" })).toBeUndefined();
  });
});
