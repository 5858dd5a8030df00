import type { ScopeSet } from "@countersign/protocol/scope";
import { parseScope } from "@countersign/protocol/scope";

/** Who may call a tool. The one source of enforcement, of the published `securitySchemes`, of metadata and of challenges. */
export interface ToolAuth {
  readonly mode: "anonymous" | "either" | "required";
  readonly scope: ScopeSet;
}

/** A token that carries all of these scopes (RFC 6749 section 3.3 tokens). */
export function oauth2(...scopes: readonly string[]): ToolAuth {
  return { mode: "required", scope: scopeOf(scopes) };
}

/** Anonymous callers and every signed-in one, whatever scopes the token carries. */
export function either(...scopes: readonly string[]): ToolAuth {
  return { mode: "either", scope: scopeOf(scopes) };
}

/** Anonymous; a host has no reason to attach a token. */
export function anonymous(): ToolAuth {
  return { mode: "anonymous", scope: new Set() };
}

/** One element of a tool's `securitySchemes`, as hosts read it (SEP-1488). */
export type SecuritySchemeWire = { readonly type: "noauth" } | { readonly type: "oauth2"; readonly scopes: readonly string[] };

/** The published form of a tool's auth. */
export function toSecuritySchemes(auth: ToolAuth): readonly SecuritySchemeWire[] {
  const noauth: readonly SecuritySchemeWire[] = auth.mode === "required" ? [] : [{ type: "noauth" }];
  return auth.mode === "anonymous" ? noauth : [...noauth, { type: "oauth2", scopes: [...auth.scope].sort() }];
}

function scopeOf(scopes: readonly string[]): ScopeSet {
  const parsed = parseScope(scopes.join(" "));
  if (!parsed.ok || parsed.value.size !== new Set(scopes).size) throw new TypeError(`not a list of scope tokens: ${JSON.stringify(scopes)}`);
  return parsed.value;
}
