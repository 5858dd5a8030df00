import type { LadderNote } from "@countersign/protocol/trace-document";
import { describe, expect, it } from "vitest";
import { addNote, wordsOf } from "../src/ladder-notes.ts";
import { initialState, reduce } from "../src/state.ts";

const note: LadderNote = { tool: "list_orders", rung: "link", outcome: "begun", at: 1_000 };

describe("what a view says of its calls' ways", () => {
  it.each([
    [note, "The app tries list_orders by a link of the app’s own"],
    [{ ...note, outcome: "done" }, "The app got list_orders by a link of the app’s own"],
    [{ ...note, rung: "host_resumes", outcome: "unreadable" }, "The plain call for list_orders gave no answer that can be understood"],
  ] as const)("is a sentence", (said, words) => {
    expect(wordsOf(said)).toBe(words);
  });

  it("is kept with the view's call, the newest fifty, until the conversation is cleared", () => {
    let state = initialState;
    for (let at = 0; at < 60; at += 1) state = reduce(state, { type: "ladder", callId: "call_1", note: { ...note, at } });
    expect(state.ladders["call_1"]?.map((each) => each.at)).toEqual(Array.from({ length: 50 }, (_, index) => index + 10));
    expect(reduce(state, { type: "cleared" }).ladders).toEqual({});
    expect(addNote(undefined, note)).toEqual([note]);
  });
});
