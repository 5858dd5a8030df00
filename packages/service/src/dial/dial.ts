import { lookup as resolveName, type LookupAddress } from "node:dns";
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { isLoopbackUrl } from "@countersign/protocol/resource";
import { mayReachAddress, type Reach } from "./address.ts";

/** Bounds of one outgoing request. `timeoutMs` covers connecting, waiting and reading the whole body. */
export interface DialBounds {
  readonly reach: Reach;
  readonly timeoutMs: number;
  readonly responseBytesMax: number;
  /**
   * The body is an event stream without end: `timeoutMs` is over when it begins, and `responseBytesMax` bounds each event. An answer that is no such stream comes
   * without its body: who asks for a stream often leaves it unread, and it would keep its socket, and a process, for as long as the peer likes.
   */
  readonly endless?: boolean;
  /** Told when the body breaks off after the response has begun; the body's reader gets the same error. */
  readonly onBodyProblem?: (error: DialError) => void;
  /** Told when the body is over, completely or not. */
  readonly onBodyEnd?: () => void;
}

export type DialProblem = "unsafe_address" | "unreachable" | "timeout" | "redirected" | "too_large" | "aborted";

/** Why a request gave no answer. `sent` says whether the peer may have received it: false means that it certainly did not. */
export class DialError extends Error {
  readonly problem: DialProblem;
  readonly sent: boolean;
  /** Where a redirect would have led, as the peer wrote it, cut at 2048 characters. Nothing follows it. */
  readonly location: string | undefined;

  constructor(problem: DialProblem, message: string, sent: boolean, location?: string) {
    super(message);
    this.name = "DialError";
    this.problem = problem;
    this.sent = sent;
    this.location = location?.slice(0, 2048);
  }
}

export interface DialRequest {
  readonly method: string;
  readonly headers: Headers;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
}

const agents = {
  public: makeAgents("public", 64),
  local: makeAgents("local", 64),
};

/** Streams that stand for minutes have sockets of their own, so that they never keep a server's requests waiting. */
const endlessAgents = {
  public: makeAgents("public", 2000),
  local: makeAgents("local", 2000),
};

const wholeBytesMax = 65_536;

/**
 * Sends one HTTP request to an address that somebody else chose, and gives the response with a bounded body.
 * The resolved address is judged at connect time (no second resolution), plain http is for loopback only, and redirects are never
 * followed: RFC 9700 section 4.12, so that a 307 cannot carry a body or a token to another origin.
 *
 * @throws DialError in every case without a usable response.
 */
export function dial(url: URL, request: DialRequest, bounds: DialBounds): Promise<Response> {
  const problem = judgeUrl(url, bounds.reach);
  if (problem !== undefined) {
    return Promise.reject(new DialError("unsafe_address", problem, false));
  }
  return new Promise((resolve, reject) => {
    const attempt = { sent: false, timedOut: false };
    const explain = (error: Error): DialError => asDialError(error, attempt, request.signal);
    const options: RequestOptions = { method: request.method, headers: headersOf(request) };
    const pool = bounds.endless === true ? endlessAgents[bounds.reach] : agents[bounds.reach];
    const outgoing =
      url.protocol === "https:" ? httpsRequest(url, { ...options, agent: pool.https }) : httpRequest(url, { ...options, agent: pool.http });
    const abort = (): void => void outgoing.destroy();
    const timer = setTimeout(() => {
      attempt.timedOut = true;
      abort();
    }, bounds.timeoutMs);
    request.signal?.addEventListener("abort", abort, { once: true });
    outgoing.once("close", () => {
      clearTimeout(timer);
      request.signal?.removeEventListener("abort", abort);
    });
    watchSending(outgoing, url.protocol === "https:" ? "secureConnect" : "connect", attempt);
    outgoing.on("error", (error) => reject(explain(error)));
    // Nobody asked for another protocol. Without a listener, Node ends such a request without a word.
    outgoing.on("upgrade", (_response, socket) => {
      socket.destroy();
      reject(new DialError("unreachable", `${url.origin} wants to speak another protocol`, true));
    });
    outgoing.on("response", (incoming) => {
      attempt.sent = true;
      // Without a listener, an abort while nobody reads the body would end the process. Whoever reads it gets the error all the same.
      incoming.on("error", () => {});
      const status = incoming.statusCode ?? 0;
      if (status >= 300 && status < 400 && status !== 304) {
        incoming.destroy();
        reject(new DialError("redirected", `${url.origin} answered with a redirect, which is not followed`, true, incoming.headers.location));
        return;
      }
      // A status that the platform's Response does not know would throw in this listener, and end the process.
      if (status < 200 || status > 599) {
        incoming.destroy();
        reject(new DialError("unreachable", `${url.origin} answered with a status that HTTP does not have`, true));
        return;
      }
      if (bounds.endless === true) {
        clearTimeout(timer);
        if (!isEventStream(incoming)) {
          incoming.destroy();
          resolve(new Response(null, { status, headers: readHeaders(incoming) }));
          return;
        }
      }
      if (isShortAndFramed(incoming, bounds)) readWhole(incoming, bounds, explain).then(resolve, reject);
      else resolve(responseOf(incoming, bounds, explain));
    });
    if (request.signal?.aborted === true) abort();
    else outgoing.end(request.body);
  });
}

interface Attempt {
  sent: boolean;
  timedOut: boolean;
}

/** Notes when the peer may have received something: from the moment that there is a connection. */
function watchSending(outgoing: ClientRequest, connected: "connect" | "secureConnect", attempt: Attempt): void {
  outgoing.on("socket", (socket) => {
    if (!socket.connecting) {
      attempt.sent = true;
      return;
    }
    socket.once(connected, () => {
      attempt.sent = true;
    });
  });
}

