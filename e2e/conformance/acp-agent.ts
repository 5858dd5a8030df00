import { createHash } from "node:crypto";
import { record } from "@countersign/store/testing/stand-ins/record";
import type { Town } from "@countersign/store/testing/stand-ins/town";

export type AcpVerb = "create" | "get" | "update" | "complete" | "cancel";

/** What an agent's server sends. `isWrong`: it does so to be refused, with a body that the protocol has no shape for. */
export interface AcpRequest {
  readonly id?: string;
  /** A text goes as it is. */
  readonly body?: unknown;
  /** Undefined: a new one. Null: none. */
  readonly key?: string | null;
  readonly version?: string | null;
  readonly apiKey?: string | null;
  readonly method?: string;
  readonly isWrong?: boolean;
}

/** One request and what came back. */
export interface AcpExchange {
  readonly name: string;
  readonly verb: AcpVerb;
  readonly request: AcpRequest;
  readonly status: number;
  readonly answer: Record<string, unknown>;
}

const keys = { first: "key-of-the-first-agent-0123456789", second: "key-of-the-second-agent-012345678" } as const;
export const otherAgentsKey: string = keys.second;

/** The agents that the shop knows; only digests of their keys are configured. */
export const acpAgents: readonly { readonly id: string; readonly keySha256: string }[] = Object.entries(keys).map(([id, key]) => ({
  id,
  keySha256: createHash("sha256").update(key).digest("base64url"),
}));

/** A shopping agent's server at a store: sends, and keeps what was said. */
export class AcpAgentServer {
  readonly exchanges: AcpExchange[] = [];
  readonly #town: Town;
  #keys = 0;

  constructor(town: Town) {
    this.#town = town;
  }

  newKey(): string {
    this.#keys += 1;
    return `key-${this.#keys}`;
  }

  /** Sends one request; `name` says in a report which it was. */
  async send(name: string, verb: AcpVerb, request: AcpRequest = {}): Promise<AcpExchange> {
    const { id, body, key = this.newKey(), version = "2026-04-17", apiKey = keys.first, method = verb === "get" ? "GET" : "POST" } = request;
    const headers = new Headers();
    if (apiKey !== null) headers.set("authorization", `Bearer ${apiKey}`);
    if (version !== null) headers.set("api-version", version);
    if (key !== null && method === "POST") headers.set("idempotency-key", key);
    if (body !== undefined) headers.set("content-type", "application/json");
    const tail = verb === "complete" || verb === "cancel" ? `/${verb}` : "";
    const url = `https://store.test/acp/checkout_sessions${verb === "create" ? "" : `/${id ?? ""}`}${tail}`;
    const payload = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
    const response = await this.#town.store.fetch(new Request(url, { method, headers, ...payload }));
    const exchange = { name: `${verb}: ${name}`, verb, request, status: response.status, answer: record(await response.json()) };
    this.exchanges.push(exchange);
    return exchange;
  }
}
