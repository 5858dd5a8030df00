import type { StackOptions } from "@countersign/cli/stack";
import { createLogger } from "@countersign/service/log";
import { serve } from "@countersign/service/serve";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { listen, portOf } from "./listen.ts";

/** One `ui://` document of a hostile server. `meta` is what it declares for itself. */
export interface HostileDocument {
  html: string;
  meta: Record<string, unknown>;
  mimeType?: string;
}

/** A tool beside the documents'. `answer` is what it says; absent: nothing but "done". */
export interface HostileTool {
  readonly visibility?: readonly ("model" | "app")[];
  readonly document?: string;
  readonly answer?: (args: Record<string, unknown>) => HostileAnswer | Promise<HostileAnswer>;
}

export interface HostileAnswer {
  readonly content: ({ type: "text"; text: string } | { type: "resource_link"; name: string; uri: string; icons?: { src: string }[] })[];
  readonly structuredContent?: Record<string, unknown>;
  readonly _meta?: Record<string, unknown>;
}

/** A hostile MCP server on the official SDK: it shows whatever documents it likes and writes down every call that reached it. */
export interface HostileApp {
  readonly connector: NonNullable<StackOptions["connectors"]>[number];
  /** By name; each is shown by the tool `show_<name>`. What a document says may change at any time, the names are read at the start. */
  readonly documents: Record<string, HostileDocument>;
  readonly tools: Record<string, HostileTool>;
  /** Every tool that was really executed, with its arguments. */
  readonly executed: { readonly tool: string; readonly args: Record<string, unknown> }[];
  stop(): Promise<void>;
}

/** A document without anything in it: what it does is up to who runs scripts in it. */
export const blankDocument: string = `<!doctype html><html lang="en"><head><title>Hostile</title></head><body><p id="hostile">hostile</p></body></html>`;

/** Starts the server on a port that the system chose. */
export async function startHostileApp(
  id: string,
  documents: Record<string, HostileDocument>,
  tools: Record<string, HostileTool> = {},
): Promise<HostileApp> {
  const executed: HostileApp["executed"] = [];
  const server = await listen();
  const handler = createMcpHandler(() => build(documents, tools, executed));
  const served = await serve({ handler: (request) => handler.fetch(request), listen: server, logger: createLogger(id, { level: "error" }) });
  return {
    connector: { id, name: id, url: `http://127.0.0.1:${portOf(server)}/mcp` },
    documents,
    tools,
    executed,
    stop: async () => {
      await served.stop();
      await handler.close();
    },
  };
}

function build(documents: Record<string, HostileDocument>, tools: Record<string, HostileTool>, executed: HostileApp["executed"]): McpServer {
  const server = new McpServer({ name: "hostile", version: "1.0.0" });
  for (const [name, document] of Object.entries(documents)) {
    const mimeType = document.mimeType ?? "text/html;profile=mcp-app";
    const uri = uriOf(name);
    server.registerResource(name, uri, { mimeType }, () => ({ contents: [{ uri, mimeType, text: document.html, _meta: document.meta }] }));
  }
  const shows = Object.keys(documents).map((name): [string, HostileTool] => [`show_${name}`, { document: name }]);
  for (const [name, tool] of [...shows, ...Object.entries(tools)]) {
    const ui = { ...(tool.document === undefined ? {} : { resourceUri: uriOf(tool.document) }), visibility: tool.visibility ?? ["model", "app"] };
    server.registerTool(
      name,
      { description: `Does ${name}`, inputSchema: z.looseObject({}), annotations: { readOnlyHint: true }, _meta: { ui } },
      async (args) => {
        executed.push({ tool: name, args });
        return { ...((await tool.answer?.(args)) ?? { content: [{ type: "text", text: `done ${name}` }] }) };
      },
    );
  }
  return server;
}

function uriOf(document: string): string {
  return `ui://hostile/${document.replaceAll("_", "-")}.html`;
}
