import { hash } from "node:crypto";
import type { EpochMs, Issuer, ResourceUri } from "@countersign/protocol/brand";
import { parseScope, type ScopeSet } from "@countersign/protocol/scope";
import { boundedText } from "@countersign/protocol/shape";
import { type JWTPayload, jwtVerify } from "jose";
import type { KeySource } from "./key-source.ts";
import { KeysUnavailable } from "./key-source.ts";

/** What a verified access token says (RFC 9068 section 2.2). The token itself is not kept: there is nothing to forward. */
export interface VerifiedToken {
  readonly subject: string;
  readonly clientId: string;
  readonly scope: ScopeSet;
  readonly expiresAt: EpochMs;
}

export type Bearer =
  | { readonly state: "none" }
  | { readonly state: "invalid" }
  | { readonly state: "unverifiable" }
  | ({ readonly state: "valid" } & VerifiedToken);

export interface BearerVerifier {
  /** Judges the value of an Authorization header. A header that is there but holds no valid token is `invalid`, never `none`. */
  judge(authorization: string | null): Promise<Bearer>;
}

const tokenLengthMax = 8192;
const cacheSizeDefault = 2048;
const cacheMs = 60_000;
const algorithms = ["ES256", "EdDSA", "Ed25519", "RS256"];

/**
 * Verifies JWT access tokens: fixed algorithms, `typ: at+jwt`, the issuer's published keys by key id alone, `iss`, `exp`, and an audience that is
 * this resource and nothing else. Sender-constrained tokens are refused, because their proof would go unchecked.
 * Verified tokens are remembered by digest for a minute, at most `cacheSizeMax` of them.
 */
export function createBearerVerifier(options: {
  readonly issuer: Issuer;
  readonly resource: ResourceUri;
  readonly keys: KeySource;
  readonly clock: () => EpochMs;
  readonly cacheSizeMax?: number;
}): BearerVerifier {
  const cacheSizeMax = options.cacheSizeMax ?? cacheSizeDefault;
  const cache = new Map<string, { readonly token: VerifiedToken; readonly until: EpochMs }>();

  const remember = (digest: string, token: VerifiedToken): void => {
    const oldest = cache.size >= cacheSizeMax ? cache.keys().next().value : undefined;
    if (oldest !== undefined) cache.delete(oldest);
    cache.set(digest, { token, until: Math.min(token.expiresAt, options.clock() + cacheMs) });
  };

  return {
    async judge(authorization) {
      if (authorization === null) return { state: "none" };
      const token = /^Bearer ([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization)?.[1];
      if (token === undefined || token.length > tokenLengthMax) return { state: "invalid" };
      const digest = hash("sha256", token, "base64url");
      const known = cache.get(digest);
      if (known !== undefined) {
        if (options.clock() < known.until) return { state: "valid", ...known.token };
        cache.delete(digest);
      }
      const verified = await verify(token, options);
      if (verified === "invalid" || verified === "unverifiable") return { state: verified };
      remember(digest, verified);
      return { state: "valid", ...verified };
    },
  };
}

async function verify(token: string, options: Parameters<typeof createBearerVerifier>[0]): Promise<VerifiedToken | "invalid" | "unverifiable"> {
  try {
    const { payload } = await jwtVerify(
      token,
      (header, input) => {
        if (boundedText(header.kid, 200) === undefined) throw new TypeError("the token names no key");
        return options.keys.key(header, input);
      },
      {
        algorithms,
        typ: "at+jwt",
        issuer: options.issuer,
        audience: options.resource,
        currentDate: new Date(options.clock()),
        requiredClaims: ["iss", "aud", "exp", "iat", "jti", "sub", "client_id"],
      },
    );
    return readClaims(payload, options.resource) ?? "invalid";
  } catch (error) {
    return error instanceof KeysUnavailable ? "unverifiable" : "invalid";
  }
}

function readClaims(payload: JWTPayload, resource: ResourceUri): VerifiedToken | undefined {
  const audience = Array.isArray(payload.aud) ? payload.aud : [payload.aud];
  if (audience.length !== 1 || audience[0] !== resource || payload["cnf"] !== undefined) return undefined;
  const subject = boundedText(payload.sub, 256);
  const clientId = boundedText(payload["client_id"], 2048);
  const scopeText = payload["scope"] ?? "";
  const scope = typeof scopeText === "string" ? parseScope(scopeText) : undefined;
  if (subject === undefined || clientId === undefined || !scope?.ok || payload.exp === undefined) return undefined;
  return { subject, clientId, scope: scope.value, expiresAt: payload.exp * 1000 };
}
