import { afterEach, describe, expect, it } from "vitest";
import { World } from "../stand-in/world.ts";

let world: World;
afterEach(async () => world.close());

const metaOf = (at: number): Record<string, unknown> => world.server.executions[at]?.meta ?? {};

describe("the hints of a call", () => {
  it("are the same for one user, conversation and view, different for others, and never an id of this host", async () => {
    world = await World.start();
    const [ada, bo] = [world.browser(), world.browser()];
    const [adaId] = [await ada.open(), await bo.open()];
    const widgetId = await ada.openWidget();
    const fromView = { origin: "widget", widgetId, conversationId: "conversation-1" };
    await ada.settled((await ada.call("browse", {}, fromView)).id);
    await ada.settled((await ada.call("browse", {}, { ...fromView, conversationId: "conversation-2" })).id);
    await bo.settled((await bo.call("browse", {}, { conversationId: "conversation-1" })).id);
    const [first, second, third] = [metaOf(0), metaOf(1), metaOf(2)];
    expect(first["openai/subject"]).toMatch(/^[\w-]{32}$/);
    expect(second["openai/subject"]).toBe(first["openai/subject"]);
    expect(third["openai/subject"]).not.toBe(first["openai/subject"]);
    expect(second["openai/session"]).not.toBe(first["openai/session"]);
    expect(third["openai/session"]).not.toBe(first["openai/session"]);
    expect(second["openai/widgetSessionId"]).toBe(first["openai/widgetSessionId"]);
    expect(third["openai/widgetSessionId"]).toBeUndefined();
    expect(JSON.stringify(world.server.executions)).not.toMatch(new RegExp(`${adaId}|${widgetId}|conversation-`));
  });

  it("tell language and browser as the page's request does, bounded, or not at all", async () => {
    world = await World.start();
    const browser = world.browser();
    await browser.open();
    const body = { connectorId: "store", tool: "browse", arguments: {}, origin: "user" };
    for (const headers of [
      { "accept-language": "de-CH, en;q=0.5", "user-agent": "Test/1.0" },
      { "accept-language": "<script>", "user-agent": "x".repeat(301) },
    ]) {
      const started: unknown = await (await browser.post("/api/calls", body, headers)).json();
      const id = typeof started === "object" && started !== null && "id" in started ? String(started.id) : "";
      await browser.settled(id);
    }
    expect(metaOf(0)).toMatchObject({ "openai/locale": "de-CH", "openai/userAgent": "Test/1.0" });
    expect(metaOf(1)).not.toHaveProperty("openai/locale");
    expect(metaOf(1)).not.toHaveProperty("openai/userAgent");
  });
});
