import { createHash, randomUUID } from "node:crypto";
import { expect } from "vitest";
import type { AcpAgent } from "../../src/acp/agents.ts";
import { record } from "../stand-ins/record.ts";
import { storeUrl, type Town } from "../stand-ins/town.ts";
import { faultsOf } from "./contract.ts";

export const apiKey = "key-of-the-first-agent-0123456789";
export const otherApiKey = "key-of-the-second-agent-012345678";

export function agentWith(id: string, key: string, more: Partial<AcpAgent> = {}): AcpAgent {
  return { id, keySha256: createHash("sha256").update(key).digest("base64url"), ...more };
}

/** The agents that the store of a test knows. */
export const agents: readonly AcpAgent[] = [agentWith("first", apiKey), agentWith("second", otherApiKey)];

export interface AgentAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
  /** As it came. */
  readonly text: string;
}

export interface SendOptions {
  readonly method?: string;
  /** A text goes as it is. */
  readonly body?: unknown;
  /** Undefined: a new one. Null: none. */
  readonly key?: string | null;
  readonly apiKey?: string | null;
  readonly version?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends one request as an agent does and checks the answer against the protocol's shapes. */
export async function send(town: Pick<Town, "store">, path: string, options: SendOptions = {}): Promise<AgentAnswer> {
  const { method = "POST", body, key = randomUUID(), apiKey: bearer = apiKey, version = "2026-04-17" } = options;
  const headers = new Headers(options.headers);
  if (bearer !== null) headers.set("authorization", `Bearer ${bearer}`);
  if (version !== null) headers.set("api-version", version);
  if (method === "POST" && key !== null) headers.set("idempotency-key", key);
  if (body !== undefined && !headers.has("content-type")) headers.set("content-type", "application/json");
  const payload = typeof body === "string" ? body : JSON.stringify(body);
  const response = await town.store.fetch(
    new Request(`${storeUrl}/acp${path}`, { method, headers, ...(body === undefined ? {} : { body: payload }) }),
  );
  const text = await response.text();
  const parsed = record(JSON.parse(text));
  const shape = !response.ok ? "error" : parsed["status"] === "completed" ? "sessionWithOrder" : "session";
  expect({ text, faults: faultsOf(shape, parsed) }).toEqual({ text, faults: [] });
  return { status: response.status, headers: response.headers, body: parsed, text };
}

export const create = {
  line_items: [{ id: "stoneware-mug" }, { id: "field-notebook" }],
  currency: "eur",
  capabilities: { interventions: { supported: ["3ds"], display_context: "webview" } },
} as const;

export const home = {
  name: "Ada Lovelace",
  line_one: "Kerkstraat 1",
  city: "Utrecht",
  state: "UT",
  country: "NL",
  postal_code: "3581 AA",
} as const;

/** Makes a session; gives its id. */
export async function open(town: Town, body: unknown = create): Promise<string> {
  const made = await send(town, "/checkout_sessions", { body });
  expect(made.status).toBe(201);
  return String(made.body["id"]);
}

/** The body of a completion. */
export function payment(id: string): Record<string, unknown> {
  const credential = { type: "checkout_session", token: id };
  return { payment_data: { handler_id: "wallet", instrument: { type: "wallet_approval", credential } } };
}
