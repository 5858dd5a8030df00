import type { ErrorCode, Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import type { ScopeSet } from "./scope.ts";
import { coversScope, isScopeToken, unionScopes, withoutTransactionScopes } from "./scope.ts";
import { hasOnlyMembers, isJsonObject, member, textList } from "./shape.ts";

/** One way in which a tool may be called; a tool's list of them is a choice (SEP-1488). */
export type SecurityScheme = { readonly type: "noauth" } | { readonly type: "oauth2"; readonly scopes: ScopeSet };

/** Who asked for the call. */
export type CallOrigin = "model" | "widget" | "user";

/** How a server is used: `mixed` asks for a token when a tool needs one, `full` answers nothing without one. */
export type ConnectorMode = "mixed" | "full";

/** What the vault holds for the call's (user, issuer, resource). */
export type TokenState =
  | { readonly state: "none" }
  | { readonly state: "held"; readonly scope: ScopeSet }
  | { readonly state: "expired"; readonly refreshable: boolean; readonly scope: ScopeSet };

/** What to do before a call leaves the host. */
export type CallDecision =
  | { readonly action: "call"; readonly token: "attach" | "omit" | "refresh"; readonly reason: string }
  | { readonly action: "authorize"; readonly scope: ScopeSet; readonly reason: string }
  | { readonly action: "refuse"; readonly code: ErrorCode; readonly reason: string };

export interface CallFacts {
  readonly mode: ConnectorMode;
  readonly origin: CallOrigin;
  readonly sameConnector: boolean;
  readonly visibility: ReadonlySet<"model" | "app">;
  readonly schemes: readonly SecurityScheme[] | undefined;
  readonly token: TokenState;
}

/** What a tool's schemes amount to. */
export type SchemeKind = "undeclared" | "noauth" | "either" | "oauth2";

/** What the held token amounts to for one tool; "lacking" means it has not all the scopes that the tool demands. */
export type TokenCase = "none" | "held" | "held_lacking" | "refreshable" | "refreshable_lacking" | "expired";

type Rule = readonly [action: "attach" | "omit" | "refresh" | "authorize", reason: string];

/** Who may call what: the first row whose condition holds for the origin refuses; no such row means that the schemes decide. */
const visibilityRules: Readonly<
  Record<CallOrigin, readonly (readonly [(facts: Pick<CallFacts, "sameConnector" | "visibility">) => boolean, reason: string])[]>
> = {
  widget: [
    [(facts) => !facts.sameConnector, "a widget may call only tools of its own connector"],
    [(facts) => !facts.visibility.has("app"), "the tool's visibility does not include app"],
  ],
  model: [[(facts) => !facts.visibility.has("model"), "the tool's visibility does not include model"]],
  user: [[(facts) => facts.visibility.size === 0, "the tool is visible to nobody"]],
};

type TokenRules = Readonly<Record<SchemeKind, Readonly<Record<TokenCase, Rule>>>>;

/** What a full connector does with a tool that is content with any token. */
const anyToken: Readonly<Record<TokenCase, Rule>> = {
  none: ["authorize", "the server answers nothing without sign-in and no token is held"],
  held: ["attach", "the server answers nothing without sign-in: the token goes with every request"],
  held_lacking: ["attach", "the server answers nothing without sign-in, and the tool works without these scopes"],
  refreshable: ["refresh", "the server answers nothing without sign-in and the held token can be refreshed"],
  refreshable_lacking: ["refresh", "the server answers nothing without sign-in and the held token can be refreshed"],
  expired: ["authorize", "the server answers nothing without sign-in and the token can no longer be refreshed"],
};

const mixedRules: TokenRules = {
  undeclared: {
    none: ["omit", "the tool declares nothing and no token is held: the server will challenge if it must"],
    held: ["attach", "the tool declares nothing and a token is held"],
    held_lacking: ["attach", "the tool declares nothing and a token is held"],
    refreshable: ["refresh", "the tool declares nothing and the held token can be refreshed"],
    refreshable_lacking: ["refresh", "the tool declares nothing and the held token can be refreshed"],
    expired: ["omit", "the tool declares nothing and the token is dead: the server will challenge if it must"],
  },
  noauth: {
    none: ["omit", "the tool is anonymous"],
    held: ["omit", "the tool is anonymous: a token it does not need is not sent"],
    held_lacking: ["omit", "the tool is anonymous: a token it does not need is not sent"],
    refreshable: ["omit", "the tool is anonymous: a token it does not need is not refreshed"],
    refreshable_lacking: ["omit", "the tool is anonymous: a token it does not need is not refreshed"],
    expired: ["omit", "the tool is anonymous"],
  },
  either: {
    none: ["omit", "the tool works without sign-in"],
    held: ["attach", "the tool works without sign-in and personalises with it"],
    held_lacking: ["attach", "the tool works without these scopes and personalises with the token held"],
    refreshable: ["refresh", "the tool personalises with a token, and the held one can be refreshed"],
    refreshable_lacking: ["refresh", "the tool personalises with a token, and the held one can be refreshed"],
    expired: ["omit", "the tool works without sign-in and the token is dead"],
  },
  oauth2: {
    none: ["authorize", "the tool needs sign-in and no token is held"],
    held: ["attach", "the tool needs sign-in and the held token covers its scopes"],
    held_lacking: ["authorize", "the tool needs scopes that the held token lacks"],
    refreshable: ["refresh", "the tool needs sign-in and the held token can be refreshed"],
    refreshable_lacking: ["authorize", "the tool needs scopes that a refresh cannot add"],
    expired: ["authorize", "the tool needs sign-in and the token can no longer be refreshed"],
  },
};

/**
 * THE table: the connector's mode and the tool's schemes by the token at hand. The origin has no column, because it makes no difference here: that is the
 * point. A full connector's tools differ only in the scopes that they demand.
 */
const tokenRules: Readonly<Record<ConnectorMode, TokenRules>> = {
  mixed: mixedRules,
  full: { undeclared: anyToken, noauth: anyToken, either: anyToken, oauth2: mixedRules.oauth2 },
};

/**
 * Decides what happens before a call leaves the host. A tool that is oauth2 only is never called without a token, and nor is any tool of a full
 * connector; `authorize` asks for the union of what the tool demands and what the token had, less transactions that are over.
 */
export function decideCall(input: CallFacts): CallDecision {
  const refused = judgeVisibility(input.origin, input.sameConnector, input.visibility);
  if (refused !== undefined) return { action: "refuse", code: "tool_not_visible", reason: refused };
  const demanded = demandedScope(input.schemes, input.token);
  const [action, reason] = tokenRules[input.mode][kindOfSchemes(input.schemes)][caseOfToken(input.token, demanded)];
  if (action !== "authorize") return { action: "call", token: action, reason };
  const had = input.token.state === "none" ? new Set<string>() : withoutTransactionScopes(input.token.scope);
  return { action: "authorize", scope: unionScopes(had, demanded), reason };
}

/** Why this origin may not call the tool at all; undefined when it may. */
export function judgeVisibility(origin: CallOrigin, sameConnector: boolean, visibility: ReadonlySet<"model" | "app">): string | undefined {
  return visibilityRules[origin].find(([applies]) => applies({ sameConnector, visibility }))?.[1];
}

/** Sums up a tool's schemes. An empty list declares nothing. */
export function kindOfSchemes(schemes: readonly SecurityScheme[] | undefined): SchemeKind {
  if (schemes === undefined || schemes.length === 0) return "undeclared";
  const anonymous = schemes.some((scheme) => scheme.type === "noauth");
  const signedIn = schemes.some((scheme) => scheme.type === "oauth2");
  if (anonymous) return signedIn ? "either" : "noauth";
  return "oauth2";
}

/**
 * Reads a tool's `securitySchemes`, at the top level or else in `_meta`; `undefined` when it declares none. Refuses a malformed declaration
 * or an unknown scheme with `protocol_error`: guessing would call a protected tool anonymously.
 */
export function parseSecuritySchemes(tool: unknown): Result<readonly SecurityScheme[] | undefined, Refusal> {
  const declared = member(tool, "securitySchemes") ?? member(member(tool, "_meta"), "securitySchemes");
  if (declared === undefined) return ok(undefined);
  if (!Array.isArray(declared) || declared.length > 10) return err(refuse("protocol_error", "securitySchemes is a list of at most 10 schemes"));
  const schemes: SecurityScheme[] = [];
  for (const item of declared) {
    const scheme = readScheme(item);
    if (scheme === undefined) return err(refuse("protocol_error", "a security scheme is noauth, or oauth2 with a list of scopes"));
    schemes.push(scheme);
  }
  return ok(schemes.length === 0 ? undefined : schemes);
}

/**
 * Reads who may call a tool: `_meta.ui.visibility`, else the older `openai/visibility` and `openai/widgetAccessible`, else both. A malformed
 * declaration makes the tool visible to nobody.
 */
export function parseVisibility(tool: unknown): ReadonlySet<"model" | "app"> {
  const meta = member(tool, "_meta");
  const declared = member(member(meta, "ui"), "visibility");
  if (declared !== undefined) {
    const known = Array.isArray(declared) ? declared.filter((value) => value === "model" || value === "app") : [];
    return new Set(known);
  }
  const exposure = member(meta, "openai/visibility");
  const accessible = member(meta, "openai/widgetAccessible");
  const visible = new Set<"model" | "app">();
  if (exposure !== "private") visible.add("model");
  if (accessible === true || (exposure === undefined && accessible === undefined)) visible.add("app");
  return visible;
}

function readScheme(item: unknown): SecurityScheme | undefined {
  if (!isJsonObject(item)) return undefined;
  const type = member(item, "type");
  if (type === "noauth") return { type };
  if (type !== "oauth2" || !hasOnlyMembers(item, ["type", "scopes"])) return undefined;
  const scopes = textList(member(item, "scopes") ?? [], 100, 256);
  return scopes?.every(isScopeToken) ? { type, scopes: new Set(scopes) } : undefined;
}

/** Of several oauth2 schemes the first that the token covers counts, else the first. */
function demandedScope(schemes: readonly SecurityScheme[] | undefined, token: TokenState): ScopeSet {
  const choices = (schemes ?? []).flatMap((scheme) => (scheme.type === "oauth2" ? [scheme.scopes] : []));
  const held = token.state === "none" ? undefined : token.scope;
  const covered = held === undefined ? undefined : choices.find((choice) => coversScope(held, choice));
  return covered ?? choices[0] ?? new Set<string>();
}

function caseOfToken(token: TokenState, demanded: ScopeSet): TokenCase {
  if (token.state === "none") return "none";
  const covers = coversScope(token.scope, demanded);
  if (token.state === "held") return covers ? "held" : "held_lacking";
  if (!token.refreshable) return "expired";
  return covers ? "refreshable" : "refreshable_lacking";
}
