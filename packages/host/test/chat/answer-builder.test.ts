import { describe, expect, it } from "vitest";
import { AnswerBuilder } from "../../src/chat/answer-builder.ts";

const piece = (delta: unknown, finish: string | null = null): unknown => ({ choices: [{ index: 0, delta, finish_reason: finish }] });
const part = (fragment: Readonly<Record<string, unknown>>): unknown => piece({ tool_calls: [fragment] });

function built(pieces: readonly unknown[], said = true): ReturnType<AnswerBuilder["end"]> {
  let made = 0;
  const builder = new AnswerBuilder(() => `own_${(made += 1)}`);
  for (const json of pieces) {
    const taken = builder.takePiece(json);
    if (!taken.ok) return taken;
  }
  return builder.end(said);
}

function callsOf(pieces: readonly unknown[]): unknown {
  const answer = built(pieces);
  return answer.ok ? answer.value.message.tool_calls?.map(({ id, function: call }) => [id, call.name, call.arguments]) : answer.error;
}

describe("an answer in pieces", () => {
  it("is its words, joined", () => {
    expect(built([piece({ role: "assistant", content: "" }), piece({ content: "Two " }), piece({ content: "mugs." }), piece({}, "stop")])).toEqual({
      ok: true,
      value: { message: { role: "assistant", content: "Two mugs." }, cut: false },
    });
  });

  it("tells what each piece added, and calls as far as they have grown", () => {
    const builder = new AnswerBuilder(() => "own");
    expect(builder.takePiece(piece({ content: "Hm" }))).toEqual({ ok: true, value: { text: "Hm", calls: [] } });
    builder.takePiece(part({ index: 0, id: "a", function: { name: "browse", arguments: '{"q"' } }));
    expect(builder.takePiece(part({ index: 0, function: { arguments: ':"mug' } }))).toEqual({
      ok: true,
      value: { text: "", calls: [{ place: 0, name: "browse", arguments: '{"q":"mug' }] },
    });
  });

  it.each([
    [
      "by index, in turns",
      [
        part({ index: 0, id: "a", function: { name: "one", arguments: "" } }),
        part({ index: 1, id: "b", function: { name: "two", arguments: '{"x"' } }),
        part({ index: 0, function: { arguments: "{}" } }),
        part({ index: 1, function: { arguments: ":1}" } }),
      ],
      [
        ["a", "one", "{}"],
        ["b", "two", '{"x":1}'],
      ],
    ],
    [
      "whole ones without index, by id",
      [part({ id: "a", function: { name: "one", arguments: "{}" } }), part({ id: "b", function: { name: "one", arguments: "{}" } })],
      [
        ["a", "one", "{}"],
        ["b", "one", "{}"],
      ],
    ],
    [
      "whole ones that all have index 0",
      [
        part({ index: 0, id: "a", function: { name: "one", arguments: "{}" } }),
        part({ index: 0, id: "b", function: { name: "two", arguments: "{}" } }),
      ],
      [
        ["a", "one", "{}"],
        ["b", "two", "{}"],
      ],
    ],
    [
      "pieces that repeat id and name",
      [
        part({ index: 0, id: "a", function: { name: "one", arguments: "{" } }),
        part({ index: 0, id: "a", function: { name: "one", arguments: "}" } }),
      ],
      [["a", "one", "{}"]],
    ],
    [
      "ids that are missing or twice there get their own",
      [
        part({ index: 0, function: { name: "one", arguments: "{}" } }),
        part({ index: 1, id: "a", function: { name: "two", arguments: "" } }),
        part({ index: 2, id: "a", function: { name: "three", arguments: "" } }),
      ],
      [
        ["own_1", "one", "{}"],
        ["a", "two", ""],
        ["own_2", "three", ""],
      ],
    ],
  ])("puts calls together: %s", (_, pieces, expected) => {
    expect(callsOf([...pieces, piece({}, "tool_calls")])).toEqual(expected);
  });

  it("that breaks off has no call, also when what came looks whole", () => {
    const call = part({ index: 0, id: "a", function: { name: "pay", arguments: "{}" } });
    expect(built([call, piece({}, "tool_calls")], false).ok).toBe(true);
    expect(built([call], false)).toEqual({ ok: false, error: "broken_answer" });
  });

  it("that reached the model's limit keeps its words and makes no call", () => {
    const call = part({ index: 0, id: "a", function: { name: "pay", arguments: "{}" } });
    expect(built([piece({ content: "Two m" }), piece({}, "length")])).toMatchObject({
      ok: true,
      value: { message: { content: "Two m" }, cut: true },
    });
    expect(built([call, piece({}, "tool_calls")]).ok).toBe(true);
    expect(built([call, piece({}, "length")])).toEqual({ ok: false, error: "call_cut" });
  });

  it.each([
    ["an error of the endpoint", { error: { message: "overloaded" } }, "failed"],
    ["another shape", { choices: "none" }, "broken_answer"],
    ["no object", [], "broken_answer"],
    ["a call without a name", part({ index: 0, id: "a", function: { arguments: "{}" } }), "broken_answer"],
    ["an index that is none", part({ index: -1, function: { name: "one" } }), "broken_answer"],
    ["too many words", piece({ content: "x".repeat(200_001) }), "answer_too_large"],
    ["arguments without end", part({ index: 0, id: "a", function: { name: "one", arguments: "x".repeat(200_001) } }), "answer_too_large"],
    ["a filter", piece({}, "content_filter"), "filtered"],
  ])("X04 is refused with %s", (_, bad, problem) => {
    expect(built([piece({ content: "Well" })]).ok).toBe(true);
    expect(built([piece({ content: "Well" }), bad])).toEqual({ ok: false, error: problem });
  });

  it("X04 has at most fifty calls, however many indexes are named", () => {
    const many = (count: number): unknown[] =>
      Array.from({ length: count }, (_, index) => part({ index, id: `c${index}`, function: { name: "one" } }));
    expect(built(many(50)).ok).toBe(true);
    expect(built(many(51))).toEqual({ ok: false, error: "answer_too_large" });
  });

  it("of an endpoint that does not stream is taken whole", () => {
    const builder = new AnswerBuilder(() => "own");
    const same = { id: "c", type: "function", function: { name: "one", arguments: "{}" } };
    expect(builder.takeWhole({ choices: [{ message: { content: null, tool_calls: [same, same] } }] }).ok).toBe(true);
    expect(builder.end(true)).toMatchObject({ ok: true, value: { message: { content: null, tool_calls: [{ id: "c" }, { id: "own" }] } } });
  });
});
