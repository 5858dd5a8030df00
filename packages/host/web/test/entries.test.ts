import { describe, expect, it } from "vitest";
import { endWriting, putSaid, saidMax, unansweredWords } from "../src/entries.ts";
import type { Entry } from "../src/state.ts";

type Said = Extract<Entry, { kind: "said" }>;
const said = (fields: Partial<Said>): Said => ({ kind: "said", id: "m", by: "model", name: "Assistant", text: "", ...fields });
const pieces = (...list: readonly (readonly [text: string, at: number | undefined])[]): readonly Entry[] =>
  list.reduce<readonly Entry[]>((entries, [text, at]) => putSaid(entries, said({ text }), at), []);

describe("words that come in pieces", () => {
  it("are one message that is written until it is whole", () => {
    expect(pieces(["Hel", 0], ["lo", 3])).toEqual([said({ text: "Hello", writing: true })]);
    expect(pieces(["Hel", 0], ["lo", 3], ["Hello.", undefined])).toEqual([said({ text: "Hello." })]);
  });

  it("are the same however often each comes", () => {
    expect(pieces(["Hel", 0], ["lo", 3], ["lo", 3])).toMatchObject([{ text: "Hello" }]);
    expect(pieces(["Hel", 0], ["lo", 3], ["Hel", 0])).toMatchObject([{ text: "Hello" }]);
    expect(pieces(["Hello.", undefined], ["Hel", 0])).toEqual([said({ text: "Hello." })]);
  });

  it("are not joined where one is missing", () => {
    expect(pieces(["Hel", 0], ["d", 10])).toMatchObject([{ text: "Hel" }]);
    expect(pieces(["d", 10])).toEqual([]);
  });

  it("may be as long as a host lets the model speak, and no longer", () => {
    expect(pieces(["a".repeat(saidMax), 0])).toMatchObject([{ text: "a".repeat(saidMax) }]);
    const [long] = pieces(["a".repeat(saidMax), 0], ["b", saidMax]);
    expect(long?.kind === "said" && long.text.length).toBe(saidMax);
  });

  it("are written no more once the turn has ended", () => {
    expect(endWriting(pieces(["Hel", 0]))).toEqual([said({ text: "Hel" })]);
  });
});

describe("what was not answered", () => {
  const asked = said({ id: "u", by: "user", text: "Pay" });
  const call: Entry = { kind: "call", callId: "call_1", arguments: {} };

  it("is the user's last words, unless something was called since", () => {
    expect(unansweredWords([said({ id: "u0", by: "user", text: "Hi" }), call, asked, said({ text: "Well" })])).toBe("Pay");
    expect(unansweredWords([asked, call])).toBeUndefined();
    expect(unansweredWords([])).toBeUndefined();
  });
});
