import { createHash, randomBytes } from "node:crypto";
import type { GrantedToken } from "./authorization-server.ts";
import { listen } from "./http-server.ts";

/** Where one product differs from the standards, as its documentation tells it. */
export interface Dialect {
  /** The issuer, for the origin that the stand-in listens on. */
  readonly issuer: (origin: string) => string;
  /** Its documents by path; every other well-known path is not found. */
  readonly documents: (origin: string) => Readonly<Record<string, unknown>>;
  readonly authorizePath: string;
  readonly tokenPath: string;
  /** What is wrong with an authorization request: a page of the product, not an answer to the client. */
  readonly judgeAuthorize: (query: URLSearchParams) => string | undefined;
  /** The error body for a token request that is not to its liking. */
  readonly judgeToken: (form: URLSearchParams) => Readonly<Record<string, unknown>> | undefined;
  /** Status of `invalid_client`. */
  readonly clientRefusedStatus: number;
  /** What the resource server finds in the token; undefined for a token that it cannot read. */
  readonly scopeForResource: (query: URLSearchParams) => readonly string[] | undefined;
  /** Members of the token answer beside the access token. */
  readonly answer: (query: URLSearchParams, refreshToken: string, renewal: boolean) => Readonly<Record<string, unknown>>;
  readonly registerStatus: number;
}

/** The app client that was made by hand in the product's own console. */
export const appClient = { clientId: "app-client", clientSecret: "app.s3cret~with_signs-in" } as const;

/** One product's authorization server. It approves at once, demands PKCE where a challenge came, and knows one confidential client. */
export class ThirdPartyServer {
  readonly origin: string;
  readonly issuer: string;
  readonly close: () => Promise<void>;
  readonly authorizeRequests: URLSearchParams[] = [];
  readonly tokenRequests: URLSearchParams[] = [];
  readonly #dialect: Dialect;
  readonly #granted: Map<string, GrantedToken>;
  readonly #codes = new Map<string, URLSearchParams>();
  readonly #refreshTokens = new Map<string, URLSearchParams>();

  private constructor(dialect: Dialect, granted: Map<string, GrantedToken>, origin: string, close: () => Promise<void>) {
    this.#dialect = dialect;
    this.#granted = granted;
    this.origin = origin;
    this.issuer = dialect.issuer(origin);
    this.close = close;
  }

