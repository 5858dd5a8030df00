import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { defaultProfile } from "@countersign/protocol/host-profile";
import { hostClients } from "@countersign/protocol/host-profile-client";
import type { HostProfile } from "@countersign/protocol/ladder";
import { limitsUnder } from "@countersign/protocol/profile-call";
import { type Progress, readProgress } from "@countersign/protocol/progress";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Secret } from "@countersign/protocol/secret";
import type { JsonObject } from "@countersign/protocol/shape";
import { showResponse } from "@countersign/protocol/trace-message";
import type { WireMessage } from "@countersign/protocol/trace-step";
import { type Client, ProtocolError } from "@modelcontextprotocol/client";
import { z } from "zod";
import type { Reach } from "@countersign/service/dial/address";
import type { ConnectionAccess } from "./connection-access.ts";
import { asThisExchange, Exchange, type ServerListener, type ServerMessage } from "./exchange.ts";
import { Link } from "./link.ts";
import { judgeFailure, judgeResult, refusalOf, type CallOutcome } from "./outcome.ts";
import { Patience } from "./patience.ts";
import { CallListener, type Ask } from "./server-requests.ts";
import { withoutSecret } from "./without-secret.ts";
import { readToolDefinition, type ToolDefinition } from "./tool-definition.ts";

export interface ToolRequest {
  readonly tool: ToolDefinition;
  readonly arguments: JsonObject;
  readonly bearer?: Secret;
  readonly idempotencyKey: string;
  /** Hints in `_meta`, beside the key. */
  readonly meta?: JsonObject;
  readonly signal: AbortSignal;
  /** Answers and state of earlier rounds (MCP 2026-07-28, multi round-trip requests). */
  readonly continuation?: { readonly inputResponses?: JsonObject; readonly requestState?: string };
  /** Puts to the user what the server asks while it runs the call. */
  readonly ask?: Ask;
  /** Told once what went over the wire for it, as it may be shown. */
  readonly onMessages?: (messages: readonly WireMessage[]) => void;
  /** Told how far the server says that it is, as often as it does; absent, the server is not asked to say it. */
  readonly onProgress?: (progress: Progress) => void;
  /** Who hears instead what the server says of its own meanwhile. */
  readonly listener?: ServerListener;
}

export interface ConnectionOptions {
  readonly url: URL;
  /** Absent, everything is asked for without a token. */
  readonly access?: ConnectionAccess;
  readonly reach: Reach;
  /** The host that the server meets; unset, this one as it is. */
  readonly profile?: HostProfile;
  readonly requestTimeoutMs: number;
  readonly resultBytesMax: number;
  readonly clock: () => EpochMs;
}

/** A call may stay open while its user reads, fills in a form or visits a page: as long as any call lives. */
const openCallMsMax = 20 * 60 * 1000;
const toolsMax = 1000;
const pagesMax = 50;
/** One for a token that was sent to a server that now wants one, one for a token that it refused. */
const renewalsMax = 2;

// Loose on purpose: the SDK has judged the result against the protocol's schema, but its own types drop members such as `securitySchemes`.
const looseResult = z.record(z.string(), z.unknown());
const toolsPage = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().max(4096).optional() });

