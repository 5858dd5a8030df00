import type { EpochMs, Issuer, ResourceUri } from "@countersign/protocol/brand";
import { parseResourceUri } from "@countersign/protocol/resource";
import { type IssuerOptions, readIssuerOptions, type TrustedIssuer } from "./bearer/issuer-options.ts";
import { createIntrospector } from "./bearer/introspect-token.ts";
import { createKeySource } from "./bearer/key-source.ts";
import { createJwtReader } from "./bearer/read-jwt.ts";
import { createProofVerifier } from "./bearer/verify-proof.ts";
import { type BearerVerifier, createBearerVerifier } from "./bearer/verify-token.ts";
import type { Fetch } from "./http/fetch-json.ts";
import type { Payee } from "./payment/payee.ts";
import type { ApprovalForm } from "./policy/choose-approval.ts";
import type { ChallengeForm } from "./policy/choose-form.ts";
import { createScopeHierarchy, type ImpliedScopes, type ScopeHierarchy } from "./policy/scope-hierarchy.ts";
import type { Report } from "./report.ts";

/** What an app of the kit and a protected server of another make have in common. */
export interface SecurityOptions {
  /** Canonical URL of the MCP endpoint, audience of every token, and the only source of the metadata's address. */
  readonly resource: string;
  /** The authorization server; its options where its tokens differ from RFC 9068. Without it no tool can demand sign-in. */
  readonly issuer?: string | IssuerOptions;
  /** Scopes that imply others: `{ "orders:write": ["orders:read"] }`. A token with the former serves wherever the latter is demanded. */
  readonly scopes?: ImpliedScopes;
  /** Further Host values; the resource's own host is always allowed. */
  readonly allowedHosts?: readonly string[];
  /** Browser origins that may call; the resource's own origin is always allowed. */
  readonly allowedOrigins?: readonly string[];
  readonly challengeForm?: "auto" | ChallengeForm;
  /** How `requirePayment` asks: by the client's own sign-in, by an address that the client shows, or by a link in a result. */
  readonly approvalForm?: "auto" | ApprovalForm;
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
  /** How the issuer's tokens are judged. */
  readonly trusted: TrustedIssuer | undefined;
  readonly scopes: ScopeHierarchy;
}

/** Throws on a resource that is not canonical (RFC 8707 section 2), on what is no issuer (RFC 8414 section 2), and on scopes that imply each other. */
export function readIdentity(options: SecurityOptions): Identity {
  const resource = parseResourceUri(options.resource);
  if (!resource.ok || resource.value !== options.resource) throw new TypeError(`not a canonical resource: ${options.resource}`);
  const trusted = options.issuer === undefined ? undefined : readIssuerOptions(options.issuer, resource.value);
  return { resource: resource.value, issuer: trusted?.issuer, trusted, scopes: createScopeHierarchy(options.scopes) };
}

/** Judges the tokens of the configured issuer for this resource; undefined without an issuer. Nothing is fetched before the first token comes. */
export function createVerifier(options: SecurityOptions, { resource, trusted, scopes }: Identity): BearerVerifier | undefined {
  if (trusted === undefined) return undefined;
  const clock = options.clock ?? Date.now;
  const send = options.fetch ?? fetch;
  const read =
    trusted.introspection === undefined
      ? createJwtReader({ trusted, keys: createKeySource({ issuer: trusted.issuer, clock, fetch: send }), clock })
      : createIntrospector({ trusted, client: trusted.introspection, clock, fetch: send });
  const proofs = trusted.dpop && createProofVerifier(trusted.dpop, { resource, clock });
  return createBearerVerifier({ read, scopes, clock, proofs });
}
