import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { McpConnection } from "../../src/connections/connection.ts";
import type { CallOutcome } from "../../src/connections/outcome.ts";
import type { ServerListener, ServerMessage } from "../../src/connections/exchange.ts";
import { EraServer } from "../stand-in/era-server.ts";

let server: EraServer;
let connection: McpConnection;
beforeEach(async () => {
  server = await new EraServer("2025-11-25").start();
  server.behaviour.answers = "stream";
  const { url } = server;
  connection = new McpConnection({ url, reach: "local", requestTimeoutMs: 60_000, resultBytesMax: 100_000, clock: Date.now });
});
afterEach(async () => {
  await connection.close();
  await server.close();
});

async function call(name: string, listener?: ServerListener): Promise<CallOutcome> {
  const tools = await connection.tools(60_000);
  const tool = tools.ok ? tools.value.get(name) : undefined;
  if (tool === undefined) throw new Error(`no tool: ${JSON.stringify(tools)}`);
  const signal = new AbortController().signal;
  return connection.callTool({ tool, arguments: {}, idempotencyKey: "call_1", signal, ...(listener === undefined ? {} : { listener }) });
}

describe("what a server says of its own", () => {
  it("reaches the exchange on whose stream it came, and its answer the server", async () => {
    server.behaviour.tools = ["first", "second"].map((name) => ({ name, inputSchema: { type: "object" } }));
    server.behaviour.run = async (name, ask, notify) => {
      notify("notifications/message");
      const answer = await ask("elicitation/create", { message: name });
      return { content: [], structuredContent: { answer: answer["result"] } };
    };
    const heard: string[] = [];
    const listenerOf = (name: string): ServerListener => ({
      onNotification: (notification) => void heard.push(`${name} ${notification.method}`),
      onServerRequest: async (request) => ({ action: "accept", content: { asked: request.params["message"], by: name } }),
    });
    const outcomes = await Promise.all([call("first", listenerOf("a")), call("second", listenerOf("b"))]);
    expect(outcomes).toMatchObject([
      { result: { structuredContent: { answer: { content: { asked: "first", by: "a" } } } } },
      { result: { structuredContent: { answer: { content: { asked: "second", by: "b" } } } } },
    ]);
    expect(heard.toSorted()).toEqual(["a notifications/message", "b notifications/message"]);
  });

  it("is answered with method not found when nobody listens", async () => {
    server.behaviour.run = async (_, ask) => ({ content: [], structuredContent: { answer: await ask("elicitation/create", {}) } });
    expect(await call("echo")).toMatchObject({ result: { structuredContent: { answer: { error: { code: -32601 } } } } });
  });

  it("comes by a standing stream only while somebody wants it", async () => {
    await call("echo");
    expect(server.seen.filter((each) => each.http === "GET")).toEqual([]);
    const heard: ServerMessage[] = [];
    const stop = connection.follow((notification) => void heard.push(notification));
    await vi.waitUntil(() => server.standing.size === 1, 15_000);
    for (const send of server.standing) send({ jsonrpc: "2.0", method: "notifications/elicitation/complete", params: { elicitationId: "e1" } });
    await vi.waitUntil(() => heard.length === 1, 15_000);
    expect(heard).toEqual([{ method: "notifications/elicitation/complete", params: { elicitationId: "e1" } }]);
    expect(server.seen.find((each) => each.http === "GET")).toMatchObject({ session: "session-1", version: "2025-11-25" });
    stop();
    await vi.waitUntil(() => server.standing.size === 0, 15_000);
    expect(await call("echo")).toMatchObject({ kind: "result" });
  });
});
