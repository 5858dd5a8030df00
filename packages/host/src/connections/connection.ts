import type { EpochMs } from "@countersign/protocol/brand";
import { challengeFromError, challengeFromHttp, challengeFromResult, type Challenge } from "@countersign/protocol/challenge";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Secret } from "@countersign/protocol/secret";
import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError } from "@modelcontextprotocol/client";
import { z } from "zod";
import type { Reach } from "../dial/address.ts";
import type { DialError } from "../dial/dial.ts";
import type { ConnectionAccess } from "./connection-access.ts";
import { Exchange, type ServerListener, type ServerMessage } from "./exchange.ts";
import { Link } from "./link.ts";
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
  readonly #link: Link;
  #tools: { readonly at: EpochMs; readonly list: Promise<Result<ReadonlyMap<string, ToolDefinition>, Refusal>> } | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { url, reach, requestTimeoutMs: timeoutMs, resultBytesMax: responseBytesMax } = options;
    this.#link = new Link(url, { reach, timeoutMs, responseBytesMax });
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
      const answer = this.#link.run(exchange, (client) =>
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
      this.#link.run(exchange, (client) =>
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
    await access?.listed({ ok: true, anonymous: listed.value.anonymous, protocol: this.#link.protocol });
    const tools = listed.value.answer.map(readToolDefinition).filter((tool) => tool !== undefined);
    return ok(new Map(tools.map((tool) => [tool.name, tool])));
  }

  async #collectTools(exchange: Exchange): Promise<readonly unknown[]> {
    const tools: unknown[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < pagesMax && tools.length < toolsMax; page += 1) {
      const params = cursor === undefined ? {} : { cursor };
      const answer = await this.#link.run(exchange, (client) =>
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
  if (error instanceof SdkHttpError || (exchange.status ?? 0) >= 400) {
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
