import { describe, expect, it } from "vitest";
import { readSaved, saveOf } from "../src/saved.ts";
import type { Entry } from "../src/state.ts";

const said = (id: string, text: string): Entry => ({ kind: "said", id, by: "model", name: "Assistant", text });

describe("a conversation over a reload", () => {
  it("is what it was, with what a call was written under and why a turn ended", () => {
    const problem = { code: "rate_limited", retryable: true, retryAt: 5000 };
    const entries: Entry[] = [
      said("a", "Hello"),
      { kind: "call", callId: "call_1", arguments: { q: 1 }, draft: "d" },
      { kind: "said", id: "b", by: "console", name: "Countersign", text: "Busy", problem },
    ];
    expect(readSaved(saveOf({ entries, childCalls: { call_1: ["call_2"] } }))).toEqual({ entries, childCalls: { call_1: ["call_2"] } });
  });

  it("has nothing that is still written", () => {
    const draft: Entry = { kind: "draft", id: "d", connectorId: "store", tool: "browse", arguments: {} };
    expect(readSaved(saveOf({ entries: [said("a", "Hello"), draft], childCalls: {} })).entries).toEqual([said("a", "Hello")]);
  });

  it("is its newest part where it would not fit", () => {
    const entries = ["a", "b", "c", "d"].map((id) => said(id, id.repeat(200_000)));
    const saved = saveOf({ entries, childCalls: {} });
    expect(saved.length).toBeLessThan(510_000);
    expect(readSaved(saved).entries).toEqual(entries.slice(2));
  });
});
