import { AsyncLocalStorage } from "node:async_hooks";
import type { Secret } from "@countersign/protocol/secret";
import { showRequest, showResponse } from "@countersign/protocol/trace-message";
import type { WireMessage } from "@countersign/protocol/trace-step";
import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { dial, DialError, type DialBounds, type DialRequest } from "@countersign/service/dial/dial";
import { BoundToken } from "../authorize/proof-key.ts";
import { splitBatches } from "./split-batches.ts";
import type { StreamGate } from "./stream-gate.ts";
import { sendWithToken } from "./token-headers.ts";

/** How long after the end of a stream, or after the time at which the SDK resumes it, nothing more is expected. */
const resumeGraceMs = 1500;
const resumeMsMin = 500;
const resumeMsMax = 10 * 60_000;

/** A request or notification of the server's own. */
export interface ServerMessage {
  readonly method: string;
  readonly params: JsonObject;
}

/** Who hears what a server of the session eras (2024-11-05 to 2025-11-25) says of its own while it answers one exchange. */
export interface ServerListener {
  /**
   * A request, such as `elicitation/create`, on this exchange's own stream. What it resolves to is the JSON-RPC result; undefined answers "method not found" (-32601),
   * a rejection -32603. The server waits meanwhile. `signal` aborts when the server withdraws the request or the connection ends.
   */
  onServerRequest?(request: ServerMessage, signal: AbortSignal): Promise<JsonObject | undefined>;
  /** A notification on this exchange's own stream, such as `notifications/message`. Those of the standing stream come by {@link McpConnection.follow}. */
  onNotification?(notification: ServerMessage): void;
}

/** What an exchange is sent with, and who hears what the server says meanwhile. */
export interface ExchangeOptions {
  readonly bearer?: Secret;
  readonly idempotencyKey?: string;
  readonly listener?: ServerListener;
  /** Instead of the usual time for one HTTP request. */
  readonly timeoutMs?: number;
}

