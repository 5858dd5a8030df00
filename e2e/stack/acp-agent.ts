import { createHmac, randomUUID } from "node:crypto";
import { listen, portOf } from "./listen.ts";

export interface AgentReply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A shopping agent's server that speaks ACP 2026-04-17 and knows nothing of this product: an origin and an API key is all that it starts from. */
export class AcpAgent {
  readonly #origin: string;
  readonly #key: string;

  constructor(origin: string, key: string) {
    this.#origin = origin;
    this.#key = key;
  }

  /** Where the API is, as the shop's discovery document says. */
  async discover(): Promise<string> {
    const response = await fetch(`${this.#origin}/.well-known/acp.json`);
    const document = objectOf(await response.json());
    const versions = objectOf(document["protocol"])["supported_versions"];
    if (!Array.isArray(versions) || !versions.includes("2026-04-17")) throw new Error("the shop does not speak this release");
    return String(document["api_base_url"]);
  }

  /** Reads a session. */
  read(base: string, id: string): Promise<AgentReply> {
    return this.#send(`${base}/checkout_sessions/${id}`, "GET", undefined);
  }

  /** Posts to a path below the sessions, under a new idempotency key. */
  post(base: string, path: string, body: object): Promise<AgentReply> {
    return this.#send(`${base}/checkout_sessions${path}`, "POST", body);
  }

  async #send(url: string, method: string, body: object | undefined): Promise<AgentReply> {
    const response = await fetch(url, {
      method,
      headers: {
        authorization: `Bearer ${this.#key}`,
        "api-version": "2026-04-17",
        "request-id": randomUUID(),
        ...(body === undefined ? {} : { "content-type": "application/json", "idempotency-key": randomUUID() }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: objectOf(await response.json()) };
  }
}

/** Where the agent's platform is told of orders. */
export interface AgentPlatform {
  readonly url: string;
  /** Events whose signature held, by type and order. */
  readonly events: readonly { readonly type: string; readonly order: string }[];
  /** How many came whose signature did not. */
  readonly forged: number;
  close(): void;
}

/** Starts it: `Merchant-Signature` is checked against the secret and the clock as the protocol wants. */
export async function startPlatform(secret: string): Promise<AgentPlatform> {
  const events: { type: string; order: string }[] = [];
  let forged = 0;
  const server = await listen();
  server.on("request", (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      const [, time = "0", signature = ""] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(request.headers["merchant-signature"])) ?? [];
      const isFresh = Math.abs(Date.now() / 1000 - Number(time)) <= 300;
      const isSigned = signature === createHmac("sha256", secret).update(`${time}.${body}`).digest("hex");
      if (isFresh && isSigned) {
        const event = objectOf(JSON.parse(body));
        events.push({ type: String(event["type"]), order: String(objectOf(event["data"])["id"]) });
      } else {
        forged += 1;
      }
      response.writeHead(isFresh && isSigned ? 200 : 401, { "content-type": "application/json" }).end('{"received":true}');
    });
  });
  return {
    url: `http://127.0.0.1:${portOf(server)}/agentic_checkout/webhooks/order_events`,
    events,
    get forged() {
      return forged;
    },
    close: () => server.close(),
  };
}

export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
}
