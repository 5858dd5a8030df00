import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { Secret } from "@countersign/protocol/secret";
import { listen, type RunningServer } from "../stand-in/http-server.ts";
import { World, type Browser } from "../stand-in/world.ts";

const askedShape = z.looseObject({
  model: z.string(),
  messages: z.array(z.looseObject({ role: z.string(), content: z.string().nullable() })),
  tools: z.array(z.looseObject({ function: z.looseObject({ name: z.string() }) })).optional(),
});
type Asked = z.infer<typeof askedShape>;

let world: World;
let model: RunningServer;
afterEach(async () => {
  await world.close();
  await model.close();
});

function toolCall(name: string, args: string): Response {
  const tool_calls = [{ id: "c1", type: "function", function: { name, arguments: args } }];
  return Response.json({ choices: [{ message: { role: "assistant", content: null, tool_calls } }] });
}

function words(content: string): Response {
  return Response.json({ choices: [{ message: { role: "assistant", content } }] });
}

async function begin(answer: (asked: Asked, turn: number) => Response): Promise<{ browser: Browser; asked: Asked[]; keys: (string | null)[] }> {
  const asked: Asked[] = [];
  const keys: (string | null)[] = [];
  model = await listen(async (request) => {
    keys.push(request.headers.get("authorization"));
    asked.push(askedShape.parse(await request.json()));
    return answer(asked[asked.length - 1] ?? { model: "", messages: [] }, asked.length);
  });
  world = await World.start({
    tools: { browse: {}, list_orders: { demands: ["orders:read"] }, hidden: { visibility: ["app"] } },
    host: { model: { baseUrl: `${model.origin}/v1`, model: "small", apiKey: new Secret("model-key-canary") } },
  });
  const browser = world.browser();
  await browser.open();
  return { browser, asked, keys };
}

async function said(browser: Browser, message: string): Promise<{ heard: () => Promise<string>; status: number }> {
  const events = await browser.listen();
  const { status } = await browser.post("/api/chat", { message });
  return { heard: () => events.stop(), status };
}

describe("the model loop", () => {
  it("I4 does not wait for a server that does not list its tools: the model answers with those of the others", async () => {
    const { browser, asked } = await begin(() => words("Hello."));
    await browser.fetch("/api/connectors/store/tools");
    const silent = await listen(() => new Promise(() => {}));
    try {
      expect((await browser.post("/api/connectors", { url: `${silent.origin}/mcp` })).status).toBeLessThan(300);
      await said(browser, "Hi");
      await expect.poll(() => asked.length).toBe(1);
      expect(asked[0]?.tools?.map((tool) => tool.function.name)).toContain("store__browse");
    } finally {
      await silent.close();
    }
  });

  it("is told of tools that the model may see, calls them through the broker, and answers by events", async () => {
    const { browser, asked, keys } = await begin((_, turn) => (turn === 1 ? toolCall("store__browse", '{"query":"mug"}') : words("Two mugs.")));
    const turn = await said(browser, "Show me mugs");
    expect(turn.status).toBe(202);
    await expect.poll(() => asked.length).toBe(2);
    expect(asked[0]?.tools?.map((tool) => tool.function.name)).toEqual(["store__browse", "store__list_orders"]);
    expect(asked[1]?.messages.at(-1)).toMatchObject({ role: "tool", content: expect.stringContaining("browse") });
    expect(world.server.executions).toMatchObject([{ tool: "browse", arguments: { query: "mug" } }]);
    expect(keys).toEqual(["Bearer model-key-canary", "Bearer model-key-canary"]);
    await expect.poll(async () => (await browser.post("/api/chat", { message: "And cups?" })).status).toBe(202);
    await expect.poll(() => asked.length).toBe(3);
    expect(asked[2]?.messages.map((message) => message.role)).toEqual(["system", "user", "assistant", "tool", "assistant", "user"]);
    const heard = await turn.heard();
    expect(heard).toContain('"text":"Two mugs."');
    expect(heard).toMatch(/event: chat\ndata: \{"conversationId":"main","call":/);
    expect(heard).not.toContain("model-key-canary");
  });

  it("a protected tool called by the model waits for the same sign-in, then the model gets the result", async () => {
    const { browser, asked } = await begin((_, turn) => (turn === 1 ? toolCall("store__list_orders", "{}") : words("You have one order.")));
    const callIds: string[] = [];
    const abort = new AbortController();
    const stream = await browser.fetch("/api/events", { signal: abort.signal });
    await browser.post("/api/chat", { message: "My orders?" });
    let heard = "";
    for await (const chunk of stream.body ?? []) {
      heard += new TextDecoder().decode(chunk);
      const found = /"startUrl":"(\/flows\/flow_[\w-]+\/start)"/.exec(heard)?.[1];
      if (found !== undefined && callIds.length === 0 && heard.includes('"state":"authorizing"')) {
        callIds.push(found);
        await browser.signIn(found);
        break;
      }
    }
    abort.abort();
    await expect.poll(() => asked.length).toBe(2);
    expect(asked[1]?.messages.at(-1)).toMatchObject({ role: "tool", content: expect.stringContaining("list_orders") });
    expect(world.server.executions).toHaveLength(1);
  });

  it("V15 M14 a tool that the model may not see, or that no server has, is a typed error to the model and no call", async () => {
    const { browser, asked } = await begin((_, turn) =>
      turn === 1 ? toolCall("store__hidden", "{}") : turn === 2 ? toolCall("other__browse", "{}") : words("No."),
    );
    await browser.post("/api/chat", { message: "Try" });
    await expect.poll(() => asked.length).toBe(3);
    expect(asked[1]?.messages.at(-1)?.content).toContain("unknown_tool");
    expect(asked[2]?.messages.at(-1)?.content).toContain("unknown_tool");
    expect(world.server.executions).toEqual([]);
  });

  it("a model that never stops calling is stopped, and the page is told", async () => {
    const endless = await begin(() => toolCall("store__browse", "{}"));
    const turn = await said(endless.browser, "Loop");
    await expect.poll(() => endless.asked.length).toBe(8);
    await expect.poll(async () => (await endless.browser.post("/api/chat", { message: "again" })).status).toBe(202);
    expect(await turn.heard()).toContain('"error"');
    expect(world.server.executions.length).toBeGreaterThanOrEqual(8);
  });

  it("without a model there is no chat", async () => {
    model = await listen(() => new Response());
    world = await World.start();
    const browser = world.browser();
    await browser.open();
    expect((await browser.post("/api/chat", { message: "Hi" })).status).toBe(404);
  });
});
