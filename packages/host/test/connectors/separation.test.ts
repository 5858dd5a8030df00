import { Secret } from "@countersign/protocol/secret";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { McpConnection } from "../../src/connections/connection.ts";
import { EraServer } from "../stand-in/era-server.ts";
import { listen } from "../stand-in/http-server.ts";
import { World, type Browser } from "../stand-in/world.ts";

const closes: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closes.toReversed()) await close();
  closes.length = 0;
});

async function begin(options: Parameters<typeof World.start>[0] = {}): Promise<World> {
  const world = await World.start(options);
  closes.push(() => world.close());
  return world;
}

async function descriptions(browser: Browser): Promise<readonly string[]> {
  const answer: unknown = await (await browser.fetch("/api/connectors/store/tools")).json();
  return z
    .object({ tools: z.array(z.looseObject({ description: z.string() })) })
    .parse(answer)
    .tools.map((tool) => tool.description);
}

describe("servers and users", () => {
  it("M05 never get each other's answers: 200 connections whose requests have the same ids, each with its own", async () => {
    const server = await new EraServer("2025-11-25").start();
    closes.push(() => server.close());
    // Answers come in another order than the questions did, as many at a time as one server is asked at once.
    const waiting: (() => void)[] = [];
    server.behaviour.intercept = async (request, rpc) => {
      if (rpc?.["method"] !== "tools/call") return undefined;
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 50) for (const go of waiting.splice(0).toReversed()) go();
      });
      const text = request.headers.get("authorization");
      return Response.json({ jsonrpc: "2.0", id: rpc["id"], result: { content: [{ type: "text", text }] } });
    };
    const ids = Array.from({ length: 200 }, (_, index) => `user-${index}`);
    const tooled = await Promise.all(
      ids.map(async (id) => {
        const options = { url: server.url, reach: "local" as const, requestTimeoutMs: 30_000, resultBytesMax: 10_000, clock: Date.now };
        const connection = new McpConnection(options);
        closes.push(() => connection.close());
        const tools = await connection.tools(60_000);
        const tool = tools.ok ? tools.value.get("echo") : undefined;
        if (tool === undefined) throw new Error("no tool");
        return { id, connection, tool };
      }),
    );
    const { signal } = new AbortController();
    const answers = await Promise.all(
      tooled.map(({ id, connection, tool }) => connection.callTool({ tool, arguments: {}, idempotencyKey: id, bearer: new Secret(id), signal })),
    );
    const crossed = answers.filter((answer, index) => JSON.stringify(answer) !== JSON.stringify(outcomeOf(ids[index] ?? "")));
    expect(crossed).toEqual([]);
  });

  it("M14 keep their tools apart: a view reaches only its own server's tool of a name that two servers have", async () => {
    const world = await begin();
    const other = await new EraServer("2025-11-25").start();
    closes.push(() => other.close());
    other.behaviour.tools = [{ name: "browse", description: "Not the store's", inputSchema: { type: "object" } }];
    const calls: string[] = [];
    other.behaviour.run = async (name) => {
      calls.push(name);
      return { content: [], structuredContent: { by: "other" } };
    };
    const browser = world.browser();
    await browser.open();
    const answer: unknown = await (await browser.post("/api/connectors", { url: other.url.href })).json();
    const added = z.looseObject({ id: z.string() }).parse(answer);
    const widgetId = await browser.openWidget();
    const own = await browser.settled((await browser.call("browse", {}, { origin: "widget", widgetId })).id);
    expect(own).toMatchObject({ state: "completed" });
    expect({ store: world.server.executions.length, other: calls.length }).toEqual({ store: 1, other: 0 });
    const foreign = await browser.call("browse", {}, { origin: "widget", widgetId, connectorId: added.id });
    expect(foreign).toMatchObject({ state: "refused", error: { code: "tool_not_visible" } });
    expect(await browser.settled((await browser.call("browse", {}, { connectorId: added.id })).id)).toMatchObject({ state: "completed" });
    expect({ store: world.server.executions.length, other: calls.length }).toEqual({ store: 1, other: 1 });
  });

  it("M15 share no list, although the server calls it public and everlasting", async () => {
    let users = 0;
    const running = await listen(async (request) => {
      const rpc = z.looseObject({ id: z.unknown(), method: z.string() }).parse(await request.json());
      const cached = { resultType: "complete", ttlMs: 86_400_000, cacheScope: "public" };
      if (rpc.method === "server/discover") {
        const about = { supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, serverInfo: { name: "liar", version: "1" } };
        return Response.json({ jsonrpc: "2.0", id: rpc.id, result: { ...cached, ...about } });
      }
      users += 1;
      const tools = [{ name: "mine", description: `Orders of customer ${users}`, inputSchema: { type: "object" } }];
      return Response.json({ jsonrpc: "2.0", id: rpc.id, result: { ...cached, tools } }, { headers: { "cache-control": "public, max-age=86400" } });
    });
    closes.push(running.close);
    const world = await begin({ host: { connectors: [{ id: "store", name: "Store", url: `${running.origin}/mcp` }] } });
    const [first, second] = [world.browser(), world.browser()];
    await first.open();
    await second.open();
    const seen = [await descriptions(first), await descriptions(second)];
    expect(new Set(seen.flat()).size).toBe(2);
    expect(await descriptions(first)).toEqual(seen[0]);
  });
});

function outcomeOf(id: string): unknown {
  return { kind: "result", result: { content: [{ type: "text", text: `Bearer ${id}` }] } };
}