/** What one request to an MCP server is sent with, and what its response looked like on the wire. */
export class Exchange {
  readonly bearer: Secret | undefined;
  readonly idempotencyKey: string | undefined;
  readonly listener: ServerListener | undefined;
  readonly timeoutMs: number | undefined;
  /** Resolves when an event stream ended and nobody resumed it: if the answer has not come by then, it never will. */
  readonly abandoned: Promise<void>;
  /** The server may have received what the exchange is for. Connecting before it is an exchange of its own. */
  sent = false;
  status: number | undefined;
  wwwAuthenticate: readonly string[] = [];
  problem: DialError | undefined;
  /** The last response was an event stream. */
  isStreaming = false;
  /** The last request of a call and its response, as they may be shown. */
  messages: readonly WireMessage[] = [];
  readonly #over = new AbortController();
  readonly #abandon: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ExchangeOptions = {}) {
    this.bearer = options.bearer;
    this.idempotencyKey = options.idempotencyKey;
    this.listener = options.listener;
    this.timeoutMs = options.timeoutMs;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.abandoned = promise;
    this.#abandon = resolve;
  }

  /** Takes over what was seen of the exchange that was to connect, whose end is also this one's. */
  adopt(other: Exchange): void {
    this.status = other.status;
    this.wwwAuthenticate = other.wwwAuthenticate;
    this.problem = other.problem;
  }

  /** A request goes out: what was seen of an earlier one counts no more. */
  begins(): void {
    clearTimeout(this.#timer);
    this.sent = true;
    this.status = undefined;
    this.wwwAuthenticate = [];
    this.problem = undefined;
    this.isStreaming = false;
    this.messages = [];
  }

  streamResumes(): void {
    clearTimeout(this.#timer);
  }

  /** The answer's stream is over; it is resumed after `resumesInMs`, if that is known. */
  streamEnded(resumesInMs = 0): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#abandon, resumesInMs + resumeGraceMs);
    this.#timer.unref();
  }

  /** Aborts when nobody waits for the answer any more. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Nobody waits for the answer any more: no request is kept open for it. */
  end(): void {
    clearTimeout(this.#timer);
    this.#over.abort();
  }
}

/** What the SDK's transports are given to fetch with. */
export type SdkFetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** The one revision in which a server may answer with a list. */
const batchingVersion = "2025-03-26";

const exchanges = new AsyncLocalStorage<Exchange>();

/** Runs SDK calls whose HTTP requests belong to this exchange. */
export function inExchange<T>(exchange: Exchange, work: () => Promise<T>): Promise<T> {
  return exchanges.run(exchange, work);
}

/** The exchange that the running code belongs to: a server's message belongs to the one whose stream it came on. */
export function currentExchange(): Exchange | undefined {
  return exchanges.getStore();
}

/** The same signal, heard as the exchange that runs now: what the SDK sends when a request is given up then carries that exchange's token. */
export function asThisExchange(signal: AbortSignal): AbortSignal {
  const heard = new AbortController();
  const abort = AsyncLocalStorage.bind(() => heard.abort(signal.reason));
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  return heard.signal;
}

/**
 * When the SDK resumes a stream that ended early: after as long as the server asked for (`retry`, MCP 2025-11-25), which the exchange then waits for too, but never
 * more than twice a second.
 */
export function scheduleResumption(resume: () => void, delayMs: number): () => void {
  const waitMs = Math.min(Math.max(delayMs, resumeMsMin), resumeMsMax);
  currentExchange()?.streamEnded(waitMs);
  const timer = setTimeout(resume, waitMs);
  return () => clearTimeout(timer);
}

/**
 * The fetch that is given to the Streamable HTTP transport. It adds the token and the idempotency key of the running exchange, and notes status and
 * challenge, so that a 401 stays a fact for the broker instead of starting the SDK's own sign-in. The standing GET stream, which the SDK
 * would open at once, waits at the gate until somebody listens.
 */
export function exchangeFetch(bounds: DialBounds, gate: StreamGate): SdkFetch {
  return async (url, init = {}) => {
    const exchange = exchanges.getStore();
    const headers = new Headers(init.headers);
    const resumes = headers.has("last-event-id");
    if (init.method === "GET" && !resumes) {
      return gate.open(new URL(url), toDialRequest(init, headers), bounds, exchange?.bearer);
    }
    if (exchange === undefined || isAside(init)) return dialFor(exchange?.bearer, url, init, bounds);
    const own = { ...bounds, timeoutMs: exchange.timeoutMs ?? bounds.timeoutMs };
    if (resumes) return resumed(exchange, (watchers) => dialFor(exchange.bearer, url, whileWanted(init, exchange), { ...own, ...watchers }));
    const watchers = {
      onBodyProblem: (problem: DialError): void => {
        exchange.problem = problem;
      },
      // What was read to no end before the answer, as when a nonce was asked for, ends nothing.
      onBodyEnd: () => (exchange.isStreaming ? exchange.streamEnded() : undefined),
    };
    const sent = asCall(init, exchange);
    const response = await noting(exchange, { url, init: sent }, () => dialFor(exchange.bearer, url, sent, { ...own, ...watchers }));
    const isBatching = init.method === "POST" && headers.get("mcp-protocol-version") === batchingVersion;
    return isBatching && exchange.isStreaming ? new Response(response.body?.pipeThrough(splitBatches()), response) : response;
  };
}

/** The fetches that are given to the HTTP+SSE transport: one for the stream on which everything comes back, one for what is sent. `onEnd` is told when the stream is over. */
export function sseFetches(bounds: DialBounds, onEnd: () => void): { readonly stream: SdkFetch; readonly send: SdkFetch } {
  const fetchWith =
    (more: Partial<DialBounds>): SdkFetch =>
    (url, init = {}) => {
      const exchange = exchanges.getStore();
      const ask = (sent: RequestInit): Promise<Response> => dialFor(exchange?.bearer, url, sent, { ...bounds, ...more });
      if (exchange === undefined || isAside(init)) return ask(init);
      const sent = asCall(init, exchange);
      return noting(exchange, { url, init: sent }, () => ask(sent));
    };
  return { stream: fetchWith({ endless: true, onBodyEnd: onEnd }), send: fetchWith({}) };
}

/** Notes what the request and the response looked like, or why there is none. */
async function noting(exchange: Exchange, sent: SentRequest, ask: () => Promise<Response>): Promise<Response> {
  exchange.begins();
  const isCall = exchange.idempotencyKey !== undefined;
  if (isCall) exchange.messages = [showSent(exchange, sent)];
  try {
    const response = await ask();
    if (isCall) exchange.messages = [...exchange.messages, showReceived(exchange, response)];
    exchange.status = response.status;
    exchange.isStreaming = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
    const challenge = response.headers.get("www-authenticate");
    exchange.wwwAuthenticate = challenge === null ? [] : [challenge];
    return response;
  } catch (error) {
    if (error instanceof DialError) exchange.problem = error;
    throw error;
  }
}

interface SentRequest {
  readonly url: string | URL;
  readonly init: RequestInit;
}

/** The request as it may be shown. The token is put in only when it is sent: of it, its kind. */
function showSent({ bearer }: Exchange, { url, init }: SentRequest): WireMessage {
  const authorization = bearer === undefined ? [] : [["authorization", bearer instanceof BoundToken ? "DPoP -" : "Bearer -"] as const];
  const body: unknown = typeof init.body === "string" ? JSON.parse(init.body) : undefined;
  const headers = [...new Headers(init.headers), ...authorization];
  return showRequest(init.method ?? "GET", String(url), { headers, kind: "rpc", body });
}

function showReceived({ bearer }: Exchange, { status, headers }: Response): WireMessage {
  return showResponse(status, { headers, kind: "none", secrets: bearer === undefined ? [] : [bearer.reveal()] });
}

/** Asks for the rest of an answer. The call was taken before: how this request is answered says nothing about it. */
async function resumed(exchange: Exchange, ask: (watchers: Pick<DialBounds, "onBodyEnd">) => Promise<Response>): Promise<Response> {
  exchange.streamResumes();
  try {
    const response = await ask({ onBodyEnd: () => exchange.streamEnded() });
    if (response.ok) exchange.problem = undefined;
    return response;
  } catch (error) {
    exchange.streamEnded();
    throw error;
  }
}

/** Sends one request with the token. */
function dialFor(bearer: Secret | undefined, url: string | URL, init: RequestInit, bounds: DialBounds): Promise<Response> {
  const target = new URL(url);
  const headers = new Headers(init.headers);
  const request = toDialRequest(init, headers);
  return sendWithToken({ headers, token: bearer, method: request.method, url: target }, () => dial(target, request, bounds));
}

/** The request that the exchange is for: under its key, and open only for as long as somebody waits for the answer. */
function asCall(init: RequestInit, exchange: Exchange): RequestInit {
  if (exchange.idempotencyKey === undefined) return whileWanted(init, exchange);
  const headers = new Headers(init.headers);
  headers.set("idempotency-key", exchange.idempotencyKey);
  return { ...whileWanted(init, exchange), headers };
}

function whileWanted(init: RequestInit, { over }: Exchange): RequestInit {
  return { ...init, signal: init.signal === undefined || init.signal === null ? over : AbortSignal.any([init.signal, over]) };
}

/** Whether it answers a request of the server's own, or takes the call back: how that is received says nothing about the exchange. */
function isAside(init: RequestInit): boolean {
  if (typeof init.body !== "string") return false;
  const message: unknown = JSON.parse(init.body);
  return isJsonObject(message) && (!("method" in message) || message["method"] === "notifications/cancelled");
}

function toDialRequest(init: RequestInit, headers: Headers): DialRequest {
  const body = typeof init.body === "string" ? { body: init.body } : {};
  const signal = init.signal === undefined || init.signal === null ? {} : { signal: init.signal };
  return { method: init.method ?? "GET", headers, ...body, ...signal };
}
