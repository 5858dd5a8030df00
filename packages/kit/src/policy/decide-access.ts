import type { ScopeSet } from "@countersign/protocol/scope";
import { coversScope, unionScopes } from "@countersign/protocol/scope";
import type { ToolAuth } from "../auth.ts";

/** What one JSON-RPC message asks for, as far as access is concerned. */
export type Demand =
  | { readonly kind: "open" }
  | { readonly kind: "tool"; readonly auth: ToolAuth }
  | { readonly kind: "unknown_tool" }
  | { readonly kind: "unknown_method" };

/** What the request proves about its caller. `unverifiable`: a token is there, but the issuer's keys cannot be read right now. */
export type TokenState =
  | { readonly state: "none" }
  | { readonly state: "invalid" }
  | { readonly state: "unverifiable" }
  | { readonly state: "valid"; readonly scope: ScopeSet };

export type AccessDecision =
  | { readonly action: "pass" }
  /** The method or tool does not exist here: answer as the protocol says, run nothing. */
  | { readonly action: "refuse" }
  | { readonly action: "challenge"; readonly status: 401; readonly code: "invalid_token" | "authorization_required"; readonly scope: ScopeSet }
  | { readonly action: "challenge"; readonly status: 403; readonly code: "insufficient_scope"; readonly scope: ScopeSet }
  | { readonly action: "unavailable" };

/** Requests that anyone may send. Whatever is not listed here and is not `tools/call` does not exist. */
const openMethods: ReadonlySet<string> = new Set([
  "initialize",
  "ping",
  "server/discover",
  "tools/list",
  "prompts/list",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "subscriptions/listen",
]);

/**
 * Reads what a message demands. Names are compared exactly: no case folding, no trimming, no normalization.
 * A message without a method is a client's response and asks for nothing.
 */
export function demandOf(method: string | undefined, toolName: string | undefined, authOf: (tool: string) => ToolAuth | undefined): Demand {
  if (method === undefined || openMethods.has(method) || method.startsWith("notifications/")) return { kind: "open" };
  if (method !== "tools/call") return { kind: "unknown_method" };
  const auth = toolName === undefined ? undefined : authOf(toolName);
  return auth === undefined ? { kind: "unknown_tool" } : { kind: "tool", auth };
}

/** The policy, one row a combination. A bad token is refused everywhere; a token that lacks scopes still reaches what anyone may reach. */
export function decideAccess(demand: Demand, token: TokenState): AccessDecision {
  const scope: ScopeSet = demand.kind === "tool" ? demand.auth.scope : new Set<string>();
  if (token.state === "invalid") return { action: "challenge", status: 401, code: "invalid_token", scope };
  if (token.state === "unverifiable") return { action: "unavailable" };
  if (demand.kind === "unknown_tool" || demand.kind === "unknown_method") return { action: "refuse" };
  if (demand.kind === "open" || demand.auth.mode !== "required") return { action: "pass" };
  if (token.state === "none") return { action: "challenge", status: 401, code: "authorization_required", scope };
  return coversScope(token.scope, scope) ? { action: "pass" } : { action: "challenge", status: 403, code: "insufficient_scope", scope };
}

const severity: Readonly<Record<AccessDecision["action"], number>> = { unavailable: 3, challenge: 2, refuse: 1, pass: 0 };

/** Judges the messages of one body as a whole: the strictest decision stands, with the scopes of every challenge in it. */
export function decideBatch(demands: readonly Demand[], token: TokenState): AccessDecision {
  const decisions = demands.map((demand) => decideAccess(demand, token));
  const strictest = decisions.reduce<AccessDecision>((worst, each) => (severity[each.action] > severity[worst.action] ? each : worst), {
    action: "pass",
  });
  if (strictest.action !== "challenge") return strictest;
  const scope = unionScopes(...decisions.map((each): ScopeSet => (each.action === "challenge" ? each.scope : new Set())));
  return { ...strictest, scope };
}
