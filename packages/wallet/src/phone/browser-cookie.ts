import { randomBytes } from "node:crypto";
import { sha256 } from "../digest.ts";

/** A browser as an approval link knows it: the hash of a random value in a cookie of its own, which is there before anybody signs in. */
export interface KnownBrowser {
  readonly id: string;
  /** What makes the browser known, for an answer; undefined when it was known before. */
  readonly setCookie: string | undefined;
}

const valueGrammar = /^[A-Za-z0-9_-]{43}$/;

/** The browser of a request, or undefined when it brings no cookie. */
export function browserOf(request: Request, isHttps: boolean): string | undefined {
  const prefix = `${cookieName(isHttps)}=`;
  const pair = (request.headers.get("cookie") ?? "").split("; ").find((each) => each.startsWith(prefix));
  const value = pair?.slice(prefix.length) ?? "";
  return valueGrammar.test(value) ? sha256(value) : undefined;
}

/** The browser of a request, made known when it is not. The cookie lasts as long as the browser's session. */
export function knowBrowser(request: Request, isHttps: boolean): KnownBrowser {
  const known = browserOf(request, isHttps);
  if (known !== undefined) return { id: known, setCookie: undefined };
  const value = randomBytes(32).toString("base64url");
  const setCookie = `${cookieName(isHttps)}=${value}; Path=/; HttpOnly; SameSite=Lax${isHttps ? "; Secure" : ""}`;
  return { id: sha256(value), setCookie };
}

/** A `__Host-` cookie cannot be set by a sibling domain (RFC 6265bis section 4.1.3.2). */
function cookieName(isHttps: boolean): string {
  return isHttps ? "__Host-wallet_browser" : "wallet_browser";
}
