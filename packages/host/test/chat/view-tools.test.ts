import { ok, err } from "@countersign/protocol/result";
import { refuse } from "@countersign/protocol/errors";
import { describe, expect, it } from "vitest";
import { type ViewCall, ViewTools } from "../../src/chat/view-tools.ts";

const belonging = { connectorId: "store", session: "s", linkDomains: [], origin: "http://app.localhost", profile: "countersign" as const };
const tools = (): ViewTools =>
  new ViewTools({
    belongings: (userId, widgetId) => Promise.resolve(userId === "ada" && widgetId === "wdg_1" ? ok(belonging) : err(refuse("not_found"))),
  });
const unended = new AbortController().signal;
const offered = { widgetId: "wdg_1", name: "read view", description: "Reads\u202e it", inputSchema: { type: "object" } };

describe("tools of views", () => {
  it("have names and words that say whose they are, without hidden characters", async () => {
    const box = await tools().collect("ada", [offered, offered]);
    expect(box.tools.map((tool) => [tool.function.name, tool.function.description])).toEqual([
      ["view__store__read_view", "A tool of the app's view that the user sees now: Reads it"],
    ]);
    expect(box.targets.get("view__store__read_view")).toEqual({ widgetId: "wdg_1", tool: "read view" });
  });

  it("V20 of another user's view do not exist", async () => {
    expect((await tools().collect("bo", [offered])).tools).toEqual([]);
    expect((await tools().collect("ada", [{ ...offered, widgetId: "wdg_2" }])).tools).toEqual([]);
  });

  it("are answered once, by a page of the same user", async () => {
    const view = tools();
    const told: ViewCall[] = [];
    const answer = view.call("ada", { widgetId: "wdg_1", tool: "read" }, { part: 1 }, (call) => void told.push(call), unended);
    const id = told[0]?.id ?? "";
    expect(told).toEqual([{ id, widgetId: "wdg_1", tool: "read", arguments: { part: 1 } }]);
    expect(view.answer("bo", id, { content: [] })).toMatchObject({ ok: false, error: { code: "not_found" } });
    expect(view.answer("ada", id, { content: ["mine"] })).toEqual(ok({ taken: true }));
    expect(view.answer("ada", id, { content: ["late"] })).toMatchObject({ ok: false });
    expect(await answer).toEqual(ok({ content: ["mine"] }));
  });

  it("end with a typed error when nobody answers any more", async () => {
    const view = tools();
    const answer = view.call("ada", { widgetId: "wdg_1", tool: "read" }, {}, () => {}, unended);
    view.close();
    expect(await answer).toMatchObject({ ok: false, error: { code: "call_expired" } });
  });

  it("end at once when the user stops the answer, and are not told to a page after that", async () => {
    const view = tools();
    const told: ViewCall[] = [];
    const stop = new AbortController();
    const answer = view.call("ada", { widgetId: "wdg_1", tool: "read" }, {}, (call) => void told.push(call), stop.signal);
    stop.abort();
    expect(await answer).toMatchObject({ ok: false, error: { code: "cancelled" } });
    expect(view.answer("ada", told[0]?.id ?? "", {})).toMatchObject({ ok: false });
    expect(await view.call("ada", { widgetId: "wdg_1", tool: "read" }, {}, (call) => void told.push(call), stop.signal)).toMatchObject({ ok: false });
    expect(told).toHaveLength(1);
  });
});
