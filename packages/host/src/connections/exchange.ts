import { AsyncLocalStorage } from "node:async_hooks";
import type { Secret } from "@countersign/protocol/secret";
import { dial, DialError, type DialBounds } from "../dial/dial.ts";

/** What one request to an MCP server is sent with, and what its response looked like on the wire. */
export interface Exchange {
  readonly bearer?: Secret;
  readonly idempotencyKey?: string;
  status: number | undefined;
  wwwAuthenticate: readonly string[];
  problem: DialError | undefined;
}

const exchanges = new AsyncLocalStorage<Exchange>();

/** Makes an exchange that has not begun. */
export function newExchange(sendWith: { readonly bearer?: Secret; readonly idempotencyKey?: string } = {}): Exchange {
  return { ...sendWith, status: undefined, wwwAuthenticate: [], problem: undefined };
}

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
    const note = (problem: DialError): void => {
      if (exchange !== undefined) {
        exchange.problem = problem;
      }
    };
    try {
      const response = await dial(new URL(url), toDialRequest(init, headers), { ...bounds, onBodyProblem: note });
      if (exchange !== undefined) {
        exchange.status = response.status;
        const challenge = response.headers.get("www-authenticate");
        exchange.wwwAuthenticate = challenge === null ? [] : [challenge];
      }
      return response;
    } catch (error) {
      if (error instanceof DialError) {
        note(error);
      }
      throw error;
    }
  };
}

function toDialRequest(init: RequestInit, headers: Headers): Parameters<typeof dial>[1] {
  const body = typeof init.body === "string" ? { body: init.body } : {};
  const signal = init.signal === undefined || init.signal === null ? {} : { signal: init.signal };
  return { method: init.method ?? "GET", headers, ...body, ...signal };
}
