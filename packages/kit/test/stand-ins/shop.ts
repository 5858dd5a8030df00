import { z } from "zod";
import { answer } from "../../src/answer.ts";
import { type App, type AppOptions, createApp } from "../../src/app.ts";
import { anonymous, either, oauth2 } from "../../src/auth.ts";
import type { ToolContext } from "../../src/context.ts";
import type { AppEvent } from "../../src/report.ts";
import type { TestClock } from "./clock.ts";
import type { TestIssuer } from "./issuer.ts";

/** A small app with a tool of each kind, and what happened in it. */
export interface TestShop {
  readonly app: App;
  /** Names of the tools whose handler ran, in order. */
  readonly ran: string[];
  readonly contexts: ToolContext[];
  readonly events: AppEvent[];
}

export const endpoint = "https://store.test/mcp";

export function createTestShop(issuer: TestIssuer, clock: TestClock, options: Partial<AppOptions> = {}): TestShop {
  const ran: string[] = [];
  const contexts: ToolContext[] = [];
  const events: AppEvent[] = [];
  const app = createApp({
    name: "store",
    version: "1.0.0",
    resource: endpoint,
    issuer: issuer.issuer,
    clock: clock.now,
    fetch: issuer.fetch,
    report: (event) => events.push(event),
    ...options,
  });
  const note = (name: string, ctx: ToolContext) => {
    ran.push(name);
    contexts.push(ctx);
    return answer({ tool: name, subject: ctx.subject ?? null }, `ran ${name}`);
  };
  const input = z.object({ query: z.string().max(20).optional() });
  app.ui("shop", { html: "<!doctype html><title>Shop</title>" });
  app.tool("browse", { description: "either", input, auth: either(), ui: "shop" }, (_args, ctx) => note("browse", ctx));
  app.tool("news", { description: "anonymous", input, auth: anonymous() }, (_args, ctx) => note("news", ctx));
  app.tool("orders", { description: "oauth2", input, auth: oauth2("orders:read"), ui: "shop" }, (_args, ctx) => note("orders", ctx));
  app.tool("refund", { description: "oauth2, two scopes", input, auth: oauth2("orders:read", "orders:write") }, (_args, ctx) => note("refund", ctx));
  app.tool("whoami", { description: "auth left out", input }, (_args, ctx) => note("whoami", ctx));
  app.tool("broken", { description: "throws", input, auth: either() }, () => {
    throw new Error("password=hunter2");
  });
  app.tool("step", { description: "demands more while running", input, auth: either("profile") }, (_args, ctx) => {
    ran.push("step");
    return ctx.scope.has("payment:pr_1") ? answer({ done: true }) : ctx.challenge(new Set(["payment:pr_1"]), "Please approve.");
  });
  return { app, ran, contexts, events };
}

export type Era = "2026-07-28" | "2025-11-25";
export const eras: readonly Era[] = ["2026-07-28", "2025-11-25"];

/** One JSON-RPC request as a client of that era sends it. */
export function rpcRequest(
  era: Era,
  method: string,
  params: Record<string, unknown> = {},
  headers: Record<string, string | undefined> = {},
): Request {
  const named = params["name"] ?? params["uri"];
  const modern = {
    "mcp-method": method,
    ...(typeof named === "string" ? { "mcp-name": named } : {}),
  };
  const envelope = {
    "io.modelcontextprotocol/protocolVersion": era,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": { name: headers["x-client-name"] ?? "test", version: "1" },
  };
  const given = typeof params["_meta"] === "object" ? params["_meta"] : {};
  const body = { jsonrpc: "2.0", id: 7, method, params: era === "2026-07-28" ? { ...params, _meta: { ...envelope, ...given } } : params };
  const all = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "mcp-protocol-version": era,
    ...(era === "2026-07-28" ? modern : {}),
    ...headers,
  };
  const defined = Object.entries(all).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]));
  return new Request(endpoint, { method: "POST", headers: defined, body: JSON.stringify(body) });
}

/** Calls a tool and gives the response. */
export function callTool(
  app: Pick<App, "fetch">,
  era: Era,
  name: string,
  token?: string,
  headers: Record<string, string | undefined> = {},
): Promise<Response> {
  const authorization = token === undefined ? undefined : `Bearer ${token}`;
  return app.fetch(rpcRequest(era, "tools/call", { name, arguments: {} }, { authorization, ...headers }));
}

/** The JSON-RPC message in a response, whether it came as JSON or as a stream of one event. */
export async function readRpc(
  response: Response,
): Promise<{ readonly result?: Record<string, unknown>; readonly error?: { readonly code: number }; readonly id?: unknown }> {
  const text = await response.text();
  const data = text.startsWith("{")
    ? text
    : text
        .split("\n")
        .find((line) => line.startsWith("data: {"))
        ?.slice(6);
  const message: unknown = JSON.parse(data ?? "null");
  if (typeof message !== "object" || message === null) throw new TypeError(`no message in ${text}`);
  return message;
}
