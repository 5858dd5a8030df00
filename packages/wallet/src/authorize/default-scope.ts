import { formatScope } from "@countersign/protocol/scope";
import type { KoaContextWithOIDC } from "oidc-provider";
import { readScope } from "./transaction-scopes.ts";

const requestRoutes: ReadonlySet<string> = new Set(["authorization", "pushed_authorization_request", "device_authorization"]);

/**
 * A request without `scope` asks for the ordinary scopes of the resources that it names (RFC 6749 section 3.3: a default instead of a refusal). The user sees
 * them on the page like any others. One with `authorization_details` asks for something already. What this gives is called for each resource of a request.
 */
export function createDefaultScopes(): (ctx: KoaContextWithOIDC, scopes: readonly string[]) => void {
  const given = new WeakSet<KoaContextWithOIDC>();
  return (ctx, scopes) => {
    const { params, route } = ctx.oidc;
    if (params === undefined || !requestRoutes.has(route)) return;
    const isLeftOut = params["scope"] === undefined && params["authorization_details"] === undefined;
    if (!isLeftOut && !given.has(ctx)) return;
    given.add(ctx);
    const before = params["scope"];
    params["scope"] = formatScope(new Set([...readScope(typeof before === "string" ? before : ""), ...scopes]));
  };
}
