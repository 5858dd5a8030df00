import { isScopeToken, type ScopeSet } from "@countersign/protocol/scope";

/** Which scopes hold others. Every place that reads or writes scopes goes through the same one, so that what is asked for is what is accepted. */
export interface ScopeHierarchy {
  /** Everything that these scopes are good for: they and all that they imply. */
  holds(scope: ScopeSet): ScopeSet;
  /** The least to ask for: without what another scope of the set implies. */
  least(scope: ScopeSet): ScopeSet;
}

/** How an app writes it: a scope, and the scopes that a token with it need not carry as well. */
export type ImpliedScopes = Readonly<Record<string, readonly string[]>>;

/** Builds the hierarchy; what is implied implies in turn. Throws on what is no scope token (RFC 6749 section 3.3), and on a circle. */
export function createScopeHierarchy(implied: ImpliedScopes = {}): ScopeHierarchy {
  const direct = new Map(Object.entries(implied));
  for (const token of [...direct].flat(2)) if (!isScopeToken(token)) throw new TypeError(`not a scope token: ${JSON.stringify(token)}`);
  const below = new Map<string, ScopeSet>();
  const collect = (token: string, above: readonly string[]): ScopeSet => {
    if (above.includes(token)) throw new TypeError(`scopes that imply each other: ${[...above, token].join(" ")}`);
    const known = below.get(token);
    if (known !== undefined) return known;
    const found = new Set((direct.get(token) ?? []).flatMap((each) => [each, ...collect(each, [...above, token])]));
    below.set(token, found);
    return found;
  };
  for (const token of direct.keys()) collect(token, []);
  const impliedBy = (scope: ScopeSet): ScopeSet => new Set([...scope].flatMap((token) => [...(below.get(token) ?? [])]));
  if (below.size === 0) return { holds: (scope) => scope, least: (scope) => scope };
  return {
    holds: (scope) => new Set([...scope, ...impliedBy(scope)]),
    least(scope) {
      const spare = impliedBy(scope);
      return new Set([...scope].filter((token) => !spare.has(token)));
    },
  };
}
