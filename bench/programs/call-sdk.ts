// The official SDK alone, as its documentation has it: zod schema, no token check, no log.
import { createServer } from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { runProgram } from "../measure/program.ts";
import { listen } from "./parts/listen.ts";
import { quote, quoteTool, serverInfo } from "./parts/quote.ts";

await runProgram(async () => {
  const handler = createMcpHandler(() => {
    const server = new McpServer(serverInfo);
    const inputSchema = z.object({ sku: z.string().max(40), quantity: z.int().min(1).max(99) });
    server.registerTool(quoteTool.name, { title: quoteTool.title, description: quoteTool.description, inputSchema }, (args) => ({
      content: [{ type: "text", text: quoteTool.text }],
      structuredContent: quote(args),
    }));
    return server;
  });
  const serve = toNodeHandler(handler);
  // Node's own types allow an undefined method, which the adapter's do not; the adapter copes.
  const server = createServer((request, response) => void serve(request as Parameters<typeof serve>[0], response));
  const origin = await listen(server);
  return { facts: { url: `${origin}/mcp` }, stop: () => handler.close() };
});
