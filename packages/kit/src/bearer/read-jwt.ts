import type { EpochMs } from "@countersign/protocol/brand";
import { boundedText } from "@countersign/protocol/shape";
import { jwtVerify } from "jose";
import { type AccessClaims, isAccessTokenType, readAccessClaims } from "../policy/read-access-claims.ts";
import type { TrustedIssuer } from "./issuer-options.ts";
import { type KeySource, KeysUnavailable } from "./key-source.ts";

/** What a token says once its issuer vouches for it. `unverifiable`: the issuer cannot be asked, which says nothing about the token. */
export type TokenReader = (token: string) => Promise<AccessClaims | "invalid" | "unverifiable">;

const algorithms = ["ES256", "EdDSA", "Ed25519", "RS256"];

/** Reads JWT access tokens: fixed algorithms, the issuer's published keys by key id alone, the format's `typ` and claims. */
export function createJwtReader(options: { readonly trusted: TrustedIssuer; readonly keys: KeySource; readonly clock: () => EpochMs }): TokenReader {
  const { issuer, format, rules } = options.trusted;
  return async (token) => {
    try {
      const { payload, protectedHeader } = await jwtVerify(
        token,
        (header, input) => {
          if (boundedText(header.kid, 200) === undefined) throw new TypeError("the token names no key");
          return options.keys.key(header, input);
        },
        { algorithms, issuer, currentDate: new Date(options.clock()) },
      );
      const claims = isAccessTokenType(protectedHeader.typ, format) ? readAccessClaims(payload, format, rules, options.clock()) : undefined;
      return claims ?? "invalid";
    } catch (error) {
      return error instanceof KeysUnavailable ? "unverifiable" : "invalid";
    }
  };
}
