import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type Refusal, refuse, toHttpError } from "@countersign/protocol/errors";
import { clientAddress, clientAddressHeader } from "./client-address.ts";
import { drain } from "./drain.ts";
import type { Logger } from "./log.ts";
import { allowedMethods, givenRequestId, isNamed, judgeHead, loopbackHosts } from "./request-guard.ts";
import { respondRefusal } from "./respond.ts";
import { explainListenError } from "./startup-problem.ts";
import { writeResponse } from "./write-response.ts";

/** Answers every request that is not a health check. The request's `x-request-id` and `countersign-client-address` headers are set. `signal` aborts when the client leaves. */
export type Handler = (request: Request) => Promise<Response> | Response;

/**
 * `listen`: a port (0: the system chooses), or a server that listens already and has no request listener.
 * `hostname`: the address to bind, default 127.0.0.1.
 * `hosts`: Host headers that are served, default the loopback names with the port in use. Behind a proxy: the public host.
 * `node`: looks at each request first; it returns true when it has taken it over (for libraries that speak Node's own HTTP).
 * `ready`: whether the party can do its work now, for `/readyz`.
 * `onStop`: called when stopping begins, so that waiting answers (long polls) can be given early.
 * `portVariable`: the environment variable to name when the port is taken.
 * `behindProxy`: exactly one proxy stands in front, and its `X-Forwarded-For` says who asks.
 */
export interface ServeOptions {
  readonly handler: Handler;
  readonly listen: number | Server;
  readonly logger: Logger;
  readonly hostname?: string;
  readonly hosts?: readonly string[];
  readonly node?: (request: IncomingMessage, response: ServerResponse) => boolean;
  readonly ready?: () => Promise<boolean> | boolean;
  readonly onStop?: () => void;
  readonly portVariable?: string;
  readonly behindProxy?: boolean;
  readonly timeouts?: Partial<ServeTimeouts>;
}

/**
 * Milliseconds. `header` and `request` bound how long a client may take to send its head and its whole request; answers may take longer. `idle` ends a
 * connection on which nothing moved, so event streams send a comment at least every half of it. `drain` bounds how long stopping waits for running answers.
 */
export interface ServeTimeouts {
  readonly header: number;
  readonly request: number;
  readonly idle: number;
  readonly keepAlive: number;
  readonly drain: number;
}

const defaultTimeouts: ServeTimeouts = { header: 10_000, request: 30_000, idle: 120_000, keepAlive: 65_000, drain: 10_000 };

export interface Served {
  /** The origin, `http://<hostname>:<port>`. */
  readonly url: string;
  /** Stops taking connections, waits for running answers, ends event streams, closes the rest. May be called twice. */
  stop(): Promise<void>;
}

/** Serves a party over HTTP/1.1. Throws `StartupProblem` when the port cannot be opened. */
export async function serve(options: ServeOptions): Promise<Served> {
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const hostname = options.hostname ?? "127.0.0.1";
  const server = typeof options.listen === "number" ? await openServer(options.listen, hostname, timeouts, options.portVariable) : options.listen;
  const port = listeningPort(server);
  applyTimeouts(server, timeouts);
  const running = new Set<ServerResponse>();
  const state = { stopping: false };
  const listener = createListener(options, { hosts: options.hosts ?? loopbackHosts(port), state });
  server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    running.add(outgoing);
    outgoing.once("close", () => running.delete(outgoing));
    if (state.stopping) outgoing.shouldKeepAlive = false;
    listener(incoming, outgoing);
  });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    if (stopped !== undefined) return stopped;
    state.stopping = true;
    options.onStop?.();
    stopped = drain(server, running, timeouts.drain);
    return stopped;
  };
  return { url: `http://${hostname}:${port}`, stop };
}

async function openServer(port: number, hostname: string, timeouts: ServeTimeouts, portVariable: string | undefined): Promise<Server> {
  const server = createServer({ connectionsCheckingInterval: Math.min(1000, timeouts.header), maxHeaderSize: 16_384, requireHostHeader: true });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, hostname, resolve);
    });
  } catch (error) {
    throw explainListenError(error, hostname, port, portVariable);
  }
  return server;
}

function applyTimeouts(server: Server, timeouts: ServeTimeouts): void {
  server.headersTimeout = timeouts.header;
  server.requestTimeout = timeouts.request;
  server.keepAliveTimeout = timeouts.keepAlive;
  server.timeout = timeouts.idle;
}

function listeningPort(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("the server must listen on a TCP port");
  return address.port;
}

interface ListenerState {
  readonly hosts: readonly string[];
  readonly state: { readonly stopping: boolean };
}

