import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { calls, ModelServer, openStream, type Reply, words } from "../stand-in/model-server.ts";
import type { StandInTool } from "../stand-in/mcp-server.ts";
import { World, type Browser } from "../stand-in/world.ts";

const eventShape = z.looseObject({
  id: z.string().optional(),
  text: z.string().optional(),
  append: z.boolean().optional(),
  code: z.string().optional(),
  turn: z.looseObject({ state: z.string() }).optional(),
  draft: z.union([z.string(), z.looseObject({ id: z.string(), tool: z.string(), arguments: z.unknown() })]).optional(),
  call: z.looseObject({ id: z.string(), tool: z.string() }).optional(),
});
type ChatEvent = z.infer<typeof eventShape>;

let world: World;
let model: ModelServer;
afterEach(async () => {
  await world.close();
  await model.close();
});

async function begin(tools: Record<string, StandInTool>, ...script: Reply[]): Promise<Browser> {
  model = await ModelServer.start(...script);
  world = await World.start({ tools, host: { model: { baseUrl: model.baseUrl, model: "small" } } });
  const browser = world.browser();
  await browser.open();
  return browser;
}

interface Listening {
  /** Every chat event so far, once one of them is as wanted. */
  readonly until: (wanted: (event: ChatEvent) => boolean) => Promise<readonly ChatEvent[]>;
  readonly stop: () => void;
}

async function listenTo(browser: Browser): Promise<Listening> {
  const abort = new AbortController();
  const response = await browser.fetch("/api/events", { signal: abort.signal });
  const reader = (response.body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream()).getReader();
  const heard: ChatEvent[] = [];
  let rest = "";
  const until: Listening["until"] = async (wanted) => {
    while (!heard.some(wanted)) {
      const { value, done } = await reader.read();
      if (done) throw new Error("the stream has ended");
      const parts = (rest + value).split("\n\n");
      rest = parts.pop() ?? "";
      for (const data of parts.flatMap((part) => /^event: chat\ndata: (.*)$/s.exec(part)?.[1] ?? [])) heard.push(eventShape.parse(JSON.parse(data)));
    }
    return heard;
  };
  return { until, stop: () => abort.abort() };
}

const isEnd = (event: ChatEvent): boolean => event.turn?.state === "ended";

describe("an answer while it is given", () => {
  it("reaches the page piece by piece, then whole, between the beginning and the end of the turn", async () => {
    const browser = await begin({ browse: {} }, words("Two ", "mugs."));
    const page = await listenTo(browser);
    await browser.post("/api/chat", { message: "Mugs?" });
    const heard = await page.until(isEnd);
    page.stop();
    expect(heard[0]?.turn?.state).toBe("answering");
    expect(
      heard
        .filter((event) => event.append === true)
        .map((event) => event.text)
        .join(""),
    ).toBe("Two mugs.");
    expect(heard.filter((event) => event.text !== undefined && event.append === undefined).map((event) => event.text)).toEqual(["Two mugs."]);
  });

  it("shows a call while it is written, and then the call under the same id; nothing runs before the answer is whole", async () => {
    const stream = openStream();
    const browser = await begin({ browse: {} }, stream.reply, words("Done."));
    const page = await listenTo(browser);
    await browser.post("/api/chat", { message: "Mugs?" });
    stream.write({ tool_calls: [{ index: 0, id: "a", function: { name: "store__browse", arguments: '{"query":"blue mugs w' } }] });
    const [draft] = (await page.until((event) => typeof event.draft === "object")).flatMap((event) =>
      typeof event.draft === "object" ? [event.draft] : [],
    );
    expect(draft).toMatchObject({ tool: "browse", arguments: { query: "blue mugs w" } });
    expect(world.server.executions).toEqual([]);
    stream.write({ tool_calls: [{ index: 0, function: { arguments: 'ith dots"}' } }] });
    stream.write("data: [DONE]\n\n");
    const heard = await page.until(isEnd);
    page.stop();
    expect(heard.find((event) => event.call !== undefined)).toMatchObject({ draft: draft?.id });
    expect(world.server.executions).toMatchObject([{ arguments: { query: "blue mugs with dots" } }]);
  });

  it("runs calls side by side and gives the model their results in its own order", async () => {
    const browser = await begin({ one: {}, two: {} }, calls(["store__one", "{}"], ["store__two", "{}"]), words("Both."));
    const held = Promise.withResolvers<void>();
    // The first call is answered only once the second has run.
    world.server.intercept = async (request) => {
      const text = await request.clone().text();
      if (text.includes('"name":"one"')) await held.promise;
      else if (text.includes('"name":"two"')) setImmediate(held.resolve);
      return undefined;
    };
    const page = await listenTo(browser);
    await browser.post("/api/chat", { message: "Both" });
    await page.until(isEnd);
    page.stop();
    expect(world.server.executions.map(({ tool }) => tool).toSorted()).toEqual(["one", "two"]);
    const answers = model.asked[1]?.messages.filter(({ role }) => role === "tool");
    expect(answers?.map(({ tool_call_id: id }) => id)).toEqual(["c0", "c1"]);
    expect(answers?.[0]?.content).toContain("one");
    expect(answers?.[1]?.content).toContain("two");
    expect(model.complaints).toEqual([]);
  });
});

