import type { EpochMs } from "@countersign/protocol/brand";
import { challengeFromError, challengeFromHttp, challengeFromResult, type Challenge } from "@countersign/protocol/challenge";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Secret } from "@countersign/protocol/secret";
import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { type Client, ProtocolError, SdkError, SdkErrorCode, SdkHttpError } from "@modelcontextprotocol/client";
import { z } from "zod";
import type { Reach } from "../dial/address.ts";
import type { DialBounds, DialError } from "../dial/dial.ts";
import type { ConnectionAccess } from "./connection-access.ts";
import { currentExchange, Exchange, inExchange, type ServerListener, type ServerMessage } from "./exchange.ts";
import { openClient } from "./open-client.ts";
import { StreamGate } from "./stream-gate.ts";
import { withoutSecret } from "./without-secret.ts";
import { readToolDefinition, type ToolDefinition } from "./tool-definition.ts";

/** How one `tools/call` ended on the wire. `sent: false` means that the server certainly did not run it. */
export type CallOutcome =
  | { readonly kind: "result"; readonly result: JsonObject }
  | { readonly kind: "challenge"; readonly challenge: Challenge }
  | { readonly kind: "failed"; readonly refusal: Refusal }
  | { readonly kind: "lost"; readonly sent: boolean; readonly detail: string };

export interface ToolRequest {
  readonly tool: ToolDefinition;
  readonly arguments: JsonObject;
  readonly bearer?: Secret;
  readonly idempotencyKey: string;
  /** Hints in `_meta`, beside the key. */
  readonly meta?: JsonObject;
  readonly signal: AbortSignal;
  /** Who hears what the server says of its own while it runs the call. */
  readonly listener?: ServerListener;
}

export interface ConnectionOptions {
  readonly url: URL;
  /** Absent, everything is asked for without a token. */
  readonly access?: ConnectionAccess;
  readonly reach: Reach;
  readonly requestTimeoutMs: number;
  readonly resultBytesMax: number;
  readonly clock: () => EpochMs;
}