/** One user's connection to one MCP server, of any protocol era. Connects when first used, and again after the server forgot the session. */
export class McpConnection {
  readonly #options: ConnectionOptions;
  readonly #profile: HostProfile;
  readonly #requestMs: number;
  readonly #link: Link;
  #tools: { readonly at: EpochMs; readonly list: Promise<Result<ReadonlyMap<string, ToolDefinition>, Refusal>> } | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { url, reach, resultBytesMax: responseBytesMax, profile = defaultProfile } = options;
    this.#profile = profile;
    this.#requestMs = limitsUnder(profile, { requestMs: options.requestTimeoutMs, tokenMs: 0 }).requestMs;
    this.#link = new Link(url, { reach, timeoutMs: this.#requestMs, responseBytesMax }, profile);
    this.#link.onNotification(({ method }) => {
      if (method === "notifications/tools/list_changed") this.#tools = undefined;
    });
  }

  /** The server's tools by name, at most `maxAgeMs` old. Refuses when the server cannot be reached or understood. */
  tools(maxAgeMs: number): Promise<Result<ReadonlyMap<string, ToolDefinition>, Refusal>> {
    const now = this.#options.clock();
    if (this.#tools !== undefined && now - this.#tools.at <= maxAgeMs) {
      return this.#tools.list;
    }
    const entry = { at: now, list: this.#listTools() };
    this.#tools = entry;
    entry.list.then(
      (list) => {
        if (!list.ok && this.#tools === entry) {
          this.#tools = undefined;
        }
      },
      () => {},
    );
    return entry.list;
  }

  /** Sends one tool call, with the token, key, answers and state it is given and nothing else. */
  async callTool(request: ToolRequest): Promise<CallOutcome> {
    const patience = new Patience(this.#requestMs, request.signal);
    const own = request.ask === undefined ? undefined : new CallListener(request.ask, patience, this.#profile);
    const listener = request.listener ?? own;
    const exchange = new Exchange({ ...request, timeoutMs: openCallMsMax, ...(listener === undefined ? {} : { listener }) });
    const stream = own === undefined ? undefined : this.#link.holdStream(request.bearer);
    try {
      const answer = this.#link.run(exchange, async (client) => {
        await stream?.opened();
        return sendToolCall(client, request, patience.signal);
      });
      // The SDK would wait for its timeout when a stream ends without the answer.
      const silence = exchange.abandoned.then((): CallOutcome => {
        patience.end();
        request.onMessages?.(exchange.messages);
        return { kind: "lost", sent: true, detail: "the answer's stream ended without an answer" };
      });
      const judged = answer.then((result) => {
        request.onMessages?.(withAnswer(exchange, { result }));
        return judgeResult(result);
      });
      return await Promise.race([judged, silence]);
    } catch (error) {
      request.onMessages?.(error instanceof ProtocolError ? withAnswer(exchange, { error }) : exchange.messages);
      return own?.refused === undefined ? judgeFailure(error, exchange) : { kind: "failed", refusal: own.refused };
    } finally {
      patience.done();
      exchange.end();
      stream?.release();
    }
  }

  /** Reads one resource: the contents as the server sent them. */
  readResource(uri: string): Promise<Result<JsonObject, Refusal>> {
    return this.#ask("resources/read", { uri });
  }

  /** One page of the server's resources, as the server sent it. */
  listResources(cursor: string | undefined): Promise<Result<JsonObject, Refusal>> {
    return this.#ask("resources/list", cursor === undefined ? {} : { cursor });
  }

  /**
   * Hears every notification of this connection until the returned function is called, and keeps a session's standing GET stream open for as long: in the session eras
   * `notifications/elicitation/complete` may come nowhere else. Over 2026-07-28, and from a server without that stream, nothing comes.
   */
  follow(hear: (notification: ServerMessage) => void, bearer?: Secret): () => void {
    return this.#link.follow(hear, bearer);
  }

  /** Begins anew with the next request: another token may get another session and other tools. What runs still ends where it began. */
  reset(): void {
    this.#tools = undefined;
    this.#link.reset();
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  async #ask(method: string, params: JsonObject): Promise<Result<JsonObject, Refusal>> {
    const asked = await this.#withAccess("read", (exchange) =>
      this.#link.run(exchange, (client) => client.request({ method, params: { ...params } }, looseResult, { timeout: this.#requestMs })),
    );
    return asked.ok ? ok(asked.value.answer) : asked;
  }

  async #listTools(): Promise<Result<ReadonlyMap<string, ToolDefinition>, Refusal>> {
    const listed = await this.#withAccess("list", (exchange) => this.#collectTools(exchange));
    const { access } = this.#options;
    if (!listed.ok) {
      await access?.listed({ ok: false, refusal: listed.error });
      return listed;
    }
    await access?.listed({ ok: true, anonymous: listed.value.anonymous, protocol: this.#link.protocol });
    const tools = listed.value.answer.map(readToolDefinition).filter((tool) => tool !== undefined);
    return ok(new Map(tools.map((tool) => [tool.name, tool])));
  }

  async #collectTools(exchange: Exchange): Promise<readonly unknown[]> {
    const tools: unknown[] = [];
    let cursor: string | undefined;
    const pages = hostClients[this.#profile].toolPages.value === "first" ? 1 : pagesMax;
    for (let page = 0; page < pages && tools.length < toolsMax; page += 1) {
      const params = cursor === undefined ? {} : { cursor };
      const answer = await this.#link.run(exchange, (client) =>
        client.request({ method: "tools/list", params }, toolsPage, { timeout: this.#requestMs }),
      );
      tools.push(...answer.tools.slice(0, toolsMax - tools.length));
      cursor = answer.nextCursor;
      if (cursor === undefined) break;
    }
    return tools;
  }

  /** Asks with the token that the user's access gives, and once or twice more when the server refuses it and a better one can be had. */
  async #withAccess<T extends JsonObject | readonly unknown[]>(
    purpose: "list" | "read",
    work: (exchange: Exchange) => Promise<T>,
  ): Promise<Result<{ readonly answer: T; readonly anonymous: boolean }, Refusal>> {
    const { access } = this.#options;
    const first = (await access?.bearer(purpose)) ?? ok(undefined);
    if (!first.ok) return first;
    let bearer = first.value;
    for (let attempt = 0; ; attempt += 1) {
      const exchange = new Exchange(bearer === undefined ? {} : { bearer });
      try {
        return ok({ answer: withoutSecret(await work(exchange), bearer), anonymous: bearer === undefined });
      } catch (error) {
        const outcome = judgeFailure(error, exchange);
        const challenge = outcome.kind === "challenge" && outcome.challenge.form === "http" ? outcome.challenge : undefined;
        const next = challenge === undefined || attempt === renewalsMax ? undefined : await access?.renewed({ purpose, used: bearer, challenge });
        if (next === undefined) return err(withoutSecret(refusalOf(outcome), bearer));
        bearer = next;
      }
    }
  }
}

