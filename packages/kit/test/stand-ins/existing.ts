import { McpServer as McpServerV1, ResourceTemplate as ResourceTemplateV1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { isInitializeRequest } from "@modelcontextprotocol/sdk/types.js";
import { McpServer, ResourceTemplate } from "@modelcontextprotocol/server";
import { z } from "zod";
import { answer } from "../../src/answer.ts";
import { anonymous, either, oauth2 } from "../../src/auth.ts";
import type { ToolContext } from "../../src/context.ts";
import {
  currentCall,
  type ExistingServer,
  handled,
  protect,
  type ProtectedServer,
  type ProtectPolicy,
  type SdkToolResult,
} from "../../src/protect.ts";
import type { RuleTables } from "../../src/policy/rules.ts";
import type { AppEvent } from "../../src/report.ts";
import type { TestClock } from "./clock.ts";
import type { TestIssuer } from "./issuer.ts";
import { endpoint } from "./shop.ts";

/** A server that knows nothing of the kit but its two functions for handlers, and what happened in it. */
export interface ExistingShop {
  readonly app: ProtectedServer;
  readonly ran: string[];
  readonly contexts: ToolContext[];
  readonly events: AppEvent[];
  /** Lets the tool `slow` go on after it said that it is at work. */
  readonly proceed: PromiseWithResolvers<void>;
  /** Headers of the requests that reached the server itself, and what it was told about the caller. */
  readonly reached: { readonly authorization: string | null; readonly proof: string | null; readonly authInfo: unknown }[];
}

export type Make = "the SDK's factory" | "SDK v1, stateless" | "SDK v1 with sessions";

const input = z.object({ query: z.string().max(20).optional() });
const views = ["ui://store/shop.html", "ui://store/private.html", "secret://store"];
const templates = ["orders://{id}", "secret://{id}"];
const prompts = ["greet", "summary", "unnamed"];
const names = ["browse", "news", "orders", "refund", "broken", "unnamed"];

const policyTables: RuleTables = {
  tools: {
    browse: either(),
    news: anonymous(),
    orders: oauth2("orders:read"),
    refund: oauth2("orders:read", "orders:write"),
    broken: either(),
    step: either("profile"),
    slow: either(),
  },
  resources: { "ui://store/shop.html": either(), "ui://store/private.html": oauth2("orders:read"), "orders://*": oauth2("orders:read") },
  prompts: { greet: anonymous(), summary: oauth2("orders:read") },
};

export function createExistingShop(make: Make, issuer: TestIssuer, clock: TestClock, options: Partial<ProtectPolicy> = {}): ExistingShop {
  const shop: Omit<ExistingShop, "app"> = { ran: [], contexts: [], events: [], reached: [], proceed: Promise.withResolvers() };
  const app = protect(serverOf(make, shop), {
    name: "store",
    resource: endpoint,
    issuer: issuer.issuer,
    ...policyTables,
    clock: clock.now,
    fetch: issuer.fetch,
    report: (event) => shop.events.push(event),
    ...options,
  });
  return { ...shop, app };
}

type Notes = Pick<ExistingShop, "ran" | "contexts" | "reached" | "proceed">;

function serverOf(make: Make, shop: Notes): ExistingServer {
  if (make === "the SDK's factory") {
    return ({ authInfo, requestInfo }) => {
      const headers = requestInfo?.headers;
      shop.reached.push({ authorization: headers?.get("authorization") ?? null, proof: headers?.get("dpop") ?? null, authInfo });
      const server = new McpServer({ name: "store", version: "1.0.0" }, { capabilities: { resources: { subscribe: true } } });
      registerV2(server, shop);
      for (const uri of templates) server.registerResource(uri, new ResourceTemplate(uri, { list: undefined }), {}, ({ href }) => text(href, shop));
      return server;
    };
  }
  const fetch = make === "SDK v1, stateless" ? statelessV1(shop) : sessionfulV1(shop);
  return {
    fetch: (request, given) => {
      const { headers } = request;
      shop.reached.push({ authorization: headers.get("authorization"), proof: headers.get("dpop"), authInfo: given?.authInfo });
      return fetch(request, given);
    },
  };
}

type InnerFetch = Extract<ExistingServer, { fetch: unknown }>["fetch"];

function statelessV1(shop: Notes): InnerFetch {
  return async (request, given) => {
    const server = new McpServerV1({ name: "store", version: "1.0.0" });
    registerV1(server, shop);
    const transport = new WebStandardStreamableHTTPServerTransport();
    await server.connect(transport);
    return await transport.handleRequest(request, given);
  };
}

function sessionfulV1(shop: Notes): InnerFetch {
  const transports = new Map<string, WebStandardStreamableHTTPServerTransport>();
  return async (request, given) => {
    const held = transports.get(request.headers.get("mcp-session-id") ?? "");
    if (held !== undefined) return await held.handleRequest(request, given);
    if (!isInitializeRequest(given?.parsedBody))
      return Response.json({ jsonrpc: "2.0", id: null, error: { code: -32000, message: "?" } }, { status: 400 });
    const server = new McpServerV1({ name: "store", version: "1.0.0" });
    registerV1(server, shop);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => void transports.set(id, transport),
    });
    await server.connect(transport);
    return await transport.handleRequest(request, given);
  };
}

