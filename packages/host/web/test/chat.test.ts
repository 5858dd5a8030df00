import { describe, expect, it } from "vitest";
import { readChatEvent } from "../src/chat.ts";

describe("readChatEvent", () => {
  it("takes words of any length that a host gives, in pieces and whole", () => {
    const text = "a".repeat(150_000);
    expect(readChatEvent({ id: "m", text }, 0)).toMatchObject([{ type: "said", entry: { by: "model", text } }]);
    expect(readChatEvent({ id: "m", text: "b", at: 150_000 }, 0)).toMatchObject([{ type: "said", at: 150_000, entry: { text: "b" } }]);
  });

  it("takes a call while it is written, when it is made and when it is not", () => {
    const draft = { id: "d", connectorId: "store", tool: "browse", arguments: { q: "m" } };
    expect(readChatEvent({ draft }, 0)).toEqual([{ type: "draft", entry: { kind: "draft", ...draft } }]);
    const call = { id: "call_1", tool: "browse", state: "dispatched" };
    expect(readChatEvent({ call, arguments: { q: "mug" }, draft: "d" }, 0)).toMatchObject([
      { type: "call_started", draft: "d", arguments: { q: "mug" } },
    ]);
    expect(readChatEvent({ unmade: { draft: "d", code: "cancelled", message: "Cancelled." } }, 0)).toEqual([
      { type: "unmade", draft: "d", message: "Cancelled." },
    ]);
  });

  it("takes why there is no more, and when to ask again", () => {
    const event = { id: "e", error: "Busy.", code: "rate_limited", retryable: true, retryAfterS: 30 };
    expect(readChatEvent(event, 1000)).toMatchObject([
      { entry: { by: "console", text: "Busy.", problem: { code: "rate_limited", retryable: true, retryAt: 31_000 } } },
    ]);
  });

  it.each([
    [undefined],
    [{}],
    [{ id: "m" }],
    [{ id: 7, text: "x" }],
    [{ draft: { id: "d", tool: "browse" } }],
    [{ draft: [] }],
    [{ unmade: {} }],
    [{ call: {} }],
  ])("ignores %j", (json) => {
    expect(readChatEvent(json, 0)).toEqual([]);
  });
});