describe("an answer that the user stops", () => {
  it("ends at once; what was said stays said, and the next turn goes on from it", async () => {
    const stream = openStream();
    const browser = await begin({ browse: {} }, stream.reply, words("Going on."));
    const page = await listenTo(browser);
    await browser.post("/api/chat", { message: "A long story" });
    stream.write({ content: "Once upon" });
    await page.until((event) => event.append === true);
    expect(await (await browser.post("/api/chat/stop")).json()).toEqual({ stopped: true });
    const heard = await page.until(isEnd);
    page.stop();
    await stream.gone;
    expect(heard.some((event) => event.code === "cancelled")).toBe(true);
    expect(await (await browser.post("/api/chat/stop")).json()).toEqual({ stopped: false });
    await browser.post("/api/chat", { message: "Go on" });
    await expect.poll(() => model.asked.length).toBe(2);
    expect(model.asked[1]?.messages.slice(1)).toMatchObject([
      { role: "user", content: "A long story" },
      { role: "assistant", content: "Once upon" },
      { role: "user", content: "Go on" },
    ]);
  });

  it("ends calls that wait for sign-in, and lets one go on that was sent", async () => {
    const browser = await begin(
      { slow: {}, list_orders: { demands: ["orders:read"] } },
      calls(["store__slow", "{}"], ["store__list_orders", "{}"]),
      words("Well."),
    );
    const sent = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    world.server.intercept = async (request) => {
      if (!(await request.clone().text()).includes('"name":"slow"')) return undefined;
      sent.resolve();
      await held.promise;
      return undefined;
    };
    const page = await listenTo(browser);
    await browser.post("/api/chat", { message: "Both" });
    const isCall = (tool: string) => (event: ChatEvent) => event.call?.tool === tool;
    await page.until(isCall("slow"));
    const heard = await page.until(isCall("list_orders"));
    const idOf = (tool: string): string => heard.find(isCall(tool))?.call?.id ?? "";
    await sent.promise;
    await browser.parked(idOf("list_orders"));
    await browser.post("/api/chat/stop");
    await page.until(isEnd);
    page.stop();
    expect(await browser.settled(idOf("list_orders"))).toMatchObject({ state: "failed", error: { code: "cancelled" } });
    held.resolve();
    expect(await browser.settled(idOf("slow"))).toMatchObject({ state: "completed" });
    await browser.post("/api/chat", { message: "And?" });
    await expect.poll(() => model.asked.length).toBe(2);
    const answers = model.asked[1]?.messages.filter(({ role }) => role === "tool");
    expect(answers?.[0]?.content).toContain("running");
    expect(answers?.[1]?.content).toContain("cancelled");
    expect(model.complaints).toEqual([]);
  });

  it("is the user's own: nobody else's stop ends it", async () => {
    const stream = openStream();
    const browser = await begin({ browse: {} }, stream.reply);
    const page = await listenTo(browser);
    await browser.post("/api/chat", { message: "A long story" });
    const other = world.browser();
    await other.open();
    expect(await (await other.post("/api/chat/stop")).json()).toEqual({ stopped: false });
    stream.write({ content: "The end." });
    stream.write("data: [DONE]\n\n");
    const heard = await page.until(isEnd);
    page.stop();
    expect(heard.some((event) => event.text === "The end." && event.append === undefined)).toBe(true);
  });
});
