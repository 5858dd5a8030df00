import { McpServer as McpServerV1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { answer } from "../../src/answer.ts";
import { either, oauth2 } from "../../src/auth.ts";
import { type ExistingServer, handled, type ProtectPolicy, protect, type ProtectedServer } from "../../src/protect.ts";

// The code of docs/guides/protect-a-server.md stands here, so that it is compiled and run.

const query = z.object({ query: z.string().max(100) });

/** The server as it was. */
export function createLibrary(): McpServer {
  const server = new McpServer({ name: "library", version: "1.0.0" });
  server.registerTool("search", { description: "Search the catalogue", inputSchema: query }, (args) => ({
    content: [{ type: "text", text: `2 books about ${args.query}` }],
  }));
  server.registerTool("my_loans", { description: "My loans" }, myLoans);
  server.registerTool("extend_loan", { description: "Keep a book for longer" }, extendLoan);
  server.registerTool("admin_reset", { description: "Not for the public" }, () => ({ content: [] }));
  return server;
}

const myLoans = handled((_args, call) => answer({ loans: [], reader: call.subject ?? null }, "No loans."));

const extendLoan = handled((_args, call) => {
  const isLong = true;
  if (isLong && !call.scope.has("loans:long")) return call.challenge(new Set(["loans:long"]), "Long loans need your consent.");
  return answer({ extended: true }, "Extended.");
});

export const policy: ProtectPolicy = {
  name: "library",
  resource: "http://127.0.0.1:4500/mcp",
  issuer: "http://localhost:4200",
  tools: { search: either(), my_loans: oauth2("loans:read"), extend_loan: oauth2("loans:write") },
  resources: { "loans://*": oauth2("loans:read") },
};

export const library: ProtectedServer = protect(createLibrary, policy);

export const older: ExistingServer = {
  async fetch(request, given) {
    const transport = new WebStandardStreamableHTTPServerTransport();
    await createOlderLibrary().connect(transport);
    return await transport.handleRequest(request, given);
  },
};

function createOlderLibrary(): McpServerV1 {
  const server = new McpServerV1({ name: "library", version: "1.0.0" });
  server.registerTool("my_loans", { description: "My loans" }, myLoans);
  return server;
}
