import { describe, expect, it } from "vitest";
import { createGrowth, createViewHeights, settledMs } from "../src/view-heights.ts";

const shop = { connectorId: "store", tool: "browse_products", resourceUri: "ui://shop/view.html" };

function aStorage(kept: string | null = null): { getItem: () => string | null; setItem: (key: string, value: string) => void; kept: string | null } {
  const storage = { kept, getItem: () => storage.kept, setItem: (_: string, value: string) => void (storage.kept = value) };
  return storage;
}

describe("the heights of a tab's views", () => {
  it("are known of a tool and template once one was shown, over a reload too, and of no other", () => {
    const storage = aStorage();
    const heights = createViewHeights(storage);
    expect(heights.known(shop)).toBeUndefined();
    heights.note(shop, 640);
    for (const here of [heights, createViewHeights(storage)]) {
      expect(here.known(shop)).toBe(640);
      expect(here.known({ ...shop, tool: "cart" })).toBeUndefined();
      expect(here.known({ ...shop, connectorId: "other" })).toBeUndefined();
    }
  });

  it("are kept of the fifty kinds that were shown last", () => {
    const storage = aStorage();
    const heights = createViewHeights(storage);
    for (let at = 0; at < 51; at += 1) {
      heights.note({ ...shop, tool: `tool ${at}` }, 100 + at);
      heights.note({ ...shop, tool: "tool 0" }, 1000 - at);
    }
    const again = createViewHeights(storage);
    expect(["tool 0", "tool 1", "tool 2", "tool 50"].map((tool) => again.known({ ...shop, tool }))).toEqual([950, undefined, 102, 150]);
  });

  it.each(["[]", "no json", '{"a":"640"}', '{"a":1e9}', '{"a":-1}'])("are nothing that was not written here: %s", (kept) => {
    expect(createViewHeights(aStorage(kept)).known(shop)).toBeUndefined();
  });

  it("last until the page is left when the browser keeps nothing more", () => {
    const full = {
      getItem: () => null,
      setItem: () => {
        throw new DOMException("full", "QuotaExceededError");
      },
    };
    const heights = createViewHeights(full);
    heights.note(shop, 640);
    expect(heights.known(shop)).toBe(640);
  });
});

describe("a view that builds itself up", () => {
  function grow(reserved: number | undefined): { readonly ask: (height: number) => void; readonly settle: () => void; readonly log: string[] } {
    const log: string[] = [];
    let timer: (() => void) | undefined;
    const schedule = (run: () => void, delayMs: number): (() => void) => {
      expect(delayMs).toBe(settledMs);
      timer = run;
      return () => {
        timer = undefined;
      };
    };
    const { ask } = createGrowth({
      reserved,
      apply: (height) => log.push(`${height}`),
      onSettled: (height) => log.push(`settled ${height}`),
      schedule,
    });
    return { ask, settle: () => timer?.(), log };
  }

  it("keeps its reserved room until it has settled, and may grow beyond it at once", () => {
    const { ask, settle, log } = grow(640);
    ask(120);
    ask(700);
    ask(600);
    settle();
    ask(200);
    ask(900);
    expect(log).toEqual(["640", "700", "640", "600", "settled 600", "200", "900"]);
  });

  it("has what it asks for when nothing was reserved", () => {
    const { ask, settle, log } = grow(undefined);
    ask(120);
    ask(640);
    settle();
    expect(log).toEqual(["120", "640", "640", "settled 640"]);
  });
});
