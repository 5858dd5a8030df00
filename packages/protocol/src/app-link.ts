import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import { isLoopbackUrl, parseBrowserUrl } from "./resource.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import { matchesSource } from "./sandbox.ts";

/** What the judgement of a widget's address rests on. `issuers`: every authorization server that the host knows of for this user. */
export interface LinkFacts {
  readonly linkDomains: readonly string[];
  readonly issuers: readonly string[];
}

/** An address that may be opened. `trusted`: its origin is declared by the app, so the user need not be asked first. */
export interface AppLink {
  readonly url: URL;
  readonly trusted: boolean;
}

/** Also what its redirect URIs begin with: an address that names one would bring the host's own code to an app. */
export interface PopupFacts extends LinkFacts {
  readonly hostOrigin: string;
  readonly development: boolean;
}

/**
 * Judges an address that a widget asks the host to open (V12): http(s) without credentials, and never a sign-in page, because only the host
 * starts sign-ins. Refuses with `unsafe_url`.
 */
export function judgeAppLink(text: string, facts: LinkFacts): Result<AppLink, Refusal> {
  const parsed = parseBrowserUrl(text);
  if (!parsed.ok) return parsed;
  const url = new URL(parsed.value);
  const asksForCode = url.searchParams.has("client_id") && (url.searchParams.has("response_type") || url.searchParams.has("request_uri"));
  if (asksForCode || (isAtIssuer(url, facts.issuers) && /\/(authorize|auth|device)\b/.test(url.pathname))) {
    return err(refuse("unsafe_url", "an app may not open a sign-in page"));
  }
  return ok({ url, trusted: matchesSource(url, facts.linkDomains) });
}

/**
 * Judges an address for the window that comes back with parameters: https (http on loopback in development), at an origin that the app declares,
 * never at an issuer that the host itself signs in to, and naming no address of the host. Refuses with `unsafe_url` (V12).
 */
export function judgeAppPopup(text: string, facts: PopupFacts): Result<URL, Refusal> {
  const parsed = parseBrowserUrl(text);
  if (!parsed.ok) return parsed;
  const url = new URL(parsed.value);
  if (url.protocol !== "https:" && !(facts.development && isLoopbackUrl(url))) return err(refuse("unsafe_url", "only https addresses come back"));
  if (!matchesSource(url, facts.linkDomains)) return err(refuse("unsafe_url", "the app does not declare this origin in redirect_domains"));
  if (isAtIssuer(url, facts.issuers)) return err(refuse("unsafe_url", "only the host starts sign-ins at this server"));
  const namesHost = [...url.searchParams.values()].some((value) => URL.canParse(value) && new URL(value).origin === facts.hostOrigin);
  if (namesHost || url.origin === facts.hostOrigin) return err(refuse("unsafe_url", "the address names one of the host's own"));
  return ok(url);
}

function isAtIssuer(url: URL, issuers: readonly string[]): boolean {
  return issuers.some((issuer) => URL.canParse(issuer) && new URL(issuer).origin === url.origin);
}
