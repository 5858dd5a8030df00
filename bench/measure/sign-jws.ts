import { type KeyObject, sign } from "node:crypto";

/** A compact ES256 JWS (RFC 7515 section 3.1, RFC 7518 section 3.4). */
export function signJws(header: object, claims: object, key: KeyObject): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}
