import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Saying } from "../../src/chat/saying.ts";

const draftShape = z.object({ draft: z.object({ id: z.string(), arguments: z.record(z.string(), z.unknown()) }) });
const store = { connectorId: "store", tool: "browse" };

function begin(): { readonly saying: Saying; readonly told: unknown[] } {
  const told: unknown[] = [];
  return { saying: new Saying(new Map([["store__browse", store]]), (data) => void told.push(data)), told };
}

describe("what pages are told of a message that is being written", () => {
  it("its words piece by piece under one id, and whole at the end", () => {
    const { saying, told } = begin();
    saying.listener.said("Two ");
    saying.listener.said("mugs.");
    saying.end();
    const id = z.object({ id: z.string() }).parse(told[0]).id;
    expect(told).toEqual([
      { id, text: "Two ", at: 0 },
      { id, text: "mugs.", at: 4 },
      { id, text: "Two mugs." },
    ]);
  });

  it("nothing when it has no words", () => {
    const { saying, told } = begin();
    saying.end();
    expect(told).toEqual([]);
  });

  it("a call as soon as its tool is known, with its arguments as they grow, under one id", () => {
    const { saying, told } = begin();
    const call = (text: string): void => saying.listener.calls([{ place: 0, name: "store__browse", arguments: text }]);
    call("");
    call('{"query":"blu');
    call('{"query":"blue mugs');
    const id = saying.draftAt(0);
    expect(told).toEqual([{ draft: { id, ...store, arguments: {} } }, { draft: { id, ...store, arguments: { query: "blue mugs" } } }]);
  });

  it("nothing of a call to a tool that there is not", () => {
    const { saying, told } = begin();
    saying.listener.calls([{ place: 0, name: "other__pay", arguments: "{}" }]);
    expect(told).toEqual([]);
    expect(saying.draftAt(0)).toBeUndefined();
  });

  it("X04 of long arguments a few times their length in all, and no more of them beyond a bound", () => {
    const { saying, told } = begin();
    for (let length = 0; length <= 100_000; length += 1) {
      saying.listener.calls([{ place: 0, name: "store__browse", arguments: `{"q":"${"x".repeat(length)}` }]);
    }
    const sizes = told.map((data) => JSON.stringify(draftShape.parse(data).draft.arguments).length);
    expect(sizes.length).toBeLessThan(60);
    expect(Math.max(...sizes)).toBeLessThan(33_000);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(33_000 * 6);
  });
});
