import type { BrowserUrl, Issuer, ResourceUri } from "./brand.ts";
import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";

const identifierLengthMax = 2048;
const browserUrlLengthMax = 8192;
/** The characters of RFC 3986 section 2, and `%`. No blank, quote, backslash, control or non-ASCII character. */
const uriAlphabet = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/;

/** Says whether a URL's host is this machine by its name or address alone: localhost, *.localhost, 127.0.0.0/8, ::1. */
export function isLoopbackUrl(url: URL): boolean {
  const host = url.hostname;
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Says whether a URL is https, or plain http to this machine. */
export function isSecureOrLoopback(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopbackUrl(url));
}

/**
 * Reads a resource identifier (RFC 8707 section 2, RFC 9728 section 1.2) into its canonical form: scheme and host in lower case, no default
 * port, no fragment, and no slash where the path is empty. Any http(s) URL of at most 2048 characters; else `invalid_request`.
 */
export function parseResourceUri(text: string): Result<ResourceUri, Refusal> {
  const url = parseHttpUrl(text, identifierLengthMax);
  if (url === undefined) return err(refuse("invalid_request", "a resource is an absolute http(s) URL without credentials"));
  if (text.includes("#")) return err(refuse("invalid_request", "a resource has no fragment (RFC 8707 section 2)"));
  const path = url.pathname === "/" && url.search === "" ? "" : url.pathname;
  return ok(`${url.origin}${path}${url.search}` as ResourceUri);
}

/**
 * Reads an issuer identifier (RFC 8414 section 2): https, or http to this machine; no query, no fragment. The text stays exactly as given,
 * because issuers are only ever compared as plain strings. Refuses with `invalid_metadata`.
 */
export function parseIssuer(text: string): Result<Issuer, Refusal> {
  const url = parseHttpUrl(text, identifierLengthMax);
  if (url === undefined || !isSecureOrLoopback(url)) return err(refuse("invalid_metadata", "an issuer is an https URL (RFC 8414 section 2)"));
  if (text.includes("?") || text.includes("#")) return err(refuse("invalid_metadata", "an issuer has no query and no fragment"));
  return ok(text as Issuer);
}

/**
 * Reads a URL that may be opened in the user's browser: http(s), no credentials, at most 8192 characters, and only characters of RFC 3986.
 * `$(` is refused too: it means nothing in a URL and something to a shell. Refuses with `unsafe_url`.
 */
export function parseBrowserUrl(text: string): Result<BrowserUrl, Refusal> {
  const url = parseHttpUrl(text, browserUrlLengthMax);
  if (url === undefined || text.includes("$(")) return err(refuse("unsafe_url"));
  return ok(url.href as BrowserUrl);
}

function parseHttpUrl(text: string, lengthMax: number): URL | undefined {
  if (text.length > lengthMax || !uriAlphabet.test(text) || !/^https?:\/\/[^/]/i.test(text)) return undefined;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return undefined;
  return url;
}
