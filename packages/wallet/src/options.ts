import type { EpochMs } from "@countersign/protocol/brand";
import type { Secret } from "@countersign/protocol/secret";
import type { JSONWebKeySet } from "jose";
import type { LimitDefaults } from "./limits/settings.ts";
import type { PresentedFetch } from "./authorize/presented-fetch.ts";

/** The grant of RFC 8628. */
export const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

/**
 * A pre-registered client, in the words of RFC 7591. `client_id` may be the address of a client's metadata document: what stands here counts then, and nothing is fetched.
 * `client_secret`, 24 characters or more, goes with the two secret methods only.
 */
export interface WalletClient {
  readonly client_id: string;
  readonly client_name: string;
  readonly client_uri?: string;
  readonly token_endpoint_auth_method: "none" | "private_key_jwt" | "client_secret_basic" | "client_secret_post";
  readonly token_endpoint_auth_signing_alg?: "ES256" | "RS256";
  readonly client_secret?: Secret;
  readonly grant_types: readonly ("authorization_code" | "refresh_token" | "client_credentials" | typeof deviceGrant)[];
  readonly redirect_uris?: readonly string[];
  readonly application_type?: "web" | "native";
  readonly jwks_uri?: string;
  readonly jwks?: JSONWebKeySet;
  /** Where a payee is told of each change of its payment requests: https, or loopback while the wallet is on loopback. */
  readonly webhook_uri?: string;
}

/** Who may be a client without having been registered by the operator. */
export interface OpenClients {
  /** Clients whose id is the address of their metadata document: on any host, on none, or on these hosts. */
  readonly documents: "any" | "none" | readonly string[];
  /** Clients that register themselves (RFC 7591). Default: none. */
  readonly registration?: boolean;
}

/**
 * A resource server that trusts this wallet. `scopes` maps each ordinary scope to the line that the consent page shows. `client_id` is the client that the
 * resource server itself is: it may ask about tokens that were sent to it (RFC 7662), and payments to it at this server may be approved by a policy.
 */
export interface WalletResource {
  readonly resource: string;
  readonly name: string;
  readonly client_id?: string;
  readonly scopes: Readonly<Record<string, string>>;
}

/**
 * `publicUrl`: the issuer, an origin without a path; the only source of every link and of the RP id. `bankUrl`: where funding accounts are kept.
 * `sealingKey`: 32 bytes in base64url; `otherSealingKeys` only open what they sealed: one that was replaced, or one that will replace it. `rateFactor`: multiplies every bound on how often something may be asked (rates/bounds.ts), default 1. `markFile`: where to keep a number, beside the
 * sealing key, by which a database that was replaced by its backup is recognized. `now`: the clock.
 */
export interface WalletOptions {
  readonly publicUrl: string;
  readonly databaseUrl: string | Secret;
  readonly sealingKey: Secret;
  readonly otherSealingKeys?: readonly Secret[];
  readonly bankUrl: string;
  readonly clients: readonly WalletClient[];
  readonly resources: readonly WalletResource[];
  readonly rateFactor?: number;
  readonly markFile?: string;
  /** What accounts may spend that have set no limits themselves, and where their days begin. Default: `defaultLimits`. */
  readonly limits?: LimitDefaults;
  /** Default: metadata documents on any host. */
  readonly openClients?: OpenClients;
  /** How documents and key sets of clients that present themselves are fetched; by default only from public addresses. */
  readonly fetchPresented?: PresentedFetch;
  readonly now?: () => EpochMs;
}
