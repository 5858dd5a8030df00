import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitContext } from "../../src/chat/context.ts";
import type { ChatMessage } from "../../src/chat/model.ts";

const user = (content: string): ChatMessage => ({ role: "user", content });
const words = (content: string): ChatMessage => ({ role: "assistant", content });
const calling = (...ids: readonly string[]): ChatMessage => ({
  role: "assistant",
  content: null,
  tool_calls: ids.map((id) => ({ id, type: "function", function: { name: "t", arguments: "{}" } })),
});
const answer = (id: string, content = "done"): ChatMessage => ({ role: "tool", tool_call_id: id, content });
const wide = { messagesMax: 100, charsMax: 100_000 };

/** Calls and answers as an endpoint checks them. */
function isWhole(messages: readonly ChatMessage[]): boolean {
  const open = new Set<string>();
  for (const message of messages) {
    if (message.role === "tool") {
      if (!open.delete(message.tool_call_id)) return false;
    } else if (open.size > 0) return false;
    if (message.role === "assistant") for (const { id } of message.tool_calls ?? []) open.add(id);
  }
  return open.size === 0 && (messages.length === 0 || messages[0]?.role === "user");
}

const exchange = fc
  .array(fc.integer({ min: 0, max: 80 }), { minLength: 1, maxLength: 3 })
  .map((sizes) => [calling(...sizes.map((_, at) => `c${at}`)), ...sizes.map((size, at) => answer(`c${at}`, "x".repeat(size)))]);
const turn = fc
  .tuple(fc.string({ maxLength: 20 }), fc.array(exchange, { maxLength: 3 }), fc.string({ maxLength: 20 }))
  .map(([asked, exchanges, said]) => [user(asked), ...exchanges.flat(), words(said)]);

describe("what of a conversation the model is told", () => {
  it("is all of one that fits", () => {
    const messages = [user("a"), calling("1", "2"), answer("1"), answer("2"), words("b"), user("c")];
    expect(fitContext(messages, wide)).toEqual(messages);
  });

  it("loses the oldest turns whole", () => {
    const messages = [user("a"), calling("1"), answer("1"), words("b"), user("c"), words("d"), user("e")];
    expect(fitContext(messages, { ...wide, messagesMax: 7 })).toEqual(messages);
    expect(fitContext(messages, { ...wide, messagesMax: 6 })).toEqual(messages.slice(4));
  });

  it("of one long turn keeps the question and the newest exchanges", () => {
    const messages = [user("a"), calling("1"), answer("1"), calling("2"), answer("2")];
    expect(fitContext(messages, { ...wide, messagesMax: 5 })).toEqual(messages);
    expect(fitContext(messages, { ...wide, messagesMax: 4 })).toEqual([user("a"), calling("2"), answer("2")]);
  });

  it("shortens the answers of an exchange that is too long by itself", () => {
    const fitted = fitContext([user("a"), calling("1", "2"), answer("1", "x".repeat(500)), answer("2", "ok")], { ...wide, charsMax: 100 });
    expect(fitted.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "tool"]);
    expect(fitted[2]?.content).toMatch(/^x{20,100}… \(cut\)$/);
    expect(fitted[3]?.content).toBe("ok");
  });

  it("leaves out an exchange that lacks an answer, and answers without their call", () => {
    expect(fitContext([answer("0"), user("a"), calling("1", "2"), answer("1"), words("b")], wide)).toEqual([user("a"), words("b")]);
  });

  it("is never a part of a tool exchange, never more than fits, and always ends with the newest", () => {
    fc.assert(
      fc.property(
        fc.array(turn, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 600 }),
        (turns, messagesMax, charsMax) => {
          const messages = turns.flat();
          const fitted = fitContext(messages, { messagesMax, charsMax });
          expect(isWhole(messages)).toBe(true);
          expect(isWhole(fitted)).toBe(true);
          expect(fitted.at(-1)).toEqual(messages.at(-1));
          const turnsLeft = fitted.filter(({ role }) => role === "user").length;
          expect(turnsLeft <= 1 || fitted.length <= messagesMax).toBe(true);
        },
      ),
    );
  });
});
