import type { EpochMs, Issuer, ResourceUri } from "@countersign/protocol/brand";
import { parseIssuer, parseResourceUri } from "@countersign/protocol/resource";
import { createKeySource } from "./bearer/key-source.ts";
import { type BearerVerifier, createBearerVerifier } from "./bearer/verify-token.ts";
import type { Fetch } from "./http/fetch-json.ts";
import type { Payee } from "./payment/payee.ts";
import type { ChallengeForm } from "./policy/choose-form.ts";
import type { Report } from "./report.ts";

/** What an app of the kit and a protected server of another make have in common. */
export interface SecurityOptions {
  /** Canonical URL of the MCP endpoint, audience of every token, and the only source of the metadata's address. */
  readonly resource: string;
  /** The authorization server. Without it no tool can demand sign-in. */
  readonly issuer?: string;
  /** Further Host values; the resource's own host is always allowed. */
  readonly allowedHosts?: readonly string[];
  /** Browser origins that may call; the resource's own origin is always allowed. */
  readonly allowedOrigins?: readonly string[];
  readonly challengeForm?: "auto" | ChallengeForm;
  /** Enables `requirePayment`, and publishes the payee's keys at `/.well-known/jwks.json`. */
  readonly payee?: Payee;
  readonly clock?: () => EpochMs;
  readonly fetch?: Fetch;
  readonly report?: Report;
}

/** Who the endpoint is, and whom it believes. */
export interface Identity {
  readonly resource: ResourceUri;
  readonly issuer: Issuer | undefined;
}

/** Throws on a resource that is not canonical (RFC 8707 section 2) and on what is no issuer (RFC 8414 section 2). */
export function readIdentity(options: SecurityOptions): Identity {
  const resource = parseResourceUri(options.resource);
  if (!resource.ok || resource.value !== options.resource) throw new TypeError(`not a canonical resource: ${options.resource}`);
  const issuer = options.issuer === undefined ? undefined : parseIssuer(options.issuer);
  if (issuer?.ok === false) throw new TypeError(`not an issuer: ${options.issuer}`);
  return { resource: resource.value, issuer: issuer?.value };
}

/** Judges the tokens of the configured issuer for this resource; undefined without an issuer. */
export function createVerifier(options: SecurityOptions, { resource, issuer }: Identity): BearerVerifier | undefined {
  if (issuer === undefined) return undefined;
  const clock = options.clock ?? Date.now;
  return createBearerVerifier({ issuer, resource, clock, keys: createKeySource({ issuer, clock, fetch: options.fetch ?? fetch }) });
}
