import { randomBytes } from "node:crypto";
import { createLogger } from "@countersign/service/log";
import { serve } from "@countersign/service/serve";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { listen, portOf } from "./listen.ts";

/** What a search must find where it looks, if the search is any good: it is in the server's address, its tool's name and its answers. */
export const publicMark = "canary_public_mark";

/** How the server answers the next call of its tool. All but `plain` repeat the token that they were sent, wherever an answer has room for it. */
export type CanaryAnswer = "plain" | "echo" | "tool error" | "status 500" | "cut off" | "malformed" | "rpc error" | "challenge" | "expired";

/** How the next token request is answered: `refuse` and `fail` repeat code, verifier and client secret in their texts. */
export type CanaryGrant = "grant" | "refuse" | "fail";

export interface SeenHead {
  readonly url: string;
  readonly referer: string;
}

/** A server and its authorization server in one, all of whose secrets are known to the test, and which repeats them wherever it can. */
export interface CanaryServer {
  readonly resource: string;
  readonly issuer: string;
  readonly clientSecret: string;
  answer: CanaryAnswer;
  grant: CanaryGrant;
  /** Every secret that was given out or received so far, by what it is. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Address and Referer of each request that arrived. */
  readonly heads: readonly SeenHead[];
  stop(): Promise<void>;
}

const view = `<!doctype html><html lang="en"><head><title>Canary</title></head><body><pre id="seen">nothing</pre><script>
window.addEventListener("openai:set_globals", show); show();
function show() { if (window.openai && window.openai.toolOutput) document.getElementById("seen").textContent = JSON.stringify(window.openai.toolOutput); }
</script></body></html>`;

export async function startCanaryServer(): Promise<CanaryServer> {
  const server = await listen();
  const origin = `http://127.0.0.1:${portOf(server)}`;
  const canary = new Canary(origin);
  const served = await serve({ handler: (request) => canary.fetch(request), listen: server, logger: createLogger("canary", { level: "silent" }) });
  canary.stop = () => served.stop();
  return canary;
}

interface CanaryResult {
  [extra: string]: unknown;
  isError: boolean;
  content: { type: "text"; text: string }[];
  structuredContent: Record<string, unknown>;
  _meta: Record<string, unknown>;
}

class Canary implements CanaryServer {
  readonly issuer: string;
  readonly resource: string;
  readonly clientSecret = newSecret("client-secret");
  answer: CanaryAnswer = "plain";
  grant: CanaryGrant = "grant";
  readonly secrets = new Map<string, string>();
  readonly heads: SeenHead[] = [];
  stop: () => Promise<void> = () => Promise.resolve();
  readonly #handler = createMcpHandler(() => this.#build());
  #token = "";
  #next: CanaryResult = { isError: false, content: [], structuredContent: {}, _meta: {} };

  constructor(origin: string) {
    this.issuer = origin;
    this.resource = `${origin}/${publicMark}/mcp`;
    this.secrets.set("client secret", this.clientSecret);
  }

  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    this.heads.push({ url: `${url.pathname}${url.search}`, referer: request.headers.get("referer") ?? "" });
    if (url.pathname.startsWith("/.well-known/oauth-protected-resource")) {
      return Response.json({ resource: this.resource, authorization_servers: [this.issuer], scopes_supported: ["canary:use"] });
    }
    if (url.pathname === "/.well-known/oauth-authorization-server") return Response.json(this.#metadata());
    if (url.pathname === "/authorize") return this.#authorize(url.searchParams);
    if (url.pathname === "/token") return this.#tokens(request);
    if (url.pathname === "/revoke") return new Response(null, { status: 200 });
    return url.pathname === new URL(this.resource).pathname ? this.#mcp(request) : new Response(null, { status: 404 });
  }

