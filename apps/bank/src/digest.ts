import { createHash } from "node:crypto";
import canonicalize from "canonicalize";

/** SHA-256 over the JCS form (RFC 8785) of a JSON value, base64url: equal for requests that mean the same. */
export function digestOf(value: unknown): string {
  const canonical = canonicalize(value);
  if (canonical === undefined) throw new TypeError("only JSON values have a digest");
  return createHash("sha256").update(canonical).digest("base64url");
}