  /** `granted` is where the resource server looks tokens up. */
  static async start(dialect: Dialect, granted: Map<string, GrantedToken>): Promise<ThirdPartyServer> {
    let self: ThirdPartyServer | undefined;
    const running = await listen((request) => self?.fetch(request) ?? new Response(null, { status: 503 }));
    self = new ThirdPartyServer(dialect, granted, running.origin, running.close);
    return self;
  }

  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const { authorizePath, tokenPath, documents, registerStatus } = this.#dialect;
    if (pathname === authorizePath) return this.#authorize(searchParams);
    if (pathname === tokenPath) return this.#token(new URLSearchParams(await request.text()), request.headers.get("authorization"));
    if (request.method === "POST") return Response.json({ error: "access_denied" }, { status: registerStatus });
    const document = documents(this.origin)[pathname];
    return document === undefined ? new Response("<html>not found</html>", { status: 404 }) : Response.json(document);
  }

  #authorize(query: URLSearchParams): Response {
    this.authorizeRequests.push(query);
    const problem = this.#dialect.judgeAuthorize(query);
    if (problem !== undefined || query.get("client_id") !== appClient.clientId) return new Response(`<html>${problem}</html>`, { status: 400 });
    const target = new URL(query.get("redirect_uri") ?? "");
    const code = randomBytes(16).toString("hex");
    this.#codes.set(code, query);
    target.searchParams.set("code", code);
    target.searchParams.set("state", query.get("state") ?? "");
    return new Response(null, { status: 302, headers: { location: target.href } });
  }

  #token(form: URLSearchParams, authorization: string | null): Response {
    this.tokenRequests.push(form);
    const { clientId, clientSecret } = appClient;
    // Read as it comes, without decoding.
    const basic = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
    if (authorization !== basic) return Response.json({ error: "invalid_client" }, { status: this.#dialect.clientRefusedStatus });
    const problem = this.#dialect.judgeToken(form);
    if (problem !== undefined) return Response.json(problem, { status: 400 });
    const renewal = form.get("grant_type") === "refresh_token";
    const query = renewal ? this.#refreshTokens.get(form.get("refresh_token") ?? "") : this.#redeem(form);
    if (query === undefined) return Response.json({ error: "invalid_grant" }, { status: 400 });
    const token = randomBytes(24).toString("base64url");
    const refreshToken = randomBytes(24).toString("base64url");
    const scope = this.#dialect.scopeForResource(query);
    if (scope !== undefined) this.#granted.set(token, { scope: new Set(scope), resource: "", active: true });
    this.#refreshTokens.set(refreshToken, query);
    return Response.json({ access_token: token, token_type: "Bearer", ...this.#dialect.answer(query, refreshToken, renewal) });
  }

  #redeem(form: URLSearchParams): URLSearchParams | undefined {
    const query = this.#codes.get(form.get("code") ?? "");
    this.#codes.delete(form.get("code") ?? "");
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    return query?.get("code_challenge") === challenge && query.get("redirect_uri") === form.get("redirect_uri") ? query : undefined;
  }
}

/** A JWT that nobody checks here: the products send one as soon as `openid` is asked for, some always. */
const idToken = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl";

function scopesOf(query: URLSearchParams): readonly string[] {
  return (query.get("scope") ?? "").split(" ").filter((scope) => scope !== "");
}

/** Auth0: an issuer that ends with a slash; the API is named by `audience`, without which the token is opaque and for /userinfo only; registration is off. */
export function auth0(audience: string): Dialect {
  const metadata = (origin: string): unknown => ({
    issuer: `${origin}/`,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/oauth/token`,
    registration_endpoint: `${origin}/oidc/register`,
    revocation_endpoint: `${origin}/oauth/revoke`,
    scopes_supported: ["openid", "profile", "offline_access", "email"],
    response_types_supported: ["code", "token", "id_token"],
    code_challenge_methods_supported: ["S256", "plain"],
    token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "private_key_jwt"],
    token_endpoint_auth_signing_alg_values_supported: ["RS256", "RS384", "PS256"],
  });
  return {
    issuer: (origin) => `${origin}/`,
    documents: (origin) => ({
      "/.well-known/openid-configuration": metadata(origin),
      "/.well-known/oauth-authorization-server": metadata(origin),
    }),
    authorizePath: "/authorize",
    tokenPath: "/oauth/token",
    judgeAuthorize: (query) => {
      const named = query.get("audience");
      return named === null || named === audience ? undefined : `Service not found: ${named}`;
    },
    judgeToken: () => undefined,
    clientRefusedStatus: 401,
    // `resource` alone counts only with the tenant's Resource Parameter Compatibility Profile, which is off by default.
    scopeForResource: (query) => (query.get("audience") === audience ? scopesOf(query) : undefined),
    answer: (query, refreshToken) => ({
      expires_in: 86_400,
      scope: scopesOf(query).join(" "),
      ...(scopesOf(query).includes("openid") ? { id_token: idToken } : {}),
      ...(scopesOf(query).includes("offline_access") ? { refresh_token: refreshToken } : {}),
    }),
    registerStatus: 403,
  };
}

/** Amazon Cognito: OpenID discovery behind the pool's path only, silent about PKCE although it checks it; scopes as `server/scope`; the answer names no scope. */
export const cognito: Dialect = {
  issuer: (origin) => `${origin}/us-east-1_AbCdEfGhI`,
  documents: (origin) => ({
    "/us-east-1_AbCdEfGhI/.well-known/openid-configuration": {
      issuer: `${origin}/us-east-1_AbCdEfGhI`,
      authorization_endpoint: `${origin}/oauth2/authorize`,
      token_endpoint: `${origin}/oauth2/token`,
      revocation_endpoint: `${origin}/oauth2/revoke`,
      jwks_uri: `${origin}/us-east-1_AbCdEfGhI/.well-known/jwks.json`,
      response_types_supported: ["code", "token"],
      scopes_supported: ["openid", "email", "phone", "profile"],
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
    },
  }),
  authorizePath: "/oauth2/authorize",
  tokenPath: "/oauth2/token",
  judgeAuthorize: (query) =>
    scopesOf(query).every((scope) => /^(openid|email|phone|profile|shop\/[a-z.]+)$/.test(scope)) ? undefined : "invalid_scope",
  judgeToken: () => undefined,
  clientRefusedStatus: 400,
  scopeForResource: scopesOf,
  answer: (_, refreshToken, renewal) => ({ expires_in: 3600, id_token: idToken, ...(renewal ? {} : { refresh_token: refreshToken }) }),
  registerStatus: 405,
};

const tenant = "3f2b6c1e-0000-4000-8000-7d1a5e9c0b42";

/** Microsoft Entra ID, v2.0 endpoints: the tenant in every path, `resource` refused, scopes that carry the API's own URI, silent about PKCE. */
export const entra: Dialect = {
  issuer: (origin) => `${origin}/${tenant}/v2.0`,
  documents: (origin) => ({
    [`/${tenant}/v2.0/.well-known/openid-configuration`]: {
      issuer: `${origin}/${tenant}/v2.0`,
      authorization_endpoint: `${origin}/${tenant}/oauth2/v2.0/authorize`,
      token_endpoint: `${origin}/${tenant}/oauth2/v2.0/token`,
      jwks_uri: `${origin}/${tenant}/discovery/v2.0/keys`,
      response_types_supported: ["code", "id_token", "code id_token", "id_token token"],
      scopes_supported: ["openid", "profile", "email", "offline_access"],
      token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt", "client_secret_basic"],
    },
  }),
  authorizePath: `/${tenant}/oauth2/v2.0/authorize`,
  tokenPath: `/${tenant}/oauth2/v2.0/token`,
  judgeAuthorize: (query) => {
    if (query.has("resource")) return "AADSTS901002: The 'resource' request parameter is not supported.";
    const foreign = scopesOf(query).find((scope) => !/^(openid|profile|email|offline_access|api:\/\/shop\/[\w.]+)$/.test(scope));
    return foreign === undefined ? undefined : `AADSTS650053: asked for scope '${foreign}' that doesn't exist on the resource`;
  },
  judgeToken: (form) =>
    form.has("resource")
      ? {
          error: "invalid_request",
          error_description: "AADSTS901002: The 'resource' request parameter is not supported.",
          error_codes: [901002],
          trace_id: "0",
        }
      : undefined,
  clientRefusedStatus: 401,
  scopeForResource: (query) => (scopesOf(query).includes("api://shop/.default") ? ["orders.read"] : undefined),
  answer: (query, refreshToken) => ({
    scope: "api://shop/orders.read",
    expires_in: 4321,
    ext_expires_in: 4321,
    ...(scopesOf(query).includes("offline_access") ? { refresh_token: refreshToken } : {}),
  }),
  registerStatus: 404,
};
