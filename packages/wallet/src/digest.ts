import { hash } from "node:crypto";
import canonicalize from "canonicalize";

/** SHA-256 as unpadded base64url. Strings are hashed as UTF-8. */
export function sha256(input: string | Uint8Array): string {
  return hash("sha256", input, "base64url");
}

/** SHA-256 over the canonical JSON (RFC 8785) of a value. Throws on what is not JSON. */
export function sha256OfJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("only JSON has a canonical form");
  return sha256(text);
}
