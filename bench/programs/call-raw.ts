// The floor: node:http, JSON parsed and written by hand, the very bytes that the others answer. It checks no token and keeps no log.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { member } from "@countersign/protocol/shape";
import { runProgram } from "../measure/program.ts";
import { listen } from "./parts/listen.ts";
import { quote, quoteTool, serverInfo } from "./parts/quote.ts";

await runProgram(async () => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => answer(request, response, JSON.parse(Buffer.concat(chunks).toString())));
  });
  const origin = await listen(server);
  return { facts: { url: `${origin}/mcp` }, stop: async () => server.closeAllConnections() };
});

function answer(request: IncomingMessage, response: ServerResponse, message: unknown): void {
  const args = member(member(message, "params"), "arguments");
  const sku = member(args, "sku");
  const quantity = member(args, "quantity");
  const isCall = member(message, "method") === "tools/call" && member(member(message, "params"), "name") === quoteTool.name;
  if (!isCall || typeof sku !== "string" || typeof quantity !== "number") return void response.writeHead(400).end();
  const isModern = request.headers["mcp-protocol-version"] === "2026-07-28";
  const result = { content: [{ type: "text", text: quoteTool.text }], structuredContent: quote({ sku, quantity }) };
  const modern = { resultType: "complete", _meta: { "io.modelcontextprotocol/serverInfo": serverInfo } };
  const text = JSON.stringify({ result: isModern ? { ...result, ...modern } : result, jsonrpc: "2.0", id: member(message, "id") });
  const body = isModern ? text : `event: message\ndata: ${text}\n\n`;
  const type = isModern ? "application/json" : "text/event-stream";
  response.writeHead(200, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
}
