import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { McpConnection } from "../../src/connections/connection.ts";
import { judgeMirroredHeaders } from "../../src/connections/mirrored-headers.ts";
import { readToolDefinition } from "../../src/connections/tool-definition.ts";
import { listen } from "../stand-in/http-server.ts";

const region = { type: "string", "x-mcp-header": "Region" };
const deep = Array.from({ length: 200 }).reduce<Record<string, unknown>>((inner) => ({ type: "object", properties: { inner } }), region);

describe("mirrored headers", () => {
  it.each([
    ["no properties", { type: "object" }, "none"],
    ["no declaration", { type: "object", properties: { a: { type: "string", description: 'see "x-mcp-header"' } } }, "none"],
    ["a property that is merely called so", { type: "object", properties: { "x-mcp-header": { type: "object" } } }, "none"],
    ["a text", { type: "object", properties: { region } }, "declared"],
    ["an integer", { type: "object", properties: { a: { type: "integer", "x-mcp-header": "A" } } }, "declared"],
    ["a truth value", { type: "object", properties: { a: { type: "boolean", "x-mcp-header": "A" } } }, "declared"],
    ["a nested property", { type: "object", properties: { a: { type: "object", properties: { region } } } }, "declared"],
    ["an empty name", { type: "object", properties: { a: { type: "string", "x-mcp-header": "" } } }, "invalid"],
    ["a name that is no text", { type: "object", properties: { a: { type: "string", "x-mcp-header": 5 } } }, "invalid"],
    ["a line break in the name", { type: "object", properties: { a: { type: "string", "x-mcp-header": "A\r\nX" } } }, "invalid"],
    ["a space in the name", { type: "object", properties: { a: { type: "string", "x-mcp-header": "My Region" } } }, "invalid"],
    ["a colon in the name", { type: "object", properties: { a: { type: "string", "x-mcp-header": "A:B" } } }, "invalid"],
    ["a letter outside ASCII", { type: "object", properties: { a: { type: "string", "x-mcp-header": "Région" } } }, "invalid"],
    ["a number", { type: "object", properties: { a: { type: "number", "x-mcp-header": "A" } } }, "invalid"],
    ["an object", { type: "object", properties: { a: { type: "object", "x-mcp-header": "A" } } }, "invalid"],
    ["no type", { type: "object", properties: { a: { "x-mcp-header": "A" } } }, "invalid"],
    ["the same name in another case", { type: "object", properties: { a: region, b: { type: "string", "x-mcp-header": "rEGION" } } }, "invalid"],
    ["the root itself", { type: "string", "x-mcp-header": "A" }, "invalid"],
    ["list items", { type: "object", properties: { a: { type: "array", items: region } } }, "invalid"],
    ["one of several shapes", { type: "object", properties: { a: { anyOf: [region] } } }, "invalid"],
    ["a definition", { type: "object", $defs: { region }, properties: { a: { $ref: "#/$defs/region" } } }, "invalid"],
    ["a list in place of properties", { type: "object", properties: [region] }, "invalid"],
    ["a property that is a list", { type: "object", properties: { a: [region] } }, "invalid"],
    ["more depth than is looked at", deep, "invalid"],
  ] as const)("M23 are judged by the schema: %s", (_, schema, verdict) => {
    expect(judgeMirroredHeaders(schema)).toBe(verdict);
    expect(readToolDefinition({ name: "t", inputSchema: schema })?.mirrorsHeaders).toBe(verdict === "invalid" ? undefined : verdict === "declared");
  });

  it("M23 go out with the call, as text or encoded, and never for an argument that declares none", async () => {
    const server = (): McpServer => {
      const made = new McpServer({ name: "stand-in", version: "1.0.0" });
      const inputSchema = z.object({
        region: z.string().meta({ "x-mcp-header": "Region" }),
        city: z.string().meta({ "x-mcp-header": "City" }),
        note: z.string(),
      });
      made.registerTool("look", { inputSchema }, () => ({ content: [] }));
      return made;
    };
    const handler = createMcpHandler(server);
    const seen: Headers[] = [];
    const running = await listen((request) => {
      if (request.headers.get("mcp-method") === "tools/call") seen.push(request.headers);
      return handler.fetch(request);
    });
    const url = new URL(`${running.origin}/mcp`);
    const connection = new McpConnection({ url, reach: "local", requestTimeoutMs: 60_000, resultBytesMax: 100_000, clock: Date.now });
    const tools = await connection.tools(60_000);
    const tool = tools.ok ? tools.value.get("look") : undefined;
    if (tool === undefined) throw new Error("no tool");
    const args = { region: "us-west1", city: "Zürich\r\nX: y", note: "quiet" };
    const outcome = await connection.callTool({ tool, arguments: args, idempotencyKey: "call_1", signal: new AbortController().signal });
    expect(outcome.kind).toBe("result");
    expect(seen).toHaveLength(1);
    expect(seen[0]?.get("mcp-param-region")).toBe("us-west1");
    expect(seen[0]?.get("mcp-param-city")).toBe(`=?base64?${Buffer.from(args.city).toString("base64")}?=`);
    expect(seen[0]?.has("mcp-param-note")).toBe(false);
    expect(seen[0]?.has("x")).toBe(false);
    await connection.close();
    await running.close();
    await handler.close();
  });
});
