import { createHash, randomBytes } from "node:crypto";
import canonicalize from "canonicalize";

/** SHA-256 of a text, as base64url (43 characters). */
export function digestText(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("base64url");
}

/** SHA-256 over the canonical form (RFC 8785) of a JSON value, as base64url. Equal values give equal digests whatever their member order. */
export function digestJson(value: unknown): string {
  return digestText(canonicalize(value) ?? "");
}

/** A 256-bit unguessable token, base64url (43 characters). Stored only as its digest. */
export function newToken(): string {
  return randomBytes(32).toString("base64url");
}

/** A 128-bit random record id with the prefix of its kind, such as `call_...`. */
export function newId(prefix: string): string {
  return `${prefix}_${randomBytes(16).toString("base64url")}`;
}
