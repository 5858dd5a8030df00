import type { MandateClaims } from "@countersign/protocol/mandate";
import { SignJWT } from "jose";
import type { SigningKey } from "../keys.ts";

/**
 * Signs a mandate: an SD-JWT (RFC 9901) without disclosures, so a JWS of type `dc+sd-jwt` with ES256 and a trailing `~`.
 */
export async function signMandate(claims: MandateClaims, key: SigningKey): Promise<string> {
  const jwt = await new SignJWT({ ...claims, aud: [...claims.aud] })
    .setProtectedHeader({ alg: "ES256", typ: "dc+sd-jwt", kid: key.kid })
    .sign(key.privateKey);
  return `${jwt}~`;
}
