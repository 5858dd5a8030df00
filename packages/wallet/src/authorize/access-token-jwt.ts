import type { EpochMs } from "@countersign/protocol/brand";
import { isJsonObject } from "@countersign/protocol/shape";
import type { Database } from "@countersign/storage/database";
import { errors as joseErrors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { IncomingMessage } from "node:http";
import type Provider from "oidc-provider";
import type { KoaContextWithOIDC } from "oidc-provider";
import { isGrantAlive, revokeGrant } from "./revocation.ts";

export interface AccessTokenJwtParts {
  readonly issuer: string;
  readonly database: Database<unknown>;
  /** The keys that access tokens are signed with, those of before a rotation too. */
  readonly verificationKey: JWTVerifyGetKey;
  /** Whether this client may ask about tokens for that audience: it is the resource server. */
  readonly servesResource: (clientId: string, audience: string) => boolean;
  readonly now: () => EpochMs;
}

const tokenLengthMax = 8_192;

/**
 * oidc-provider keeps no JWT, so it refuses to introspect (RFC 7662) or revoke (RFC 7009) one. Here it is verified like a resource server would, and is active
 * as long as its family is; to revoke one ends the family, as with an opaque token. The client that asks has been authenticated before oidc-provider refuses.
 */
export function attendAccessTokenJwts(provider: Provider, parts: AccessTokenJwtParts): void {
  const refused = new WeakMap<IncomingMessage, { readonly ctx: KoaContextWithOIDC; readonly does: "introspect" | "revoke" }>();
  const remember =
    (does: "introspect" | "revoke") =>
    (ctx: KoaContextWithOIDC, error: Error): void => {
      if (error.message === "unsupported_token_type" && ctx.oidc.client !== undefined) refused.set(ctx.req, { ctx, does });
    };
  provider.on("introspection.error", remember("introspect"));
  provider.on("revocation.error", remember("revoke"));
  provider.use(async (koa, next) => {
    await next();
    const found = refused.get(koa.req);
    if (found === undefined) return;
    const { ctx, does } = found;
    const token = await readAccessToken(parts, ctx.oidc.params?.["token"]);
    const clientId = ctx.oidc.client?.clientId ?? "";
    koa.status = 200;
    if (does === "introspect") {
      koa.body = token === undefined ? { active: false } : await describe(parts, token, clientId);
      return;
    }
    koa.body = "";
    if (token !== undefined && token["client_id"] === clientId) await revokeGrant(parts.database, token.gid, parts.now());
  });
}

interface AccessTokenClaims extends JWTPayload {
  readonly gid: string;
}

/** The claims of an access token of this wallet that has not expired; undefined for anything else. */
async function readAccessToken(parts: AccessTokenJwtParts, value: unknown): Promise<AccessTokenClaims | undefined> {
  if (typeof value !== "string" || value.length > tokenLengthMax) return undefined;
  try {
    const currentDate = new Date(parts.now());
    const { payload } = await jwtVerify(value, parts.verificationKey, { issuer: parts.issuer, typ: "at+jwt", algorithms: ["ES256"], currentDate });
    const gid = payload["gid"];
    return typeof gid === "string" ? { ...payload, gid } : undefined;
  } catch (error) {
    if (error instanceof joseErrors.JOSEError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** The answer of RFC 7662 section 2.2: to the token's own client and to its resource server; to others it is not active. */
async function describe(parts: AccessTokenJwtParts, token: AccessTokenClaims, clientId: string): Promise<unknown> {
  const { gid, ...claims } = token;
  const audience = typeof claims.aud === "string" ? claims.aud : "";
  const mayKnow = claims["client_id"] === clientId || parts.servesResource(clientId, audience);
  if (!mayKnow || !(await isGrantAlive(parts.database, gid, parts.now()))) return { active: false };
  const isBound = isJsonObject(claims["cnf"]) && typeof claims["cnf"]["jkt"] === "string";
  return { ...claims, active: true, token_type: isBound ? "DPoP" : "Bearer" };
}
