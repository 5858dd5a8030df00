import { expect } from "vitest";
import { record } from "../stand-ins/record.ts";
import { storeUrl, type Town } from "../stand-ins/town.ts";
import { answerShape, protocolErrorShape } from "./wire.ts";

export type Verb = "create" | "get" | "update" | "complete" | "cancel";

export interface Asked {
  readonly id?: string;
  readonly body?: unknown;
  readonly key?: string;
  /** Instead of a good one; null for none. */
  readonly profile?: string | null;
}

export interface Told {
  /** Of HTTP; over MCP what REST would have. */
  readonly status: number;
  readonly body: Record<string, unknown>;
  /** Of a request that could not be processed. */
  readonly refusal: string | undefined;
  readonly text: string;
}

/** A shopping agent's server: every answer it gets is held against what UCP says of answers. */
export type Platform = (verb: Verb, asked?: Asked) => Promise<Told>;

const profile = "https://platform.test/.well-known/ucp";
const paths: Readonly<Record<Verb, (id: string) => readonly [string, string]>> = {
  create: () => ["POST", ""],
  get: (id) => ["GET", `/${id}`],
  update: (id) => ["PUT", `/${id}`],
  complete: (id) => ["POST", `/${id}/complete`],
  cancel: (id) => ["POST", `/${id}/cancel`],
};

export function overRest(town: Town): Platform {
  return async (verb, asked = {}) => {
    const [method, path] = paths[verb](asked.id ?? "");
    const { profile: named = profile, key, body } = asked;
    const response = await town.store.fetch(
      new Request(`${storeUrl}/ucp/rest/checkout-sessions${path}`, {
        method,
        headers: {
          ...(named === null ? {} : { "ucp-agent": `profile="${named}"` }),
          ...(key === undefined ? {} : { "idempotency-key": key }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    );
    const text = await response.text();
    const told = record(JSON.parse(text));
    const refusal = told["ucp"] === undefined ? String(told["code"]) : undefined;
    expect((refusal === undefined ? answerShape : protocolErrorShape).safeParse(told).error).toBeUndefined();
    return { status: response.status, body: told, refusal, text };
  };
}

export function overMcp(town: Town): Platform {
  return async (verb, asked = {}) => {
    const { profile: named = profile, key, body } = asked;
    const meta = { ...(named === null ? {} : { "ucp-agent": { profile: named } }), ...(key === undefined ? {} : { "idempotency-key": key }) };
    const id = verb === "create" ? {} : { id: asked.id };
    const answer = await bareCall(town, "tools/call", {
      name: `${verb}_checkout`,
      arguments: { meta, ...id, ...(body === undefined ? {} : { checkout: body }) },
    });
    const result = record(answer["result"]);
    const told = record(result["structuredContent"]);
    const ofCall = record(record(answer["error"])["data"])["code"];
    const code = ofCall ?? record(told["error"])["code"];
    const refusal = typeof code === "string" ? code : undefined;
    expect(result["isError"] === true).toBe(refusal !== undefined && ofCall === undefined);
    if (refusal === undefined) expect(answerShape.safeParse(told).error).toBeUndefined();
    const isAbsent = record(told["ucp"])["status"] === "error" && JSON.stringify(told).includes('"not_found"');
    return { status: isAbsent ? 404 : verb === "create" && told["id"] !== undefined ? 201 : 200, body: told, refusal, text: JSON.stringify(answer) };
  };
}

/** One request as UCP's platforms send it: bare JSON-RPC, and JSON comes back. */
export async function bareCall(
  town: Town,
  method: string,
  params: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Record<string, unknown>> {
  const response = await town.store.fetch(
    new Request(`${storeUrl}/ucp/mcp`, {
      method: "POST",
      headers: { host: "store.test", "content-type": "application/json", accept: "application/json", ...headers },
      body: JSON.stringify({ jsonrpc: "2.0", id: 7, method, params }),
    }),
  );
  expect(response.headers.get("content-type")).toContain("application/json");
  const told = record(await response.json());
  expect(told["id"] === 7 || response.status !== 200).toBe(true);
  return told;
}
