import type { EpochMs } from "@countersign/protocol/brand";
import { parseResourceUri } from "@countersign/protocol/resource";
import { paymentRequestIdOf } from "@countersign/protocol/scope";
import type { Database } from "@countersign/storage/database";
import type { Client, KoaContextWithOIDC, ResourceServer } from "oidc-provider";
import { errors } from "oidc-provider";
import { deviceGrant, type WalletResource } from "../options.ts";
import type { ServerInterface } from "./client-token.ts";
import { createDefaultScopes } from "./default-scope.ts";
import { readPaymentResult } from "./payment-result.ts";
import { grantableTransactionScopes, type JudgedTransaction, judgeTransactions, readScope, requestedTransactions } from "./transaction-scopes.ts";

/** Access tokens for resource servers cannot be revoked, so they are short. */
export const accessTokenTtlSeconds = 300;

const identityScopes: ReadonlySet<string> = new Set(["openid", "offline_access"]);

export interface ResourceParts {
  readonly database: Pick<Database<unknown>, "records">;
  readonly resources: readonly WalletResource[];
  /** The wallet's own interfaces between servers. */
  readonly interfaces: readonly ServerInterface[];
  readonly now: () => EpochMs;
}

export interface Resources {
  /** The configured resource of an indicator (RFC 8707), compared in canonical form. */
  find(indicator: string): WalletResource | undefined;
  /** The transaction scopes of an authorization request, judged once a request. */
  transactions(ctx: KoaContextWithOIDC): Promise<readonly JudgedTransaction[]>;
  /** The indicator by which the request named a resource, as it stands in grants. */
  indicatorOf(ctx: KoaContextWithOIDC, resource: string | undefined): string | undefined;
  /** The ordinary scopes of each resource that the request names, by the indicator as given. */
  scopesByIndicator(ctx: KoaContextWithOIDC): readonly (readonly [string, readonly string[]])[];
  serverInfo(ctx: KoaContextWithOIDC, indicator: string, client: Client): Promise<ResourceServer>;
  defaultResource(ctx: KoaContextWithOIDC, client: Client, oneOf?: string | readonly string[]): Promise<string | string[]>;
}

export function createResources(parts: ResourceParts): Resources {
  const judged = new WeakMap<KoaContextWithOIDC, Promise<readonly JudgedTransaction[]>>();
  const giveDefault = createDefaultScopes();
  const find = (indicator: string): WalletResource | undefined => {
    const canonical = parseResourceUri(indicator);
    return canonical.ok ? parts.resources.find((each) => each.resource === canonical.value) : undefined;
  };
  const transactions = (ctx: KoaContextWithOIDC): Promise<readonly JudgedTransaction[]> => {
    const known = judged.get(ctx);
    if (known !== undefined) return known;
    const judging = judgeTransactions(parts.database, requestedTransactions(paramText(ctx, "scope"), paramText(ctx, "authorization_details")), {
      resources: requestedIndicators(ctx).flatMap((each) => find(each)?.resource ?? []),
      approvedHere: readPaymentResult(ctx.oidc.result)?.approved ?? [],
      now: parts.now(),
    });
    judged.set(ctx, judging);
    return judging;
  };
  return {
    find,
    transactions,
    indicatorOf: (ctx, resource) => requestedIndicators(ctx).find((each) => find(each)?.resource === resource),

    scopesByIndicator: (ctx) => requestedIndicators(ctx).map((each) => [each, Object.keys(find(each)?.scopes ?? {})] as const),

    async serverInfo(ctx, indicator, client) {
      const own = parts.interfaces.find((each) => each.resource === indicator);
      if (own !== undefined && client.grantTypeAllowed("client_credentials")) {
        return { scope: own.scope, audience: own.resource, accessTokenTTL: accessTokenTtlSeconds, accessTokenFormat: "opaque" };
      }
      const resource = find(indicator);
      // A client that may act for users and in its own name gets no user's token in its own name.
      const isOwnName = ctx.oidc.route === "token" && paramText(ctx, "grant_type") === "client_credentials";
      const actsForUsers = !isOwnName && (client.grantTypeAllowed("authorization_code") || client.grantTypeAllowed(deviceGrant));
      if (resource === undefined || !actsForUsers) throw new errors.InvalidTarget();
      giveDefault(ctx, Object.keys(resource.scopes));
      const extra =
        ctx.oidc.route === "token" ? transactionScopesOfCode(ctx) : grantableTransactionScopes(await transactions(ctx), resource.resource);
      return {
        scope: [...Object.keys(resource.scopes), ...extra].join(" "),
        audience: resource.resource,
        accessTokenTTL: accessTokenTtlSeconds,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "ES256" } },
      };
    },

    async defaultResource(ctx, _client, oneOf) {
      if (oneOf !== undefined) return typeof oneOf === "string" ? oneOf : [...oneOf];
      const wanted = [...readScope(paramText(ctx, "scope"))].filter((token) => !identityScopes.has(token));
      if (wanted.length > 0) throw new errors.InvalidTarget("a resource is required (RFC 8707)");
      return [];
    },
  };
}

/** Only the exchange of a code gives the scope of a payment; a refresh has no code, so it never does. */
function transactionScopesOfCode(ctx: KoaContextWithOIDC): readonly string[] {
  const { AuthorizationCode: code, DeviceCode: deviceCode } = ctx.oidc.entities;
  const scope = code?.scope ?? deviceCode?.scope ?? "";
  return [...readScope(scope)].filter((token) => paymentRequestIdOf(token) !== undefined);
}

/** A text parameter of the request; anything else is empty. */
export function paramText(ctx: KoaContextWithOIDC, name: string): string {
  const value = ctx.oidc.params?.[name];
  return typeof value === "string" ? value : "";
}

/** The resource indicators of the request (RFC 8707), as given. */
export function requestedIndicators(ctx: KoaContextWithOIDC): readonly string[] {
  const value: unknown = ctx.oidc.params?.["resource"];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((each) => typeof each === "string");
}
