import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { calls, ModelServer, openStream, type Reply, words } from "../stand-in/model-server.ts";
import type { StandInTool } from "../stand-in/mcp-server.ts";
import { World, type Browser } from "../stand-in/world.ts";

const eventShape = z.looseObject({
  id: z.string().optional(),
  text: z.string().optional(),
  at: z.number().optional(),
  conversationId: z.string(),
  code: z.string().optional(),
  turn: z.looseObject({ state: z.string() }).optional(),
  draft: z.union([z.string(), z.looseObject({ id: z.string(), tool: z.string(), arguments: z.unknown() })]).optional(),
  call: z.looseObject({ id: z.string(), tool: z.string() }).optional(),
  unmade: z.looseObject({ draft: z.string(), code: z.string() }).optional(),
});
const turnShape = z.object({ answering: z.string().optional(), events: z.array(eventShape.omit({ conversationId: true })) });
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
        .filter((event) => event.at !== undefined)
        .map((event) => event.text)
        .join(""),
    ).toBe("Two mugs.");
    expect(heard.filter((event) => event.text !== undefined && event.at === undefined).map((event) => event.text)).toEqual(["Two mugs."]);
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

describe("a call that was written", () => {
  it.each([
    ["whose arguments are no JSON", '{"query":"mug"'],
    ["X06 whose arguments are nested too deep", `{"query":${"[".repeat(5000)}${"]".repeat(5000)}}`],
    ["whose arguments name a member twice", '{"query":"mug","query":"cup"}'],
  ])("%s is not made: the page and the model are told why, and the model goes on", async (_, text) => {
    const browser = await begin({ browse: {} }, calls(["store__browse", '{"query":"cup"}']), words("Fine."));
    const page = await listenTo(browser);
    await browser.post("/api/chat", { message: "Cups?" });
    await page.until(isEnd);
    page.stop();
    expect(world.server.executions).toHaveLength(1);
    model.next(calls(["store__browse", text]), words("Sorry."));
    const next = await listenTo(browser);
    await browser.post("/api/chat", { message: "Mugs?" });
    const heard = await next.until(isEnd);
    next.stop();
    const unmade = heard.find((event) => event.unmade !== undefined)?.unmade;
    expect(unmade?.code).toBe("invalid_arguments");
    expect(heard.some(({ draft }) => typeof draft === "object" && draft.id === unmade?.draft)).toBe(true);
    expect(model.asked.at(-1)?.messages.at(-1)?.content).toContain("invalid_arguments");
    expect(heard.some((event) => event.text === "Sorry.")).toBe(true);
    expect(world.server.executions).toHaveLength(1);
  });

  it("X04 is none of ten thousand: the answer ends and nothing is called", async () => {
    const many = Array.from({ length: 10_000 }, () => ["store__browse", "{}"] as const);
    const browser = await begin({ browse: {} }, calls(...many.slice(0, 50)), words("Fifty."), calls(...many));
    const page = await listenTo(browser);
    await browser.post("/api/chat", { message: "Fifty" });
    await page.until(isEnd);
    page.stop();
    expect(world.server.executions).toHaveLength(50);
    const next = await listenTo(browser);
    await browser.post("/api/chat", { message: "Many" });
    const heard = await next.until(isEnd);
    next.stop();
    expect(heard.some((event) => event.code === "response_too_large")).toBe(true);
    expect(world.server.executions).toHaveLength(50);
  });
});

describe("a page that missed something", () => {
  it("reads the turn as it is, while it is given and after", async () => {
    const stream = openStream();
    const browser = await begin({ browse: {} }, stream.reply);
    const read = async (id: string): Promise<z.infer<typeof turnShape>> => turnShape.parse(await (await browser.fetch(`/api/chat/${id}`)).json());
    const page = await listenTo(browser);
    await browser.post("/api/chat", { conversationId: "talk", message: "Mugs?" });
    stream.write({ content: "Two " });
    stream.write({ content: "mugs" });
    const heard = await page.until((event) => event.text?.endsWith("mugs") === true);
    expect(heard.every((event) => event.conversationId === "talk")).toBe(true);
    const id = heard.find((event) => event.text !== undefined)?.id;
    expect(await read("talk")).toEqual({ answering: "talk", events: [{ id, text: "Two mugs" }] });
    expect(await read("other")).toEqual({ answering: "talk", events: [] });
    stream.write("data: [DONE]\n\n");
    await page.until(isEnd);
    page.stop();
    expect(await read("talk")).toEqual({ events: [{ id, text: "Two mugs" }] });
  });

  it("V20 reads nothing of another user's", async () => {
    const browser = await begin({ browse: {} }, words("Two mugs."));
    const page = await listenTo(browser);
    await browser.post("/api/chat", { conversationId: "talk", message: "Mugs?" });
    await page.until(isEnd);
    page.stop();
    expect(await (await browser.fetch("/api/chat/talk")).text()).toContain("Two mugs.");
    const other = world.browser();
    await other.open();
    expect(await (await other.fetch("/api/chat/talk")).json()).toEqual({ events: [] });
  });
});

describe("a model that takes less of a conversation", () => {
  it("is told less until it answers, beginning with the oldest, and the whole is kept", async () => {
    const tooLong: Reply = () => Response.json({ error: { code: "context_length_exceeded" } }, { status: 400 });
    const browser = await begin({ browse: {} }, words("a".repeat(8000)), words("b".repeat(8000)), tooLong, words("Short."), words("Fine."));
    for (const message of ["First", "Second", "Third"]) {
      const page = await listenTo(browser);
      await browser.post("/api/chat", { message });
      const heard = await page.until(isEnd);
      page.stop();
      expect(heard.some((event) => event.code !== undefined)).toBe(false);
    }
    expect(model.asked[2]?.messages.slice(1).map(({ content }) => content?.slice(0, 6))).toEqual(["First", "aaaaaa", "Second", "bbbbbb", "Third"]);
    expect(model.asked[3]?.messages.slice(1)).toMatchObject([{ role: "user", content: "Third" }]);
    await browser.post("/api/chat", { message: "Fourth" });
    await expect.poll(() => model.asked.length).toBe(5);
    expect(model.asked[4]?.messages.slice(1)).toHaveLength(7);
  });

  it("says so when not even the question fits", async () => {
    const tooLong: Reply = () => new Response(null, { status: 413 });
    const browser = await begin({ browse: {} }, tooLong);
    const page = await listenTo(browser);
    await browser.post("/api/chat", { message: "First" });
    const heard = await page.until(isEnd);
    page.stop();
    expect(heard.some((event) => event.code === "request_too_large")).toBe(true);
    expect(model.asked).toHaveLength(1);
  });
});

describe("an answer that the user stops", () => {
  it("ends at once; what was said stays said, and the next turn goes on from it", async () => {
    const stream = openStream();
    const browser = await begin({ browse: {} }, stream.reply, words("Going on."));
    const page = await listenTo(browser);
    await browser.post("/api/chat", { message: "A long story" });
    stream.write({ content: "Once upon" });
    await page.until((event) => event.at !== undefined);
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
    expect(heard.some((event) => event.text === "The end." && event.at === undefined)).toBe(true);
  });
});
