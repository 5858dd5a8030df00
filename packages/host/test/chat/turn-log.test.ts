import { describe, expect, it } from "vitest";
import { TurnLog } from "../../src/chat/turn-log.ts";

const target = { connectorId: "store", tool: "browse" };

describe("what was told of a turn, said again", () => {
  it("has each message whole, however often its pieces came, in the order of their beginnings", () => {
    const log = new TurnLog();
    log.note({ turn: { state: "answering" } });
    log.note({ id: "a", text: "Two ", at: 0 });
    log.note({ id: "b", text: "Other", at: 0 });
    log.note({ id: "a", text: "mugs", at: 4 });
    log.note({ id: "a", text: "mugs", at: 4 });
    expect(log.events()).toEqual([
      { id: "a", text: "Two mugs" },
      { id: "b", text: "Other" },
    ]);
    log.note({ id: "a", text: "Three cups" });
    expect(log.events()[0]).toEqual({ id: "a", text: "Three cups" });
  });

  it("has a call as it is now: as written so far, or why it was not made", () => {
    const log = new TurnLog();
    log.note({ draft: { id: "d", ...target, arguments: {} } });
    log.note({ draft: { id: "d", ...target, arguments: { query: "mug" } } });
    const unmade = { unmade: { draft: "d", code: "cancelled", message: "Cancelled." } } as const;
    log.note(unmade);
    expect(log.events()).toEqual([{ draft: { id: "d", ...target, arguments: { query: "mug" } } }, unmade]);
  });

  it("has no call of a view's own tool, which its page has answered or not", () => {
    const log = new TurnLog();
    log.note({ viewCall: { id: "v", widgetId: "w", tool: "focus", arguments: {} } });
    expect(log.events()).toEqual([]);
  });
});
