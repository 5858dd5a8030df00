import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { listen } from "./http-server.ts";

/** One execution of a tool: what really happened on the server's side. */
export interface Execution {
  readonly tool: string;
  readonly arguments: Record<string, unknown>;
  readonly token: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly headerKey: string | undefined;
  /** The request's `_meta`. */
  readonly meta: Record<string, unknown>;
}

export interface StandInTool {
  /** Scopes that the server enforces, whatever the declaration says. */
  demands?: readonly string[];
  /** The declaration; absent: derived from `demands`. `null`: declares nothing. */
  schemes?: unknown;
  visibility?: readonly string[];
  annotations?: { readOnlyHint?: boolean; idempotentHint?: boolean };
  description?: string;
  /** The arguments that the tool names, of any type; absent: it names none and takes any. */
  input?: readonly string[];
  /** Further members of the definition's `_meta`. */
  meta?: Record<string, unknown>;
  /** Demands a further scope at run time, as a payment does. */
  runtimeScope?: (args: Record<string, unknown>) => string | undefined;
  form?: "http" | "result";
  /** `tell` sends the parameters of a progress notification, where the client asked for them. */
  run?: (
    execution: Execution,
    tell: (progress: Record<string, unknown>) => Promise<void>,
  ) => Promise<Record<string, unknown>> | Record<string, unknown>;
}

interface Caller {
  readonly token: string | undefined;
  readonly scope: ReadonlySet<string>;
}

export interface McpServerOptions {
  readonly issuers: readonly string[];
  /** The live scopes of a token, undefined for a bad one. */
  readonly judgeToken: (token: string) => ReadonlySet<string> | undefined;
  readonly tools: Record<string, StandInTool>;
}

export const widgetUri = "ui://shop/view.html";

/** An MCP server on the official SDK with mixed authorization in front, every execution written down, and hooks to misbehave. */
export class StandInMcpServer {
  readonly origin: string;
  readonly close: () => Promise<void>;
  readonly tools: Record<string, StandInTool>;
  readonly executions: Execution[] = [];
  /** Method names of all JSON-RPC requests that arrived. */
  readonly methods: string[] = [];
  /** Authorization headers of all requests that arrived, at whatever path. */
  readonly authorizations: string[] = [];
  prm: Record<string, unknown> = {};
  intercept: ((request: Request, method: string | undefined) => Promise<Response | undefined> | Response | undefined) | undefined;
  widget: { html: string; meta: Record<string, unknown> | undefined; mimeType: string } = {
    html: "<!doctype html><title>shop</title><p>hello</p>",
    meta: { ui: { csp: { resourceDomains: ["https://cdn.example.com"] } } },
    mimeType: "text/html;profile=mcp-app",
  };
  /** What the list of resources declares of the widget. */
  listedMeta: Record<string, unknown> | undefined;
  readonly #options: McpServerOptions;
  readonly #handler = createMcpHandler(() => this.#build());
  #caller: Caller = { token: undefined, scope: new Set() };
  #headers = new Headers();

  private constructor(options: McpServerOptions, origin: string, close: () => Promise<void>) {
    this.#options = options;
    this.tools = options.tools;
    this.origin = origin;
    this.close = async () => {
      await close();
      await this.#handler.close();
    };
  }

  static async start(options: McpServerOptions): Promise<StandInMcpServer> {
    let self: StandInMcpServer | undefined;
    const running = await listen((request) => self?.fetch(request) ?? new Response(null, { status: 503 }));
    self = new StandInMcpServer(options, running.origin, running.close);
    return self;
  }

