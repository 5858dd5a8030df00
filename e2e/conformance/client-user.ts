import { z } from "zod";

export interface ListedTool {
  readonly name: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

export interface FollowedCall {
  readonly id: string;
  readonly state: string;
  readonly flow?: { readonly id: string; readonly startUrl: string } | undefined;
  /** What the server asks the user. */
  readonly asking?: { readonly round: number; readonly items: readonly unknown[] } | undefined;
  readonly error?: { readonly code: string; readonly message: string } | undefined;
}

const sessionSchema = z.object({ user: z.object({ id: z.string() }) });
const refusalSchema = z.object({ code: z.string(), error_description: z.string() });
const toolsSchema = z.object({ tools: z.array(z.object({ name: z.string(), inputSchema: z.record(z.string(), z.unknown()) })) });
const flowSchema = z.object({ id: z.string(), state: z.string(), startUrl: z.string(), error: z.object({ code: z.string() }).optional() });
const callSchema = z.object({
  id: z.string(),
  state: z.string(),
  flow: z.object({ id: z.string(), startUrl: z.string() }).optional(),
  asking: z.object({ round: z.number(), items: z.array(z.unknown()) }).optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});

const redirectsMax = 10;
const signInsMax = 2;

/** The host said no. */
class Refused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** A user of the console: asks the host's HTTP API, and visits the sign-in pages as the popup would, agreeing to whatever redirects at once. */
export class ClientUser {
  readonly #console: string;
  readonly #signal: AbortSignal;
  readonly #cookies = new Map<string, string>();

  /** `console` is the console's origin; everything ends when `signal` aborts. */
  constructor(console: string, signal: AbortSignal) {
    this.#console = console;
    this.#signal = signal;
  }

  /** Opens the console, which begins the user's session. */
  async open(): Promise<void> {
    await this.#ask("/api/session", sessionSchema);
  }

  /** Lists a server's tools, signing in to the server first if it tells its tools to nobody else. */
  async listTools(connectorId: string): Promise<readonly ListedTool[]> {
    for (let signIns = 0; ; signIns += 1) {
      try {
        return (await this.#ask(`/api/connectors/${connectorId}/tools`, toolsSchema)).tools;
      } catch (error) {
        if (!(error instanceof Refused) || error.code !== "authorization_required" || signIns >= signInsMax) throw error;
        await this.#signIn(connectorId);
      }
    }
  }

  /** Calls a tool and follows the call to its end, signing in wherever the call waits for that, and sending forms as they are: with their defaults. */
  async callTool(connectorId: string, tool: string, args: Readonly<Record<string, unknown>>): Promise<FollowedCall> {
    const visited = new Set<string>();
    let answered = 0;
    let call: FollowedCall = await this.#ask("/api/calls", callSchema, { connectorId, tool, arguments: args, origin: "user" });
    while (call.state !== "completed" && call.state !== "failed" && call.state !== "refused") {
      if (call.state === "authorizing" && call.flow !== undefined && !visited.has(call.flow.id)) {
        visited.add(call.flow.id);
        await this.#visit(call.flow.startUrl);
      }
      const { asking } = call;
      if (asking !== undefined && asking.round > answered) {
        answered = asking.round;
        await this.#ask(`/api/calls/${call.id}/answers`, callSchema, {
          round: asking.round,
          answers: asking.items.map(() => ({ action: "accept" })),
        });
      }
      call = await this.#ask(`/api/calls/${call.id}?wait=1`, callSchema);
    }
    return call;
  }

  async #signIn(connectorId: string): Promise<void> {
    const flow = await this.#ask(`/api/connectors/${connectorId}/sign-in`, flowSchema, {});
    await this.#visit(flow.startUrl);
    const { state, error } = await this.#ask(`/api/flows/${flow.id}`, flowSchema);
    if (state !== "granted") throw new Error(`the sign-in is ${state}: ${error?.code ?? "no reason given"}`);
  }

  /** Throws {@link Refused} with the host's own words. */
  async #ask<T>(path: string, schema: z.ZodType<T>, body?: unknown): Promise<T> {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    const response = await this.#fetch(new URL(path, this.#console), init);
    const answer: unknown = await response.json();
    if (response.ok) return schema.parse(answer);
    const refusal = refusalSchema.parse(answer);
    throw new Refused(refusal.code, `${path} was refused: ${refusal.code} (${refusal.error_description})`);
  }

  async #visit(path: string): Promise<void> {
    let url = new URL(path, this.#console);
    for (let hop = 0; hop <= redirectsMax; hop += 1) {
      const response = await this.#fetch(url);
      await response.body?.cancel();
      const location = response.headers.get("location");
      if (location === null) return;
      url = new URL(location, url);
    }
    throw new Error("the sign-in redirects without end");
  }

  async #fetch(
    url: URL,
    init: { readonly method?: string; readonly body?: string; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Response> {
    const own = url.origin === this.#console;
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...init.headers, ...(own && cookie !== "" ? { cookie } : {}), ...(init.method === "POST" ? { origin: this.#console } : {}) };
    const response = await fetch(url, { ...init, headers, redirect: "manual", signal: this.#signal });
    for (const line of own ? response.headers.getSetCookie() : []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) this.#cookies.set(name, value);
    }
    return response;
  }
}
