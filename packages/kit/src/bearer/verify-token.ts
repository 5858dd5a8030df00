import { hash } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { ProofProblem } from "../policy/judge-proof.ts";
import type { AccessClaims } from "../policy/read-access-claims.ts";
import type { ScopeHierarchy } from "../policy/scope-hierarchy.ts";
import type { TokenReader } from "./read-jwt.ts";
import { createRevocations, isRevokedBy, type Revocation } from "./revocations.ts";
import type { ProofVerifier, ProvedRequest } from "./verify-proof.ts";

export type Bearer =
  | { readonly state: "none" }
  | { readonly state: "invalid"; readonly scheme?: "dpop"; readonly problem?: ProofProblem }
  | { readonly state: "unverifiable" }
  | ({ readonly state: "valid" } & AccessClaims);

export interface BearerVerifier {
  /**
   * Judges the value of an Authorization header. A header that is there but holds no valid token is `invalid`, never `none`.
   *
   * @param request the request that came with it, for a token that is bound to a key; without one no such token is taken
   */
  judge(authorization: string | null, request?: ProvedRequest): Promise<Bearer>;
  /** Takes up that tokens have ended: what was remembered of them is dropped, and they are refused from now on. */
  forget(revocation: Revocation): void;
  /** The newest nonce for proofs; undefined where they need none. */
  readonly nonce: (() => string) | undefined;
}

const tokenLengthMax = 8192;
const cacheSizeDefault = 2048;
const cacheMs = 60_000;

/**
 * Judges access tokens by what `read` says of them, with everything that their scopes imply. Good tokens are remembered by digest for a minute, at most
 * `cacheSizeMax` of them. A token that is bound to a key needs the proof of each request besides, and never goes as Bearer (O21).
 */
export function createBearerVerifier(options: {
  readonly read: TokenReader;
  readonly scopes: ScopeHierarchy;
  readonly clock: () => EpochMs;
  /** Undefined where no bound token is taken. */
  readonly proofs?: ProofVerifier | undefined;
  readonly cacheSizeMax?: number;
}): BearerVerifier {
  const cacheSizeMax = options.cacheSizeMax ?? cacheSizeDefault;
  const cache = new Map<string, { readonly token: AccessClaims; readonly until: EpochMs }>();
  const revocations = createRevocations();
  const { proofs } = options;

  const remember = (digest: string, token: AccessClaims): void => {
    const oldest = cache.size >= cacheSizeMax ? cache.keys().next().value : undefined;
    if (oldest !== undefined) cache.delete(oldest);
    cache.set(digest, { token, until: Math.min(token.expiresAt, options.clock() + cacheMs) });
  };
  const readOnce = async (token: string): ReturnType<TokenReader> => {
    const digest = hash("sha256", token, "base64url");
    const known = cache.get(digest);
    if (known !== undefined) {
      if (options.clock() < known.until) return known.token;
      cache.delete(digest);
    }
    const read = await options.read(token);
    if (typeof read === "string") return read;
    // Asked after the reading, so that what ended while it was under way is not remembered.
    if (revocations.cover(read)) return "invalid";
    const verified = { ...read, scope: options.scopes.holds(read.scope) };
    remember(digest, verified);
    return verified;
  };

  const nonces = proofs?.nonces;
  return {
    nonce: nonces && (() => nonces.current()),
    async judge(authorization, request) {
      if (authorization === null) return { state: "none" };
      const [, scheme, token] = /^(Bearer|DPoP) ([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization) ?? [];
      if (scheme === undefined || token === undefined || token.length > tokenLengthMax) return { state: "invalid" };
      const claims = await readOnce(token);
      if (claims === "unverifiable") return { state: claims };
      if (scheme.toLowerCase() === "bearer") {
        const isPlain = claims !== "invalid" && claims.keyThumbprint === undefined && proofs?.tokens !== "required";
        return isPlain ? { state: "valid", ...claims } : { state: "invalid" };
      }
      if (claims === "invalid" || claims.keyThumbprint === undefined || proofs === undefined || request === undefined)
        return { state: "invalid", scheme: "dpop" };
      const proof = await proofs.verify(request, token, claims.keyThumbprint);
      if (proof === "good") return { state: "valid", ...claims };
      return proof === "unverifiable" ? { state: proof } : { state: "invalid", scheme: "dpop", problem: proof };
    },
    forget(revocation) {
      const ended = revocations.add(revocation, options.clock());
      for (const [digest, { token }] of cache) if (isRevokedBy(token, ended)) cache.delete(digest);
    },
  };
}
