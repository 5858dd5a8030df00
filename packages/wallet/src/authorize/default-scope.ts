import { formatScope } from "@countersign/protocol/scope";
import type Provider from "oidc-provider";
import type { Resources } from "./resources.ts";

/**
 * An authorization request without `scope` asks for the ordinary scopes of the resources that it names (RFC 6749 section 3.3: a default instead of a refusal).
 * The user sees them on the consent page like any others. One with `authorization_details` asks for something already.
 */
export function defaultScopes(provider: Provider, resources: Resources): void {
  provider.use(async (ctx, next) => {
    // A parameter without a value counts as left out (RFC 6749 section 3.1).
    if (ctx.path === "/authorize" && (ctx.query["scope"] ?? "") === "" && (ctx.query["authorization_details"] ?? "") === "") {
      const named = [ctx.query["resource"] ?? []].flat();
      const scopes = named.flatMap((each) => Object.keys(resources.find(each)?.scopes ?? {}));
      if (scopes.length > 0) ctx.query = { ...ctx.query, scope: formatScope(new Set(scopes)) };
    }
    await next();
  });
}