/** The messages with what the answer said. It came in a body of its own or as one event of a stream; what is shown of it is the same. */
function withAnswer(
  { messages, bearer }: Exchange,
  answer: { readonly result: unknown } | { readonly error: Pick<ProtocolError, "code" | "message" | "data"> },
): readonly WireMessage[] {
  const body = "error" in answer ? { error: { code: answer.error.code, message: answer.error.message, data: answer.error.data } } : answer;
  const shown = showResponse(0, {
    headers: [],
    kind: "rpc",
    body: { jsonrpc: "2.0", ...body },
    secrets: bearer === undefined ? [] : [bearer.reveal()],
  });
  return messages.map((message) => (message.way === "received" ? { ...message, body: shown.body } : message));
}

function sendToolCall(client: Client, request: ToolRequest, signal: AbortSignal): Promise<unknown> {
  const { name, inputSchema, mirrorsHeaders } = request.tool;
  const params = {
    name,
    arguments: { ...request.arguments },
    _meta: { ...request.meta, "countersign/idempotencyKey": request.idempotencyKey },
    ...request.continuation,
  };
  const options = { timeout: openCallMsMax, signal: asThisExchange(signal), allowInputRequired: true, ...progressOf(request) };
  return mirrorsHeaders
    ? client.callTool(params, { ...options, toolDefinition: { name, inputSchema: { ...inputSchema, type: "object" } } })
    : client.request({ method: "tools/call", params }, looseResult, options);
}

/** A server speaks of progress only where it is given a token for that (MCP, progress). */
function progressOf({ onProgress, bearer }: ToolRequest): { readonly onprogress?: (params: unknown) => void } {
  if (onProgress === undefined) return {};
  return {
    onprogress: (params) => {
      const progress = readProgress(withoutSecret(params, bearer));
      if (progress !== undefined) onProgress(progress);
    },
  };
}