function judgeUrl(url: URL, reach: Reach): string | undefined {
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return "only http and https addresses can be called";
  }
  if (url.username !== "" || url.password !== "") {
    return "an address with credentials is not called";
  }
  const loopback = isLoopbackUrl(url);
  if (url.protocol === "http:" && !loopback) {
    return "plain http is for loopback addresses only";
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if ((isIP(host) !== 0 && !mayReachAddress(host, reach)) || (loopback && reach === "public")) {
    return "a private address is not called from here";
  }
  return undefined;
}

function headersOf(request: DialRequest): Record<string, string> {
  const headers: Record<string, string> = Object.fromEntries(request.headers);
  headers["accept-encoding"] = "identity";
  if (request.body !== undefined) {
    headers["content-length"] = String(Buffer.byteLength(request.body));
  }
  return headers;
}

function isEventStream({ statusCode, headers }: IncomingMessage): boolean {
  return statusCode === 200 && headers["content-type"]?.trimStart().toLowerCase().startsWith("text/event-stream") === true;
}

/** A JSON answer whose length is known and small comes in one piece: asking a stream for it costs more than the answer itself. */
function isShortAndFramed({ statusCode = 0, headers }: IncomingMessage, bounds: DialBounds): boolean {
  const length = headers["content-length"] ?? "";
  const isSmall = /^\d{1,6}$/.test(length) && Number(length) <= Math.min(wholeBytesMax, bounds.responseBytesMax);
  return statusCode === 200 && isSmall && headers["content-type"]?.startsWith("application/json") === true;
}

async function readWhole(incoming: IncomingMessage, bounds: DialBounds, explain: (error: Error) => DialError): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.once("end", () => resolve(Buffer.concat(chunks)));
  incoming.once("error", (error) => reject(explain(error)));
  try {
    return new Response(await promise, { status: 200, headers: readHeaders(incoming) });
  } catch (error) {
    if (error instanceof DialError) bounds.onBodyProblem?.(error);
    throw error;
  } finally {
    bounds.onBodyEnd?.();
  }
}

function readHeaders(incoming: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) {
      headers.append(name, value);
    }
  }
  return headers;
}

function responseOf(incoming: IncomingMessage, bounds: DialBounds, explain: (error: Error) => DialError): Response {
  const status = incoming.statusCode ?? 0;
  const headers = readHeaders(incoming);
  if (status === 204 || status === 205 || status === 304) {
    incoming.resume();
    return new Response(null, { status, headers });
  }
  const chunks = readBounded(incoming, bounds, explain);
  const body = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      // A generator that was never asked would not reach its own end.
      cancel: async () => {
        incoming.destroy();
        await chunks.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { status, headers });
}

async function* readBounded(incoming: IncomingMessage, bounds: DialBounds, explain: (error: Error) => DialError): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  const ends = new EventEnds();
  try {
    for await (const chunk of incoming) {
      const part: Uint8Array = chunk;
      bytes = bounds.endless === true ? ends.bytesSinceLast(part) : bytes + part.byteLength;
      if (bytes > bounds.responseBytesMax) {
        throw new DialError("too_large", `the answer is larger than ${bounds.responseBytesMax} bytes`, true);
      }
      yield part;
    }
  } catch (cause) {
    const error = explain(cause instanceof Error ? cause : new Error(String(cause)));
    bounds.onBodyProblem?.(error);
    throw error;
  } finally {
    incoming.destroy();
    bounds.onBodyEnd?.();
  }
}

/** Counts the bytes of the event that a stream is in the middle of: events end with an empty line. */
class EventEnds {
  #bytes = 0;
  #lineIsEmpty = false;

  bytesSinceLast(chunk: Uint8Array): number {
    for (const byte of chunk) {
      this.#bytes += 1;
      if (byte === 0x0d) continue;
      if (byte !== 0x0a) this.#lineIsEmpty = false;
      else if (this.#lineIsEmpty) this.#bytes = 0;
      else this.#lineIsEmpty = true;
    }
    return this.#bytes;
  }
}

function asDialError(error: Error, attempt: Attempt, caller: AbortSignal | undefined): DialError {
  if (error instanceof DialError) return error;
  if (attempt.timedOut) return new DialError("timeout", "no answer in time", attempt.sent);
  if (caller?.aborted === true) return new DialError("aborted", "the request was cancelled", attempt.sent);
  return new DialError("unreachable", error.message, attempt.sent);
}

function makeAgents(reach: Reach, maxSockets: number): { readonly http: HttpAgent; readonly https: HttpsAgent } {
  const options = { keepAlive: true, maxSockets, timeout: 4_000, lookup: judgingLookup(reach) };
  return { http: new HttpAgent(options), https: new HttpsAgent(options) };
}

/** A resolver whose answer is judged before a socket uses it, so that a name cannot turn into a private address between check and use. */
function judgingLookup(reach: Reach): LookupFunction {
  return (hostname, options, callback) => {
    resolveName(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error !== null) {
        callback(error, "", 0);
        return;
      }
      const allowed = addresses.filter((entry) => mayReachAddress(entry.address, reach));
      const first = allowed[0];
      if (first === undefined || allowed.length !== addresses.length) {
        callback(new DialError("unsafe_address", `${hostname} resolves to an address that is not called from here`, false), "", 0);
      } else if (options.all === true) {
        callback(null, allowed);
      } else {
        callback(null, first.address, first.family);
      }
    });
  };
}
