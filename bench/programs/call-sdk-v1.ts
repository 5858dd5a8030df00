// The official SDK in its first version as its stateless example has it: a server and a transport for each request, zod schema, no token check, no log.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { z } from "zod";
import { runProgram } from "../measure/program.ts";
import { listen } from "./parts/listen.ts";
import { quote, quoteTool, serverInfo } from "./parts/quote.ts";

await runProgram(async () => {
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  const origin = await listen(server);
  return { facts: { url: `${origin}/mcp` }, stop: async () => server.closeAllConnections() };
});

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const server = new McpServer(serverInfo);
  const inputSchema = { sku: z.string().max(40), quantity: z.int().min(1).max(99) };
  server.registerTool(quoteTool.name, { title: quoteTool.title, description: quoteTool.description, inputSchema }, (args) => ({
    content: [{ type: "text", text: quoteTool.text }],
    structuredContent: quote(args),
  }));
  const transport = new StreamableHTTPServerTransport({});
  response.once("close", () => {
    void transport.close();
    void server.close();
  });
  await server.connect(transport);
  await transport.handleRequest(request, response);
}
