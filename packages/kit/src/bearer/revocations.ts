import type { EpochMs } from "@countersign/protocol/brand";
import type { AccessClaims } from "../policy/read-access-claims.ts";

/** What has ended: one token by its `jti`; all tokens of a grant by `gid` or `sid`; all that a user's apps hold so far, by `sub`. */
export type Revocation = { readonly token: string } | { readonly grant: string } | { readonly subject: string };

/** A revocation, and when this server learned of it. */
export interface EndedTokens {
  readonly revocation: Revocation;
  readonly at: EpochMs;
}

/** What has ended, as far as this process was told. */
export interface Revocations {
  add(revocation: Revocation, now: EpochMs): EndedTokens;
  /** Whether a token is among what has ended. */
  cover(token: AccessClaims): boolean;
}

const countMax = 10_000;

/** Keeps the newest ten thousand revocations. A signed token that ended is good until its `exp` for whoever is not told: see the issuer's lifetime of tokens. */
export function createRevocations(): Revocations {
  const ended = new Map<string, EndedTokens>();
  return {
    add(revocation, at) {
      const key = JSON.stringify(revocation);
      const entry = { revocation, at };
      ended.delete(key);
      ended.set(key, entry);
      const oldest = ended.size > countMax ? ended.keys().next().value : undefined;
      if (oldest !== undefined) ended.delete(oldest);
      return entry;
    },
    cover(token) {
      if (ended.size === 0) return false;
      const names: readonly Revocation[] = [
        { subject: token.subject },
        ...(token.id === undefined ? [] : [{ token: token.id }]),
        ...(token.grant === undefined ? [] : [{ grant: token.grant }]),
      ];
      return names.some((name) => {
        const entry = ended.get(JSON.stringify(name));
        return entry !== undefined && isRevokedBy(token, entry);
      });
    },
  };
}

/** A subject's tokens are those issued up to then, to the second that `iat` has; one that does not say when it was issued counts as old. */
export function isRevokedBy(token: AccessClaims, { revocation, at }: EndedTokens): boolean {
  if ("token" in revocation) return token.id === revocation.token;
  if ("grant" in revocation) return token.grant === revocation.grant;
  return token.subject === revocation.subject && (token.issuedAt ?? 0) <= at;
}