function createListener(options: ServeOptions, { hosts, state }: ListenerState): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const { logger } = options;
  const dispatch = getRequestListener(
    async (request, { outgoing }) => {
      await answer(options, request, outgoing);
      return RESPONSE_ALREADY_SENT;
    },
    { overrideGlobalObjects: false },
  );
  return (incoming, outgoing) => {
    const requestId = givenRequestId(incoming.rawHeaders) ?? randomUUID();
    const [path = ""] = (incoming.url ?? "").split("?", 1);
    const isHealth = path === "/healthz" || path === "/readyz";
    outgoing.setHeader("x-request-id", requestId);
    outgoing.setHeader("x-content-type-options", "nosniff");
    outgoing.setHeader("referrer-policy", "no-referrer");
    // A client that leaves in the middle is no failure of ours.
    outgoing.on("error", () => undefined);
    const verdict = judgeHead(
      { method: incoming.method ?? "", target: incoming.url ?? "", rawHeaders: incoming.rawHeaders },
      isHealth ? undefined : hosts,
    );
    if (verdict !== undefined) return sendRefusal(outgoing, verdict.status, verdict.refusal);
    if (isHealth) return void sendHealth(options, path, state.stopping, outgoing);
    setHeader(incoming, "x-request-id", requestId);
    setHeader(incoming, clientAddressHeader, clientAddress(incoming.rawHeaders, incoming.socket.remoteAddress, options.behindProxy === true));
    logWhenDone(logger, incoming, outgoing, requestId, path);
    if (takesOver(options, incoming, outgoing, requestId)) return;
    void dispatch(incoming, outgoing);
  };
}

/** Asks the party's `node`. What it throws ends this request only: an error here would otherwise end the process. */
function takesOver({ node, logger }: ServeOptions, incoming: IncomingMessage, outgoing: ServerResponse, requestId: string): boolean {
  try {
    return node?.(incoming, outgoing) === true;
  } catch (error) {
    logger.error("request.failed", { requestId, error });
    if (outgoing.headersSent) outgoing.destroy();
    else sendRefusal(outgoing, 500, refuse("internal_error"));
    return true;
  }
}

async function answer(options: ServeOptions, request: Request, outgoing: unknown): Promise<void> {
  if (!isNodeResponse(outgoing)) throw new TypeError("only HTTP/1.1 is served");
  const failed = (event: string, error: unknown): void => {
    options.logger.error(event, { requestId: request.headers.get("x-request-id") ?? undefined, error });
  };
  let response: Response;
  try {
    response = await options.handler(request);
  } catch (error) {
    failed("request.failed", error);
    response = respondRefusal(refuse("internal_error"));
  }
  try {
    await writeResponse(response, outgoing, request.method === "HEAD");
  } catch (error) {
    failed("response.failed", error);
    if (!outgoing.headersSent) sendRefusal(outgoing, 500, refuse("internal_error"));
  }
}

function isNodeResponse(outgoing: unknown): outgoing is ServerResponse {
  return outgoing instanceof Object && "writeHead" in outgoing && !("stream" in outgoing);
}

async function sendHealth(options: ServeOptions, path: string, stopping: boolean, outgoing: ServerResponse): Promise<void> {
  let isReady = true;
  if (path === "/readyz") {
    try {
      isReady = !stopping && (options.ready === undefined || (await options.ready()));
    } catch (error) {
      options.logger.warn("readiness.failed", { error });
      isReady = false;
    }
  }
  if (!isReady) return sendRefusal(outgoing, 503, refuse("unavailable"), { "retry-after": "1" });
  sendJson(outgoing, 200, { status: "ok" });
}

function sendRefusal(outgoing: ServerResponse, status: number, refusal: Refusal, headers: Readonly<Record<string, string>> = {}): void {
  // What follows on this connection may be an unread body; it must not be taken for a request.
  outgoing.shouldKeepAlive = false;
  sendJson(outgoing, status, toHttpError(refusal).body, status === 405 ? { allow: allowedMethods } : headers);
}

function sendJson(outgoing: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  const text = JSON.stringify(body);
  outgoing
    .writeHead(status, { "content-type": "application/json", "cache-control": "no-store", "content-length": Buffer.byteLength(text), ...headers })
    .end(text);
}

/** Whatever the client sent under this name is gone. */
function setHeader(incoming: IncomingMessage, name: string, value: string): void {
  incoming.headers[name] = value;
  for (let at = incoming.rawHeaders.length - 2; at >= 0; at -= 2) {
    if (isNamed(incoming.rawHeaders[at], name)) incoming.rawHeaders.splice(at, 2);
  }
  incoming.rawHeaders.push(name, value);
}

function logWhenDone(logger: Logger, incoming: IncomingMessage, outgoing: ServerResponse, requestId: string, path: string): void {
  const startedAt = performance.now();
  outgoing.once("close", () => {
    const durationMs = Math.round(performance.now() - startedAt);
    logger.info("request", { requestId, method: incoming.method, path, status: outgoing.headersSent ? outgoing.statusCode : 499, durationMs });
  });
}
