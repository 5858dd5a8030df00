import { AsyncLocalStorage } from "node:async_hooks";
import type { Secret } from "@countersign/protocol/secret";
import { dial, DialError, type DialBounds } from "../dial/dial.ts";

/** Longer than the SDK waits before it resumes a stream that ended early. */
const resumeGraceMs = 1500;

/** What one request to an MCP server is sent with, and what its response looked like on the wire. */
export class Exchange {
  readonly bearer: Secret | undefined;
  readonly idempotencyKey: string | undefined;
  /** Resolves when an event stream ended and nobody resumed it: if the answer has not come by then, it never will. */
  readonly abandoned: Promise<void>;
  status: number | undefined;
  wwwAuthenticate: readonly string[] = [];
  problem: DialError | undefined;
  readonly #abandon: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(sendWith: { readonly bearer?: Secret; readonly idempotencyKey?: string } = {}) {
    this.bearer = sendWith.bearer;
    this.idempotencyKey = sendWith.idempotencyKey;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.abandoned = promise;
    this.#abandon = resolve;
  }

  requestBegan(): void {
    clearTimeout(this.#timer);
  }

  streamEnded(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#abandon, resumeGraceMs);
    this.#timer.unref();
  }
}

const exchanges = new AsyncLocalStorage<Exchange>();

/** Runs SDK calls whose HTTP requests belong to this exchange. */
export function inExchange<T>(exchange: Exchange, work: () => Promise<T>): Promise<T> {
  return exchanges.run(exchange, work);
}

/**
 * The fetch that is given to the SDK's transport. It adds the token and the idempotency key of the running exchange, and notes status and
 * challenge, so that a 401 stays a fact for the broker instead of starting the SDK's own sign-in. Standing GET streams are declined: 405 is the
 * answer of a server that offers none, and the SDK then does without.
 */
export function exchangeFetch(bounds: DialBounds): (url: string | URL, init?: RequestInit) => Promise<Response> {
  return async (url, init = {}) => {
    const exchange = exchanges.getStore();
    const headers = new Headers(init.headers);
    if (init.method === "GET" && !headers.has("last-event-id")) {
      return new Response(null, { status: 405 });
    }
    if (exchange?.bearer !== undefined) {
      headers.set("authorization", `Bearer ${exchange.bearer.reveal()}`);
    }
    if (exchange?.idempotencyKey !== undefined) {
      headers.set("idempotency-key", exchange.idempotencyKey);
    }
    exchange?.requestBegan();
    try {
      const response = await dial(new URL(url), toDialRequest(init, headers), { ...bounds, ...watchersOf(exchange) });
      if (exchange !== undefined) {
        exchange.status = response.status;
        const challenge = response.headers.get("www-authenticate");
        exchange.wwwAuthenticate = challenge === null ? [] : [challenge];
      }
      return response;
    } catch (error) {
      if (exchange !== undefined && error instanceof DialError) exchange.problem = error;
      throw error;
    }
  };
}

function watchersOf(exchange: Exchange | undefined): Pick<DialBounds, "onBodyProblem" | "onBodyEnd"> {
  if (exchange === undefined) return {};
  return {
    onBodyProblem: (problem) => {
      exchange.problem = problem;
    },
    onBodyEnd: () => exchange.streamEnded(),
  };
}

function toDialRequest(init: RequestInit, headers: Headers): Parameters<typeof dial>[1] {
  const body = typeof init.body === "string" ? { body: init.body } : {};
  const signal = init.signal === undefined || init.signal === null ? {} : { signal: init.signal };
  return { method: init.method ?? "GET", headers, ...body, ...signal };
}