  get url(): string {
    return `${this.origin}/mcp`;
  }

  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const authorization = request.headers.get("authorization");
    if (authorization !== null) this.authorizations.push(authorization);
    if (pathname.startsWith("/.well-known/oauth-protected-resource")) {
      const special = await this.intercept?.(request, "prm");
      return special ?? Response.json({ resource: this.url, authorization_servers: this.#options.issuers, ...this.prm });
    }
    if (pathname !== "/mcp" || request.method !== "POST") return new Response(null, { status: 405 });
    const body: unknown = await request.clone().json();
    const rpc = z
      .object({
        method: z.string(),
        params: z
          .object({ name: z.string(), arguments: z.record(z.string(), z.unknown()) })
          .partial()
          .optional(),
      })
      .parse(body);
    this.methods.push(rpc.method);
    const special = await this.intercept?.(request, rpc.method);
    if (special !== undefined) return special;
    const token = authorization?.replace(/^(Bearer|DPoP) /, "");
    const scope = token === undefined ? new Set<string>() : this.#options.judgeToken(token);
    if (scope === undefined) return this.#challenge(401, "invalid_token", []);
    if (rpc.method === "tools/call") {
      const refusal = this.#judge(rpc.params?.name ?? "", rpc.params?.arguments ?? {}, { token, scope });
      if (refusal !== undefined) return refusal;
    }
    this.#caller = { token, scope };
    this.#headers = request.headers;
    return this.#handler.fetch(request, { parsedBody: body });
  }

  #judge(name: string, args: Record<string, unknown>, caller: Caller): Response | undefined {
    const tool = this.tools[name];
    const demanded = [...(tool?.demands ?? []), ...[tool?.runtimeScope?.(args) ?? []].flat()];
    if (tool === undefined || tool.form === "result" || demanded.every((each) => caller.scope.has(each))) return undefined;
    return caller.token === undefined ? this.#challenge(401, undefined, demanded) : this.#challenge(403, "insufficient_scope", demanded);
  }

  #challenge(status: number, error: string | undefined, scopes: readonly string[]): Response {
    return new Response(null, { status, headers: { "www-authenticate": this.challengeText(error, scopes) } });
  }

  challengeText(error: string | undefined, scopes: readonly string[]): string {
    const parts = [
      `resource_metadata="${this.origin}/.well-known/oauth-protected-resource/mcp"`,
      ...(error === undefined ? [] : [`error="${error}"`, 'error_description="no"']),
      ...(scopes.length === 0 ? [] : [`scope="${scopes.join(" ")}"`]),
    ];
    return `Bearer ${parts.join(", ")}`;
  }

  #build(): McpServer {
    const server = new McpServer({ name: "stand-in", version: "1.0.0" });
    const caller = this.#caller;
    const headers = this.#headers;
    for (const [name, tool] of Object.entries(this.tools)) {
      const declared =
        tool.schemes === undefined ? [tool.demands === undefined ? { type: "noauth" } : { type: "oauth2", scopes: tool.demands }] : tool.schemes;
      const _meta = {
        ui: { resourceUri: widgetUri, visibility: tool.visibility ?? ["model", "app"] },
        ...(declared === null ? {} : { securitySchemes: declared }),
        ...tool.meta,
      };
      const annotations = tool.annotations ?? {};
      const description = tool.description ?? `Does ${name}`;
      server.registerTool(name, { description, inputSchema: inputOf(tool), annotations, _meta }, async (args, context) => {
        const key = z.object({ "countersign/idempotencyKey": z.string() }).safeParse(context.mcpReq._meta);
        const execution: Execution = {
          tool: name,
          arguments: args,
          token: caller.token,
          idempotencyKey: key.data?.["countersign/idempotencyKey"],
          headerKey: headers.get("idempotency-key") ?? undefined,
          meta: { ...context.mcpReq._meta },
        };
        const missing = (tool.demands ?? []).filter((each) => !caller.scope.has(each));
        if (tool.form === "result" && missing.length > 0) {
          return {
            isError: true,
            content: [{ type: "text", text: "sign in" }],
            _meta: { "mcp/www_authenticate": [this.challengeText("insufficient_scope", tool.demands ?? [])] },
          };
        }
        this.executions.push(execution);
        const progressToken = context.mcpReq._meta?.progressToken;
        const tell = async (progress: Record<string, unknown>): Promise<void> => {
          if (progressToken === undefined) return;
          await context.mcpReq.notify({ method: "notifications/progress", params: { progress: 0, ...progress, progressToken } });
        };
        const structuredContent = (await tool.run?.(execution, tell)) ?? { done: name };
        return { content: [{ type: "text", text: JSON.stringify(structuredContent) }], structuredContent };
      });
    }
    const { html, meta, mimeType } = this.widget;
    const listed = this.listedMeta === undefined ? {} : { _meta: this.listedMeta };
    const declared = meta === undefined ? {} : { _meta: meta };
    server.registerResource("view", widgetUri, { mimeType, ...listed }, () => ({
      contents: [{ uri: widgetUri, mimeType, text: html, ...declared }],
    }));
    return server;
  }
}

function inputOf({ input }: StandInTool): z.ZodObject {
  return input === undefined ? z.looseObject({}) : z.object(Object.fromEntries(input.map((name) => [name, z.unknown().optional()])));
}
