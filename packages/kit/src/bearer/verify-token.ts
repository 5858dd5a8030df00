import { hash } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { AccessClaims } from "../policy/read-access-claims.ts";
import type { ScopeHierarchy } from "../policy/scope-hierarchy.ts";
import type { TokenReader } from "./read-jwt.ts";
import { createRevocations, isRevokedBy, type Revocation } from "./revocations.ts";

export type Bearer =
  | { readonly state: "none" }
  | { readonly state: "invalid" }
  | { readonly state: "unverifiable" }
  | ({ readonly state: "valid" } & AccessClaims);

export interface BearerVerifier {
  /** Judges the value of an Authorization header. A header that is there but holds no valid token is `invalid`, never `none`. */
  judge(authorization: string | null): Promise<Bearer>;
  /** Takes up that tokens have ended: what was remembered of them is dropped, and they are refused from now on. */
  forget(revocation: Revocation): void;
}

const tokenLengthMax = 8192;
const cacheSizeDefault = 2048;
const cacheMs = 60_000;

/**
 * Judges access tokens by what `read` says of them, with everything that their scopes imply. Sender-constrained tokens are refused, because their proof would go
 * unchecked. Good tokens are remembered by digest for a minute, at most `cacheSizeMax` of them.
 */
export function createBearerVerifier(options: {
  readonly read: TokenReader;
  readonly scopes: ScopeHierarchy;
  readonly clock: () => EpochMs;
  readonly cacheSizeMax?: number;
}): BearerVerifier {
  const cacheSizeMax = options.cacheSizeMax ?? cacheSizeDefault;
  const cache = new Map<string, { readonly token: AccessClaims; readonly until: EpochMs }>();
  const revocations = createRevocations();

  const remember = (digest: string, token: AccessClaims): void => {
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
      const read = await options.read(token);
      if (read === "invalid" || read === "unverifiable") return { state: read };
      // Asked after the reading, so that what ended while it was under way is not remembered.
      if (read.keyThumbprint !== undefined || revocations.cover(read)) return { state: "invalid" };
      const verified = { ...read, scope: options.scopes.holds(read.scope) };
      remember(digest, verified);
      return { state: "valid", ...verified };
    },
    forget(revocation) {
      const ended = revocations.add(revocation, options.clock());
      for (const [digest, { token }] of cache) if (isRevokedBy(token, ended)) cache.delete(digest);
    },
  };
}