  #metadata(): Record<string, unknown> {
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize`,
      token_endpoint: `${this.issuer}/token`,
      revocation_endpoint: `${this.issuer}/revoke`,
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
      token_endpoint_auth_methods_supported: ["client_secret_post"],
      authorization_response_iss_parameter_supported: true,
    };
  }

  #authorize(query: URLSearchParams): Response {
    const target = new URL(query.get("redirect_uri") ?? "");
    target.searchParams.set("iss", this.issuer);
    target.searchParams.set("state", this.#note("state", query.get("state") ?? ""));
    target.searchParams.set("code", this.#note("code", newSecret("code")));
    return new Response(null, { status: 303, headers: { location: target.href } });
  }

  async #tokens(request: Request): Promise<Response> {
    const form = new URLSearchParams(await request.text());
    if (form.has("code_verifier")) this.#note("verifier", form.get("code_verifier") ?? "");
    const repeated = [...form.values()].join(" ");
    if (this.grant === "fail") return new Response(`<pre>stack trace: ${repeated}</pre>`, { status: 500, headers: { "x-debug": "yes" } });
    if (this.grant === "refuse") {
      return Response.json({ error: "invalid_request", error_description: repeated, error_uri: `${this.issuer}/?${repeated}` }, { status: 400 });
    }
    this.#token = this.#note("access token", newSecret("access"));
    const refresh = this.#note("refresh token", newSecret("refresh"));
    return Response.json({ access_token: this.#token, token_type: "Bearer", expires_in: 300, refresh_token: refresh, scope: "canary:use" });
  }

  async #mcp(request: Request): Promise<Response> {
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const body: unknown = await request.clone().json();
    const rpc = z.looseObject({ id: z.unknown().optional(), method: z.string() }).parse(body);
    if (rpc.method !== "tools/call") return this.#handler.fetch(request, { parsedBody: body });
    const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
    if (token === "" || token !== this.#token) return this.#challenge("invalid_token", "");
    const how = this.answer;
    if (how !== "echo") this.answer = "plain";
    switch (how) {
      case "plain":
      case "echo":
      case "tool error":
        this.#next = this.#result(how, how === "plain" ? "" : token);
        return this.#handler.fetch(request, { parsedBody: body });
      case "status 500":
        return new Response(`Internal error with ${token} and ${JSON.stringify(body)}`, { status: 500 });
      case "cut off":
        return new Response(cutAfter(`{"jsonrpc":"2.0","result":{"content":[{"type":"text","text":"${token}`), {
          headers: { "content-type": "application/json" },
        });
      case "malformed":
        return new Response(`{"token":"${token}",,}`, { headers: { "content-type": "application/json" } });
      case "rpc error":
        return Response.json({ jsonrpc: "2.0", id: rpc.id, error: { code: -32000, message: `no: ${token}`, data: { token } } });
      case "challenge":
        return this.#challenge("insufficient_scope", token);
      case "expired":
        this.#token = "";
        return this.#challenge("invalid_token", token);
    }
  }

  #result(how: CanaryAnswer, token: string): CanaryResult {
    const said = token === "" ? publicMark : `${publicMark} ${token}`;
    return {
      isError: how === "tool error",
      content: [{ type: "text", text: said }],
      structuredContent: { said },
      _meta: { said, nested: [{ said }] },
    };
  }

  #challenge(error: string, token: string): Response {
    const text = `Bearer resource_metadata="${this.issuer}/.well-known/oauth-protected-resource${new URL(this.resource).pathname}", error="${error}", error_description="no ${token}", scope="canary:use"`;
    return new Response(`no ${token}`, { status: error === "invalid_token" ? 401 : 403, headers: { "www-authenticate": text } });
  }

  #build(): McpServer {
    const server = new McpServer({ name: "canary", version: "1.0.0" });
    const _meta = {
      ui: { resourceUri: "ui://canary/view.html", visibility: ["model", "app"] },
      "openai/outputTemplate": "ui://canary/view.html",
      securitySchemes: [{ type: "oauth2", scopes: ["canary:use"] }],
    };
    const inputSchema = z.object({ secret: z.string() });
    server.registerTool(publicMark, { title: publicMark, description: "Repeats what it can", inputSchema, _meta }, () => this.#next);
    server.registerResource("view", "ui://canary/view.html", { mimeType: "text/html+skybridge" }, () => ({
      contents: [{ uri: "ui://canary/view.html", mimeType: "text/html+skybridge", text: view }],
    }));
    return server;
  }

  /** Secrets of one kind are many in the course of a test; each is kept. */
  #note(kind: string, secret: string): string {
    this.secrets.set(`${kind} ${this.secrets.size}`, secret);
    return secret;
  }
}

function newSecret(kind: string): string {
  return `canary-${kind}-${randomBytes(12).toString("hex")}`;
}

/** A body that begins well and then breaks off with its connection. */
function cutAfter(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull: (controller) => {
      controller.enqueue(new TextEncoder().encode(text));
      controller.error(new Error("cut off"));
    },
  });
}
