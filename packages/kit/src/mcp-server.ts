import { RESOURCE_MIME_TYPE, registerAppResource, registerAppTool } from "@modelcontextprotocol/ext-apps/server";
import { type CallToolResult, McpServer, UrlElicitationRequiredError } from "@modelcontextprotocol/server";
import type { ToolResult } from "./answer.ts";
import type { CallGate } from "./call-gate.ts";
import type { ServerInfo } from "./http/plain-answer.ts";
import { toElicitationError, toInputRequired } from "./payment/input-demand.ts";
import type { Tool } from "./tool.ts";
import type { View } from "./view.ts";

/** What an app offers, frozen at its first request. */
export interface Offer {
  readonly name: string;
  readonly version: string;
  readonly title: string | undefined;
  readonly instructions: string | undefined;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly views: ReadonlyMap<string, View>;
}

/** What one request may touch: nothing else is registered, so nothing else can run. */
export interface Reach {
  readonly toolNames: ReadonlySet<string>;
  readonly resources: boolean;
}

const listTtlMs = 60_000;
const viewTtlMs = 3_600_000;
/** Capabilities that never change while the app runs. Hosts ask for prompts whatever is declared, so an empty list is declared and served. */
const fixed = { listChanged: false };
const publicList = { ttlMs: listTtlMs, cacheScope: "public" } as const;

/** What the server says of itself in every answer. */
export function serverInfoOf(offer: Offer): ServerInfo {
  return { name: offer.name, version: offer.version, ...(offer.title === undefined ? {} : { title: offer.title }) };
}

/** Makes the server object of one request (2026-07-28 is stateless, and the 2025 family is served without sessions). */
export function createMcpServer(offer: Offer, reach: Reach, gate: CallGate): McpServer {
  const server = new McpServer(
    { ...serverInfoOf(offer) },
    {
      capabilities: { tools: fixed, prompts: fixed, ...(offer.views.size === 0 ? {} : { resources: fixed }) },
      cacheHints: {
        "tools/list": publicList,
        "prompts/list": publicList,
        "resources/list": publicList,
        "resources/templates/list": publicList,
        "server/discover": publicList,
      },
      ...(offer.instructions === undefined ? {} : { instructions: offer.instructions }),
    },
  );
  server.server.setRequestHandler("tools/list", () => ({ tools: [...offer.tools.values()].map((tool) => tool.listing) }));
  for (const name of reach.toolNames) {
    const tool = offer.tools.get(name);
    if (tool !== undefined) registerTool(server, name, tool, gate);
  }
  if (reach.resources) for (const view of offer.views.values()) registerView(server, view);
  return server;
}

function registerTool(server: McpServer, name: string, tool: Tool, gate: CallGate): void {
  const { title, description, annotations, _meta } = tool.listing;
  const config = {
    title,
    description,
    inputSchema: tool.inputSchema,
    ...(tool.outputSchema === undefined ? {} : { outputSchema: tool.outputSchema }),
    ...(annotations === undefined ? {} : { annotations }),
    _meta,
  };
  // The SDK takes the envelope of 2026-07-28 out of `_meta`; a tool is told the same whichever way its call came.
  registerAppTool(server, name, config, async (args, { mcpReq }) => {
    const meta = mcpReq.envelope === undefined ? mcpReq._meta : { ...mcpReq._meta, ...mcpReq.envelope };
    const continuation = { state: mcpReq.requestState(), answers: mcpReq.inputResponses };
    const result = await gate.call(tool, args, meta, () => mcpReq.signal, continuation);
    if (result.input === undefined) return toCallToolResult(result);
    if (result.input.era === "legacy") {
      const { data, message } = toElicitationError(result.input);
      throw new UrlElicitationRequiredError(data.elicitations, message);
    }
    return toInputRequired(result.input);
  });
}

function registerView(server: McpServer, view: View): void {
  const config = {
    title: view.title,
    ...(view.description === undefined ? {} : { description: view.description }),
    cacheHint: { ttlMs: viewTtlMs, cacheScope: "public" } as const,
    _meta: { ui: view.meta },
  };
  registerAppResource(server, view.name, view.uri, config, () => ({
    contents: [{ uri: view.uri, mimeType: RESOURCE_MIME_TYPE, text: view.html, _meta: { ui: view.meta } }],
  }));
}

function toCallToolResult(result: ToolResult): CallToolResult {
  return {
    content: [...result.content],
    ...(result.structuredContent === undefined ? {} : { structuredContent: { ...result.structuredContent } }),
    ...(result.isError ? { isError: true } : {}),
    ...(result._meta === undefined ? {} : { _meta: { ...result._meta } }),
  };
}
