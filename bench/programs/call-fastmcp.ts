// Another framework from npm, in its stateless mode as documented, answering JSON because its event streams cost it more: zod schema, no token check, no log.
import { createServer } from "node:http";
import { FastMCP } from "fastmcp";
import { z } from "zod";
import { runProgram } from "../measure/program.ts";
import { listen } from "./parts/listen.ts";
import { quote, quoteTool, serverInfo } from "./parts/quote.ts";

/** The framework opens its port itself and does not say which one the system chose, so one is found before. */
async function freePort(): Promise<number> {
  const probe = createServer();
  const port = Number(new URL(await listen(probe)).port);
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

await runProgram(async () => {
  const server = new FastMCP(serverInfo);
  server.addTool({
    name: quoteTool.name,
    description: quoteTool.description,
    parameters: z.object({ sku: z.string().max(40), quantity: z.int().min(1).max(99) }),
    outputSchema: z.object({ sku: z.string(), quantity: z.number(), total: z.number(), currency: z.string() }),
    execute: async (args) => ({ content: [{ type: "text", text: quoteTool.text }], structuredContent: quote(args) }),
  });
  const port = await freePort();
  await server.start({ transportType: "httpStream", httpStream: { port, host: "127.0.0.1", stateless: true, enableJsonResponse: true } });
  return { facts: { url: `http://127.0.0.1:${port}/mcp` }, stop: () => server.stop() };
});
