import { createHash, timingSafeEqual } from "node:crypto";
import { Secret } from "@countersign/protocol/secret";
import { z } from "zod";

/** Where an agent's platform takes the events of its orders, and the secret that signs them. */
export interface AgentWebhook {
  readonly url: string;
  readonly secret: Secret;
}

/** A shopping agent that may buy over ACP. Only the digest of its API key is known here: SHA-256, base64url. */
export interface AcpAgent {
  readonly id: string;
  readonly keySha256: string;
  readonly webhook?: AgentWebhook;
}

const configured = z
  .array(
    z.strictObject({
      id: z.string().regex(/^[a-z0-9-]{1,64}$/),
      key_sha256: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
      webhook: z.strictObject({ url: z.url({ protocol: /^https?$/ }).max(2_048), secret: z.string().min(32).max(512) }).exactOptional(),
    }),
  )
  .max(1_000)
  .refine((agents) => hasNoTwins(agents.map((agent) => agent.id)) && hasNoTwins(agents.map((agent) => agent.key_sha256)));

/** Reads the agents of the store's configuration. Throws on another shape, and when two have one id or one key. */
export function readAgents(value: unknown): readonly AcpAgent[] {
  return configured.parse(value).map(({ id, key_sha256: keySha256, webhook }) => ({
    id,
    keySha256,
    ...(webhook === undefined ? {} : { webhook: { url: webhook.url, secret: new Secret(webhook.secret) } }),
  }));
}

/** Who made a checkout over ACP, as the checkout keeps it. Agents of other protocols have other names. */
export function principalOf(agent: Pick<AcpAgent, "id">): string {
  return `acp:${agent.id}`;
}

/** The agent whose API key a request bears (RFC 6750 section 2.1), or undefined. Every agent is compared, each in constant time. */
export function findAgent(agents: readonly AcpAgent[], authorization: string | null): AcpAgent | undefined {
  const key = /^Bearer ([\x21-\x7e]{16,512})$/i.exec(authorization ?? "")?.[1];
  if (key === undefined) return undefined;
  const digest = createHash("sha256").update(key).digest();
  const [found] = agents.filter((agent) => isSame(Buffer.from(agent.keySha256, "base64url"), digest));
  return found;
}

function isSame(known: Buffer, given: Buffer): boolean {
  return known.length === given.length && timingSafeEqual(known, given);
}

function hasNoTwins(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}