type Tool = (args: { readonly query?: string | undefined }) => Promise<SdkToolResult>;

/** The server's tools. `slow` says something before it asks for more; it uses the SDK's own way to do so. */
function toolsOf(shop: Notes): Readonly<Record<string, Tool>> {
  const note = (name: string): Tool =>
    handled(() => {
      shop.ran.push(name);
      shop.contexts.push(currentCall());
      if (name === "broken") throw new Error("password=hunter2");
      return answer({ tool: name, subject: currentCall().subject ?? null }, `ran ${name}`);
    });
  return { ...Object.fromEntries(names.map((name) => [name, note(name)])), step: demanding(shop) };
}

function demanding(shop: Notes): Tool {
  return handled((_args, ctx) => {
    shop.ran.push("step");
    return ctx.scope.has("payment:pr_1") ? answer({ done: true }) : ctx.challenge(new Set(["payment:pr_1"]), "Please approve.");
  });
}

function registerV2(server: McpServer, shop: Notes): void {
  for (const [name, run] of Object.entries(toolsOf(shop))) {
    server.registerTool(name, { description: name, inputSchema: input, _meta: { securitySchemes: "nonsense", kept: name } }, run);
  }
  server.registerTool("slow", { description: "slow", inputSchema: input }, async (args, { mcpReq }) => {
    await mcpReq.notify({ method: "notifications/progress", params: { progressToken: mcpReq._meta?.progressToken ?? 1, progress: 1 } });
    await shop.proceed.promise;
    return await demanding(shop)(args);
  });
  for (const uri of views) server.registerResource(uri, uri, {}, () => text(uri, shop));
  for (const name of prompts) server.registerPrompt(name, {}, () => prompt(name, shop));
}

function registerV1(server: McpServerV1, shop: Notes): void {
  const inputSchema = input.shape;
  for (const [name, run] of Object.entries(toolsOf(shop))) {
    server.registerTool(name, { description: name, inputSchema, _meta: { securitySchemes: "nonsense", kept: name } }, run);
  }
  server.registerTool("slow", { description: "slow", inputSchema }, async (args, extra) => {
    await extra.sendNotification({ method: "notifications/progress", params: { progressToken: extra._meta?.progressToken ?? 1, progress: 1 } });
    await shop.proceed.promise;
    return await demanding(shop)(args);
  });
  for (const uri of views) server.registerResource(uri, uri, {}, () => text(uri, shop));
  for (const uri of templates) server.registerResource(uri, new ResourceTemplateV1(uri, { list: undefined }), {}, ({ href }) => text(href, shop));
  for (const name of prompts) server.registerPrompt(name, {}, () => prompt(name, shop));
}

function text(uri: string, shop: Notes): { contents: { uri: string; text: string }[] } {
  shop.ran.push(uri);
  return { contents: [{ uri, text: "text" }] };
}

function prompt(name: string, shop: Notes): { messages: { role: "user"; content: { type: "text"; text: string } }[] } {
  shop.ran.push(name);
  return { messages: [{ role: "user", content: { type: "text", text: name } }] };
}
