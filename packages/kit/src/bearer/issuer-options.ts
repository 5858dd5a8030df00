import type { Issuer, ResourceUri } from "@countersign/protocol/brand";
import { isScopeToken } from "@countersign/protocol/scope";
import { parseIssuer } from "@countersign/protocol/resource";
import type { PayeeKey } from "../payment/signing-key.ts";
import type { DpopOptions } from "./verify-proof.ts";
import type { TokenFormat, TokenRules } from "../policy/read-access-claims.ts";

/** Who asks the issuer about tokens: its client for this server, by secret or by `private_key_jwt` (ES256). */
export type IntrospectionClient = { readonly clientId: string } & ({ readonly clientSecret: string } | { readonly signingKey: PayeeKey });

/** An authorization server whose tokens differ from the default: JWTs of RFC 9068 whose one audience is the app's resource. */
export interface IssuerOptions {
  /** As its metadata spells it (RFC 8414 or OpenID Connect Discovery). */
  readonly issuer: string;
  /**
   * `jwt`: signed tokens whose type is `JWT` or absent, from servers without RFC 9068. A client at the issuer: each token is asked about there (RFC 7662), also an
   * opaque one. By default `at+jwt`.
   */
  readonly tokens?: "at+jwt" | "jwt" | IntrospectionClient;
  /** The `aud` that means this app, where the server has another name for it than the resource's URL. */
  readonly audience?: string;
  /** Takes a token that is good for others too. Each of them can then use it here: trust them all. */
  readonly allowFurtherAudiences?: boolean;
  /** What stands before each scope where it is asked for, and not in the token (`api://<id>/`). Tools name the scopes with it. */
  readonly scopePrefix?: string;
  /** Takes tokens that are bound to a key of the client's, and says so in metadata and challenges. Without it a bound token is refused. */
  readonly dpop?: DpopOptions;
}

/** An issuer's options, judged. */
export interface TrustedIssuer {
  readonly issuer: Issuer;
  readonly format: TokenFormat;
  /** Asks the issuer about tokens; undefined where they are signed. */
  readonly introspection: IntrospectionClient | undefined;
  readonly dpop: DpopOptions | undefined;
  readonly rules: TokenRules;
}

/** Reads the option `issuer` of an app. Throws on what is no issuer, audience or prefix. */
export function readIssuerOptions(option: string | IssuerOptions, resource: ResourceUri): TrustedIssuer {
  const options: IssuerOptions = typeof option === "string" ? { issuer: option } : option;
  const issuer = parseIssuer(options.issuer);
  if (!issuer.ok) throw new TypeError(`not an issuer: ${options.issuer}`);
  if (options.audience === "") throw new TypeError("an audience is not empty");
  const scopePrefix = options.scopePrefix ?? "";
  if (scopePrefix !== "" && !isScopeToken(scopePrefix)) throw new TypeError(`not the beginning of a scope: ${JSON.stringify(scopePrefix)}`);
  const introspection = typeof options.tokens === "object" ? options.tokens : undefined;
  const signed = typeof options.tokens === "string" ? options.tokens : "at+jwt";
  return {
    issuer: issuer.value,
    format: introspection === undefined ? signed : "introspection",
    introspection,
    dpop: options.dpop,
    rules: {
      issuer: issuer.value,
      audience: options.audience ?? resource,
      furtherAudiences: options.allowFurtherAudiences === true ? "allowed" : "refused",
      scopePrefix,
    },
  };
}