/** A connection in the making or made: by which exchange, and which session the server gave. */
interface Opening {
  readonly client: Promise<Client>;
  readonly by: Exchange;
  session(): string | undefined;
}

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
  readonly #bounds: DialBounds;
  readonly #gate = new StreamGate();
  readonly #listeners = new Set<(notification: ServerMessage) => void>();
  readonly #running = new Map<Client, number>();
  readonly #retired = new Set<Client>();
  #opening: Opening | undefined;
  #protocol: string | undefined;
  #tools: { readonly at: EpochMs; readonly list: Promise<Result<ReadonlyMap<string, ToolDefinition>, Refusal>> } | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#bounds = { reach: options.reach, timeoutMs: options.requestTimeoutMs, responseBytesMax: options.resultBytesMax };
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

  /** Sends one tool call, with the token and key it is given and nothing else. */
  async callTool(request: ToolRequest): Promise<CallOutcome> {
    const exchange = new Exchange(request);
    const params = {
      name: request.tool.name,
      arguments: { ...request.arguments },
      _meta: { ...request.meta, "countersign/idempotencyKey": request.idempotencyKey },
    };
    const options = { timeout: this.#options.requestTimeoutMs, signal: request.signal, allowInputRequired: true };
    try {
      const { name, inputSchema, mirrorsHeaders } = request.tool;
      const answer = this.#exchange(exchange, (client) =>
        mirrorsHeaders
          ? client.callTool(params, { ...options, toolDefinition: { name, inputSchema: { ...inputSchema, type: "object" } } })
          : client.request({ method: "tools/call", params }, looseResult, options),
      );
      // The SDK would wait for its timeout when a stream ends without the answer.
      const silence = exchange.abandoned.then(
        (): CallOutcome => ({ kind: "lost", sent: true, detail: "the answer's stream ended without an answer" }),
      );
      return await Promise.race([answer.then(judgeResult), silence]);
    } catch (error) {
      return judgeFailure(error, exchange);
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
  listen(hear: (notification: ServerMessage) => void, bearer?: Secret): () => void {
    const release = this.#gate.want(bearer);
    this.#listeners.add(hear);
    return () => {
      this.#listeners.delete(hear);
      release();
    };
  }

  /** Begins anew with the next request: another token may get another session and other tools. What runs still ends where it began. */
  reset(): void {
    const { client } = this.#opening ?? {};
    this.#opening = undefined;
    this.#tools = undefined;
    const retire = async (): Promise<void> => {
      const open = await client?.catch(() => undefined);
      if (open === undefined) return;
      this.#retired.add(open);
      await this.#closeIfRetired(open);
    };
    void retire();
  }

  async close(): Promise<void> {
    const { client } = this.#opening ?? {};
    this.#opening = undefined;
    const open = await client?.catch(() => undefined);
    await Promise.allSettled([...this.#retired, ...(open === undefined ? [] : [open])].map((each) => each.close()));
    this.#retired.clear();
  }

  async #ask(method: string, params: JsonObject): Promise<Result<JsonObject, Refusal>> {
    const asked = await this.#withAccess("read", (exchange) =>
      this.#exchange(exchange, (client) =>
        client.request({ method, params: { ...params } }, looseResult, { timeout: this.#options.requestTimeoutMs }),
      ),
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
    await access?.listed({ ok: true, anonymous: listed.value.anonymous, protocol: this.#protocol });
    const tools = listed.value.answer.map(readToolDefinition).filter((tool) => tool !== undefined);
    return ok(new Map(tools.map((tool) => [tool.name, tool])));
  }

  async #collectTools(exchange: Exchange): Promise<readonly unknown[]> {
    const tools: unknown[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < pagesMax && tools.length < toolsMax; page += 1) {
      const params = cursor === undefined ? {} : { cursor };
      const answer = await this.#exchange(exchange, (client) =>
        client.request({ method: "tools/list", params }, toolsPage, { timeout: this.#options.requestTimeoutMs }),
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

  async #exchange<T>(exchange: Exchange, work: (client: Client) => Promise<T>): Promise<T> {
    return inExchange(exchange, async () => {
      const opening = this.#open(exchange);
      const client = await opening.client.catch((error: unknown) => {
        exchange.adopt(opening.by);
        throw error;
      });
      try {
        return await this.#use(client, work);
      } catch (error) {
        // A session that the server has forgotten is answered with 404, and the request has not run.
        const forgotten = error instanceof SdkHttpError && exchange.status === 404 && opening.session() !== undefined;
        if (!forgotten) throw error;
        if (this.#opening === opening) this.reset();
        return this.#use(await this.#open(exchange).client, work);
      }
    });
  }

  /** Whoever comes while another exchange connects shares its end. */
  #open(exchange: Exchange): Opening {
    if (this.#opening !== undefined) return this.#opening;
    let session: string | undefined;
    const client = this.#connect();
    const opening: Opening = { client, by: exchange, session: () => session };
    this.#opening = opening;
    client.then(
      (open) => {
        session = open.transport?.sessionId;
      },
      () => {
        if (this.#opening === opening) this.#opening = undefined;
      },
    );
    return opening;
  }

  async #use<T>(client: Client, work: (client: Client) => Promise<T>): Promise<T> {
    this.#running.set(client, (this.#running.get(client) ?? 0) + 1);
    try {
      return await work(client);
    } finally {
      const others = (this.#running.get(client) ?? 1) - 1;
      if (others > 0) this.#running.set(client, others);
      else this.#running.delete(client);
      await this.#closeIfRetired(client);
    }
  }

  async #closeIfRetired(client: Client): Promise<void> {
    if (!this.#retired.has(client) || this.#running.has(client)) return;
    this.#retired.delete(client);
    await client.close().catch(() => {});
  }

  async #connect(): Promise<Client> {
    const client = await openClient({ url: this.#options.url, bounds: this.#bounds, gate: this.#gate });
    client.fallbackNotificationHandler = async (notification) => this.#hear(readMessage(notification));
    client.fallbackRequestHandler = async (request, context) => answerServer(readMessage(request), context.mcpReq.signal);
    this.#protocol = client.getNegotiatedProtocolVersion();
    return client;
  }

  #hear(notification: ServerMessage): void {
    if (notification.method === "notifications/tools/list_changed") this.#tools = undefined;
    currentExchange()?.listener?.onNotification?.(notification);
    for (const hear of this.#listeners) hear(notification);
  }
}

async function answerServer(request: ServerMessage, signal: AbortSignal): Promise<JsonObject> {
  const answer = await currentExchange()?.listener?.onServerRequest?.(request, signal);
  if (answer === undefined) throw new ProtocolError(-32601, "Method not found");
  return answer;
}

function readMessage(message: { readonly method: string; readonly params?: unknown }): ServerMessage {
  return { method: message.method, params: isJsonObject(message.params) ? message.params : {} };
}

function judgeResult(result: unknown): CallOutcome {
  if (!isJsonObject(result)) {
    return { kind: "failed", refusal: refuse("protocol_error", "the result is not an object") };
  }
  const challenge = challengeFromResult(result);
  if (!challenge.ok) {
    return { kind: "failed", refusal: challenge.error };
  }
  if (challenge.value !== undefined) {
    return { kind: "challenge", challenge: challenge.value };
  }
  if (result["resultType"] === "input_required") {
    return { kind: "failed", refusal: refuse("protocol_error", "the server asks for input of a kind that this host did not offer") };
  }
  return { kind: "result", result };
}

function judgeFailure(error: unknown, exchange: Exchange): CallOutcome {
  if (exchange.status === 401 || exchange.status === 403) {
    const challenge = challengeFromHttp(exchange.status, exchange.wwwAuthenticate);
    if (!challenge.ok) {
      return { kind: "failed", refusal: challenge.error };
    }
    return challenge.value === undefined
      ? { kind: "failed", refusal: refuse("protocol_error", `the server answered ${exchange.status} without a challenge`) }
      : { kind: "challenge", challenge: challenge.value };
  }
  if (exchange.problem !== undefined) {
    return judgeDialProblem(exchange.problem);
  }
  if (error instanceof ProtocolError) {
    return judgeRpcError(error);
  }
  if (error instanceof SdkHttpError) {
    const status = exchange.status ?? 0;
    return status >= 500
      ? { kind: "lost", sent: true, detail: `the server answered ${status}` }
      : { kind: "failed", refusal: refuse("protocol_error", `the server answered ${status}`) };
  }
  if (error instanceof SdkError && (error.code === SdkErrorCode.RequestTimeout || error.code === SdkErrorCode.ConnectionClosed)) {
    return { kind: "lost", sent: true, detail: "no complete answer in time" };
  }
  return { kind: "failed", refusal: refuse("protocol_error", error instanceof Error ? error.message : "unknown failure") };
}

function judgeRpcError(error: ProtocolError): CallOutcome {
  const challenge = challengeFromError({ code: error.code, data: error.data });
  if (!challenge.ok) {
    return { kind: "failed", refusal: challenge.error };
  }
  if (challenge.value !== undefined) {
    return { kind: "challenge", challenge: challenge.value };
  }
  const code = error.code === -32602 ? "invalid_arguments" : "protocol_error";
  return { kind: "failed", refusal: refuse(code, `the server answered with error ${error.code}: ${error.message}`) };
}

function judgeDialProblem(problem: DialError): CallOutcome {
  switch (problem.problem) {
    case "unsafe_address":
      return { kind: "failed", refusal: refuse("unsafe_url", problem.message) };
    case "redirected":
      return { kind: "failed", refusal: refuse("protocol_error", problem.message) };
    case "too_large":
      return { kind: "failed", refusal: refuse("response_too_large", problem.message) };
    case "unreachable":
    case "timeout":
    case "aborted":
      return { kind: "lost", sent: problem.sent, detail: problem.message };
  }
}

function refusalOf(outcome: CallOutcome): Refusal {
  switch (outcome.kind) {
    case "failed":
      return outcome.refusal;
    case "lost":
      return refuse("server_unreachable", outcome.detail);
    case "challenge":
      return refuse("authorization_required", "the server demands sign-in before anything else");
    case "result":
      return refuse("internal_error");
  }
}
