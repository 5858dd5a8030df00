import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";

/** Scope tokens, RFC 6749 section 3.3. Order never matters and nothing appears twice. */
export type ScopeSet = ReadonlySet<string>;

const textLengthMax = 4096;
const tokenCountMax = 100;
const tokenGrammar = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const requestIdGrammar = /^pr_[A-Za-z0-9_-]{1,64}$/;
const paymentPrefix = "payment:";

/** Says whether a text is one scope token, RFC 6749 section 3.3. */
export function isScopeToken(text: string): boolean {
  return text.length <= textLengthMax && tokenGrammar.test(text);
}

/**
 * Reads a space separated scope text of at most 4096 characters and 100 tokens. An empty text is the empty set; runs of spaces are
 * accepted because they cannot change the meaning. Refuses with `invalid_request`.
 */
export function parseScope(text: string): Result<ScopeSet, Refusal> {
  if (text.length > textLengthMax) return err(refuse("invalid_request", `scope is longer than ${textLengthMax} characters`));
  const tokens = text.split(" ").filter((token) => token !== "");
  if (tokens.length > tokenCountMax) return err(refuse("invalid_request", `scope has more than ${tokenCountMax} tokens`));
  if (!tokens.every(isScopeToken)) return err(refuse("invalid_request", "scope has a character outside RFC 6749 section 3.3"));
  return ok(new Set(tokens));
}

/** Writes a scope set, sorted by code unit and separated by one space. */
export function formatScope(scope: ScopeSet): string {
  return [...scope].toSorted().join(" ");
}

/** All tokens that any of the sets has. */
export function unionScopes(...sets: readonly ScopeSet[]): ScopeSet {
  return new Set(sets.flatMap((set) => [...set]));
}

/** Says whether every demanded token is held. */
export function coversScope(held: ScopeSet, demanded: ScopeSet): boolean {
  return [...demanded].every((token) => held.has(token));
}

/** What may decide about the scope of an authorization request. */
export interface ScopeSources {
  /** From the challenge or the tool, with what is held already; empty when they name none. */
  readonly demanded: ScopeSet;
  /** What the user fixed for this server. */
  readonly fixed?: ScopeSet | undefined;
  /** `scopes_supported` of the protected resource's metadata. */
  readonly resourceSupported?: ScopeSet | undefined;
  /** `scopes_supported` of the authorization server's metadata. */
  readonly serverSupported?: ScopeSet | undefined;
}

const offlineAccess = "offline_access";

/**
 * Chooses the scope of an authorization request (MCP authorization, scope selection): what is demanded, else what the resource supports, else none, which
 * leaves the choice to the server. What the user fixed takes the place of the latter two and goes beside a demand. `offline_access`, which asks for a
 * refresh token (OpenID Connect Core section 11), is added where the server lists it.
 */
export function selectScope(sources: ScopeSources): ScopeSet {
  const { demanded, fixed, resourceSupported, serverSupported } = sources;
  const preferred = fixed ?? (demanded.size > 0 ? undefined : resourceSupported);
  const chosen = unionScopes(demanded, preferred ?? new Set());
  return chosen.size > 0 && serverSupported?.has(offlineAccess) === true ? unionScopes(chosen, new Set([offlineAccess])) : chosen;
}

/** The transaction scope of a payment request, `payment:<id>`. Throws on an id that no wallet of ours makes. */
export function paymentScope(requestId: string): string {
  if (!requestIdGrammar.test(requestId)) throw new RangeError("a payment request id is pr_ and 1 to 64 characters of the base64url alphabet");
  return paymentPrefix + requestId;
}

/** The payment request that a scope token names, or `undefined` for an ordinary scope (also one that merely begins with `payment:`). */
export function paymentRequestIdOf(scopeToken: string): string | undefined {
  if (!scopeToken.startsWith(paymentPrefix)) return undefined;
  const requestId = scopeToken.slice(paymentPrefix.length);
  return requestIdGrammar.test(requestId) ? requestId : undefined;
}

/** The ordinary scopes: what may be asked for again once a transaction is over. */
export function withoutTransactionScopes(scope: ScopeSet): ScopeSet {
  return new Set([...scope].filter((token) => paymentRequestIdOf(token) === undefined));
}
