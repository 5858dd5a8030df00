import type { Town } from "@countersign/store/testing/stand-ins/town";
import { record } from "@countersign/store/testing/stand-ins/record";

export type UcpVerb = "create" | "get" | "update" | "complete" | "cancel";
export type UcpTransport = "rest" | "mcp";

/** What a platform sends. `isWrong`: it does so to be refused. */
export interface UcpRequest {
  readonly id?: string;
  readonly checkout?: object;
  readonly key?: string;
  readonly isWrong?: boolean;
}

/** One request and what came back. `refusal`: of a request that could not be processed; then there is no `answer` of the business. */
export interface Exchange {
  readonly name: string;
  readonly verb: UcpVerb;
  readonly request: UcpRequest;
  readonly status: number;
  readonly answer: Record<string, unknown> | undefined;
  readonly refusal: Record<string, unknown> | undefined;
}

const store = "https://store.test";
const profile = "https://platform.test/.well-known/ucp";
const paths: Readonly<Record<UcpVerb, readonly [string, string]>> = {
  create: ["POST", ""],
  get: ["GET", ""],
  update: ["PUT", ""],
  complete: ["POST", "/complete"],
  cancel: ["POST", "/cancel"],
};

/** A shopping agent's server at a store: sends, and keeps what was said. */
export class UcpPlatform {
  readonly exchanges: Exchange[] = [];
  readonly #town: Town;
  readonly #transport: UcpTransport;
  #keys = 0;

  constructor(town: Town, transport: UcpTransport) {
    this.#town = town;
    this.#transport = transport;
  }

  newKey(): string {
    this.#keys += 1;
    return `00000000-0000-4000-8000-${String(this.#keys).padStart(12, "0")}`;
  }

  /** Sends one request; `name` says in a report which it was. Completing and canceling get a new key where none is given. */
  async send(name: string, verb: UcpVerb, given: UcpRequest): Promise<Exchange> {
    const request = given.key === undefined && (verb === "complete" || verb === "cancel") ? { ...given, key: this.newKey() } : given;
    const { status, told } = this.#transport === "rest" ? await this.#sendRest(verb, request) : await this.#sendMcp(verb, request);
    const isAnswer = told["ucp"] !== undefined;
    const exchange = {
      name: `${this.#transport} ${verb}: ${name}`,
      verb,
      request,
      status,
      answer: isAnswer ? told : undefined,
      refusal: isAnswer ? undefined : told,
    };
    this.exchanges.push(exchange);
    return exchange;
  }

  async #sendRest(verb: UcpVerb, { id, checkout, key }: UcpRequest): Promise<{ status: number; told: Record<string, unknown> }> {
    const [method, path] = paths[verb];
    const headers = {
      "ucp-agent": `profile="${profile}"`,
      ...(key === undefined ? {} : { "idempotency-key": key }),
      ...(checkout === undefined ? {} : { "content-type": "application/json" }),
    };
    const url = `${store}/ucp/rest/checkout-sessions${verb === "create" ? "" : `/${id ?? ""}`}${path}`;
    const body = checkout === undefined ? {} : { body: JSON.stringify(checkout) };
    const response = await this.#town.store.fetch(new Request(url, { method, headers, ...body }));
    return { status: response.status, told: record(await response.json()) };
  }

  async #sendMcp(verb: UcpVerb, { id, checkout, key }: UcpRequest): Promise<{ status: number; told: Record<string, unknown> }> {
    const meta = { "ucp-agent": { profile }, ...(key === undefined ? {} : { "idempotency-key": key }) };
    const args = { meta, ...(id === undefined ? {} : { id }), ...(checkout === undefined ? {} : { checkout }) };
    const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: `${verb}_checkout`, arguments: args } };
    const headers = { host: "store.test", "content-type": "application/json", accept: "application/json" };
    const response = await this.#town.store.fetch(new Request(`${store}/ucp/mcp`, { method: "POST", headers, body: JSON.stringify(call) }));
    const told = record(await response.json());
    const content = record(record(told["result"])["structuredContent"]);
    return { status: response.status, told: Object.keys(content).length > 0 ? content : record(told["error"]) };
  }
}
