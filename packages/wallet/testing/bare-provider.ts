import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { Server } from "node:http";
import { DatabaseSync } from "node:sqlite";
import Provider, { type Adapter, type AdapterPayload } from "oidc-provider";

/** What a bare provider is for: one confidential client, and a resource whose tokens are JWTs; tokens for `opaqueResource` are looked up. */
export interface BareProviderOptions {
  readonly issuer: string;
  readonly server: Server;
  /** The path of its database file. */
  readonly file: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly resource: string;
  readonly opaqueResource: string;
  readonly scope: string;
}

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

/**
 * oidc-provider alone on an embedded database, as its documentation has it: no compare-and-set, nothing sealed, no bounds. Every commit waits for the disk, as the wallet's do.
 * Gives so many refresh tokens of as many grants.
 */
export async function startBareProvider(options: BareProviderOptions, refreshTokens: number): Promise<readonly string[]> {
  const provider = makeProvider(options);
  const answer = provider.callback();
  options.server.on("request", (incoming, outgoing) => void answer(incoming, outgoing));
  const client = await provider.Client.find(options.clientId);
  if (client === undefined) throw new TypeError("the client is configured");
  const made: string[] = [];
  for (let count = 0; count < refreshTokens; count += 1) {
    const grant = new provider.Grant({ accountId: "user", clientId: options.clientId });
    grant.addResourceScope(options.resource, options.scope);
    const grantId = await grant.save();
    const token = new provider.RefreshToken({
      client,
      accountId: "user",
      grantId,
      gty: "authorization_code",
      scope: options.scope,
      resource: options.resource,
    });
    made.push(await token.save());
  }
  return made;
}

function makeProvider(options: BareProviderOptions): Provider {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const database = new DatabaseSync(options.file);
  database.exec("pragma journal_mode = wal; pragma synchronous = full");
  database.exec(`create table models (model text not null, id text not null, payload text not null, grant_id text, uid text, user_code text, expires_at integer,
    primary key (model, id)) without rowid`);
  for (const key of ["grant_id", "uid", "user_code"]) database.exec(`create index by_${key} on models (${key}) where ${key} is not null`);
  return new Provider(options.issuer, {
    adapter: (model) => tableAdapter(database, model),
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kty: "EC", alg: "ES256", use: "sig" }] },
    cookies: { keys: [randomBytes(32).toString("base64url")] },
    clients: [
      {
        client_id: options.clientId,
        client_secret: options.clientSecret,
        token_endpoint_auth_method: "client_secret_post",
        redirect_uris: ["https://app.bench/cb"],
        grant_types: ["authorization_code", "refresh_token", "client_credentials", deviceGrant],
      },
    ],
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    scopes: ["openid", "offline_access", ...options.scope.split(" ")],
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    rotateRefreshToken: () => true,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      introspection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => ({
          scope: options.scope,
          audience: resource,
          accessTokenTTL: 300,
          ...(resource === options.opaqueResource ? { accessTokenFormat: "opaque" } : { accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } }),
        }),
      },
    },
  });
}

function tableAdapter(database: DatabaseSync, model: string): Adapter {
  const write = database.prepare("insert or replace into models values (?, ?, ?, ?, ?, ?, ?)");
  const read = (column: string) => database.prepare(`select payload from models where model = ? and ${column} = ?`);
  const [byId, byUid, byUserCode] = [read("id"), read("uid"), read("user_code")];
  const found = (row: Record<string, unknown> | undefined): AdapterPayload | undefined =>
    row === undefined ? undefined : JSON.parse(String(row["payload"]));
  const remove = database.prepare("delete from models where model = ? and id = ?");
  const removeGrant = database.prepare("delete from models where grant_id = ?");
  return {
    async upsert(id, payload, expiresIn) {
      const { grantId = null, uid = null, userCode = null } = payload;
      write.run(model, id, JSON.stringify(payload), grantId, uid, userCode, Date.now() + (expiresIn ?? 0) * 1000);
    },
    find: async (id) => found(byId.get(model, id)),
    findByUid: async (uid) => found(byUid.get(model, uid)),
    findByUserCode: async (userCode) => found(byUserCode.get(model, userCode)),
    async consume(id) {
      const payload = found(byId.get(model, id));
      if (payload === undefined) return;
      database
        .prepare("update models set payload = ? where model = ? and id = ?")
        .run(JSON.stringify({ ...payload, consumed: Math.floor(Date.now() / 1000) }), model, id);
    },
    destroy: async (id) => void remove.run(model, id),
    revokeByGrantId: async (grantId) => void removeGrant.run(grantId),
  };
}
