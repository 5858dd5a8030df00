import type { EpochMs } from "@countersign/protocol/brand";
import { parseScope, withoutTransactionScopes } from "@countersign/protocol/scope";
import type { Logger } from "@countersign/service/log";
import type { Database } from "@countersign/storage/database";
import type { Sealer } from "@countersign/storage/sealed";
import { createLocalJWKSet } from "jose";
import Provider, { type Configuration, errors } from "oidc-provider";
import { accountKind } from "../accounts.ts";
import type { WalletKeys } from "../keys.ts";
import type { OpenClients, WalletClient, WalletResource } from "../options.ts";
import type { Rates } from "../rates/rates.ts";
import { nameFormTarget } from "./account-change.ts";
import { boundAssertion } from "./assertion.ts";
import { attendAccessTokenJwts } from "./access-token-jwt.ts";
import { createAdapterFactory, interactionTtlSeconds } from "./adapter.ts";
import { clientAssertionAlgorithms, createClientFetch } from "./client-fetch.ts";
import { authMethodsOf, clientMetadata } from "./configured-clients.ts";
import { answerFailures } from "./failures.ts";
import { featuresOf } from "./features.ts";
import { boundEndpoints } from "./endpoint-rates.ts";
import { loadGrant } from "./grants.ts";
import { attendDeviceProofs } from "../device/device-key.ts";
import { withDeviceRules } from "../device/code-adapter.ts";
import { lifetimeOf } from "../device/device-start.ts";
import { attendDeviceEndpoints } from "../device/endpoints.ts";
import { createPolicy } from "./policy.ts";
import type { PresentedFetch } from "./presented-fetch.ts";
import { createPublishedBefore, keepUsedDocuments, type PublishedBefore } from "./published-before.ts";
import { createRefreshGrace, type RefreshGrace } from "./refresh-grace.ts";
import { refuseStaleProofs } from "./proof-freshness.ts";
import { judgeReplayByTheWrite } from "./replay.ts";
import { keyPlaces, publishKeys } from "./provider-keys.ts";
import { accessTokenTtlSeconds, type Resources } from "./resources.ts";
import { isEnded, noteSessions, sessionTtlSeconds } from "./sessions.ts";
import { grantKeyOf } from "./revocation.ts";
import { attendTokenEndpoint } from "./token-endpoint.ts";

const daySeconds = 86_400;

export interface ProviderParts {
  readonly issuer: string;
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly keys: WalletKeys;
  readonly clients: readonly WalletClient[];
  readonly openClients: OpenClients;
  /** Fetches what clients that present themselves published. */
  readonly fetching: PresentedFetch;
  readonly rates: Rates;
  readonly logger: Logger;
  readonly resources: Resources;
  readonly configuredResources: readonly WalletResource[];
  readonly now: () => EpochMs;
  /** Ends every wait: the wallet is stopping. */
  readonly stopping: AbortSignal;
  /** Renders the page of an error that may not be sent to the client. `code` is the OAuth error, or `session_not_found`. */
  readonly renderErrorPage: (code: string) => string | Promise<string>;
}

const lifetimes: Configuration["ttl"] = {
  AccessToken: () => accessTokenTtlSeconds,
  ClientCredentials: () => accessTokenTtlSeconds,
  AuthorizationCode: () => 60,
  DeviceCode: (_ctx, code) => lifetimeOf(code.params ?? {}),
  IdToken: () => 600,
  Interaction: () => interactionTtlSeconds,
  // Whoever is not signed in has a session for the forms of the device page only.
  Session: (_ctx, session) => (session.accountId === undefined ? 3_600 : sessionTtlSeconds),
  RefreshToken: () => 30 * daySeconds,
  Grant: () => 400 * daySeconds,
};

/** The OAuth half of the wallet: oidc-provider with only what is used switched on. */
export function createProvider(parts: ProviderParts): Provider {
  const grace = createRefreshGrace(parts.database, parts.sealer, parts.now);
  const before = createPublishedBefore(parts.database, parts.now);
  const provider = new Provider(parts.issuer, configurationOf(parts, grace, before));
  // Links are built from the forwarded host, which the wallet itself sets from its configuration before each call.
  provider.proxy = true;
  answerFailures(provider, parts);
  boundEndpoints(provider, parts);
  judgeReplayByTheWrite(provider);
  attendTokenEndpoint(provider, parts.database, grace);
  keepUsedDocuments(provider, before);
  publishKeys(provider, parts.keys);
  attendAccessTokenJwts(provider, {
    issuer: parts.issuer,
    database: parts.database,
    verificationKey: (header, token) => createLocalJWKSet({ keys: [...parts.keys.published] })(header, token),
    servesResource: (clientId, audience) => parts.configuredResources.some((each) => each.resource === audience && each.client_id === clientId),
    now: parts.now,
  });
  refuseStaleProofs(provider, parts.now);
  attendDeviceProofs(provider, parts);
  describeHonestly(provider, parts.configuredResources);
  refuseOtherResponseModes(provider, parts.renderErrorPage);
  noteSessions(provider, parts.database, parts.now);
  attendDeviceEndpoints(provider, parts.issuer);
  nameFormTarget(provider, parts.issuer.startsWith("https:"));
  return provider;
}

function configurationOf(parts: ProviderParts, grace: RefreshGrace, before: PublishedBefore): Configuration {
  const { database, sealer, now, resources } = parts;
  return {
    adapter: withDeviceRules(createAdapterFactory({ database, sealer, grace, now }), parts),
    clients: parts.clients.map(clientMetadata),
    clientDefaults: { id_token_signed_response_alg: "ES256", authorization_details_types: ["payment"] },
    clientAuthMethods: authMethodsOf(parts.clients),
    assertJwtClientAuthClaimsAndHeader: (_ctx, claims) => boundAssertion(claims, now()),
    clientBasedCORS: () => false,
    jwks: { keys: keyPlaces(parts.keys) },
    enabledJWA: {
      idTokenSigningAlgValues: ["ES256"],
      clientAuthSigningAlgValues: [...clientAssertionAlgorithms],
      dPoPSigningAlgValues: ["ES256"],
    },
    cookies: cookieConfiguration(parts),
    features: featuresOf(parts, before),
    fetchResponseBodyLimits: { jwks_uri: 65_536, "client_id metadata document": 65_536 },
    fetch: createClientFetch({ ...parts, before }),
    async findAccount(_ctx, accountId) {
      const account = await database.records(accountKind).get(accountId, now());
      return account === undefined ? undefined : { accountId, claims: () => ({ sub: accountId }) };
    },
    interactions: {
      policy: createPolicy(resources, (uid) => isEnded(database, uid, now())),
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    loadExistingGrant: (ctx) => loadGrant(ctx, database, now()),
    // Whether the user stays signed in at the wallet says nothing about what a client was allowed.
    expiresWithSession: () => false,
    issueRefreshToken: (_ctx, client, source) => client.grantTypeAllowed("refresh_token") && hasOrdinaryScope(source.scope),
    rotateRefreshToken: () => true,
    // Whatever token an app revokes, everything that came from its sign-in ends, a JWT at its resource server too.
    revokeGrantPolicy: () => true,
    // Names the family of a token, so that its end can be told.
    extraTokenClaims: (_ctx, token) => ("grantId" in token && token.grantId !== undefined ? { gid: grantKeyOf(token.grantId) } : undefined),
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    responseTypes: ["code"],
    scopes: ["openid"],
    routes: {
      authorization: "/authorize",
      device_authorization: "/device_authorization",
      code_verification: "/device",
      token: "/token",
      jwks: "/jwks",
      introspection: "/introspect",
      revocation: "/revoke",
      pushed_authorization_request: "/par",
      end_session: "/session/end",
    },
    ttl: lifetimes,
    discovery: parts.openClients.registration === true ? { registration_endpoint: `${parts.issuer}/register` } : {},
    async renderError(ctx, out, error) {
      ctx.type = "html";
      ctx.body = await parts.renderErrorPage(error instanceof errors.SessionNotFound ? "session_not_found" : out.error);
    },
  };
}

function cookieConfiguration(parts: ProviderParts): Configuration["cookies"] {
  const secure = parts.issuer.startsWith("https:");
  // A `__Host-` cookie cannot be set by a sibling domain (RFC 6265bis section 4.1.3.2); the other two live on one path, which that prefix forbids.
  const names = secure
    ? { session: "__Host-wallet_session", interaction: "__Secure-wallet_interaction", resume: "__Secure-wallet_resume" }
    : { session: "wallet_session", interaction: "wallet_interaction", resume: "wallet_resume" };
  const options = { httpOnly: true, sameSite: "lax", signed: true, secure } as const;
  return { names, keys: [parts.keys.cookies.reveal()], long: { ...options, path: "/" }, short: options };
}

function hasOrdinaryScope(text: string | undefined): boolean {
  const scope = parseScope(text ?? "");
  return scope.ok && withoutTransactionScopes(scope.value).size > 0;
}

/**
 * The metadata names what this wallet does: the one response mode, the scopes of its resources, and how clients prove themselves where tokens are revoked and looked at:
 * left out, it would be by `client_secret_basic` (RFC 8414 section 2).
 */
function describeHonestly(provider: Provider, resources: readonly WalletResource[]): void {
  const scopes = resources.flatMap((each) => Object.keys(each.scopes));
  provider.use(async (ctx, next) => {
    await next();
    if (!ctx.path.startsWith("/.well-known/") || ctx.status !== 200) return;
    const body: unknown = ctx.body;
    if (typeof body !== "object" || body === null) return;
    const methods: unknown = Reflect.get(body, "token_endpoint_auth_methods_supported");
    const algorithms: unknown = Reflect.get(body, "token_endpoint_auth_signing_alg_values_supported");
    ctx.body = {
      ...body,
      response_modes_supported: ["query"],
      scopes_supported: [...new Set(["openid", ...scopes])],
      revocation_endpoint_auth_methods_supported: methods,
      revocation_endpoint_auth_signing_alg_values_supported: algorithms,
      introspection_endpoint_auth_methods_supported: methods,
      introspection_endpoint_auth_signing_alg_values_supported: algorithms,
    };
  });
}

/** Codes travel in the query. The other modes of oidc-provider would need a script inside a page, or put the answer where no server reads it. */
function refuseOtherResponseModes(provider: Provider, renderErrorPage: ProviderParts["renderErrorPage"]): void {
  provider.use(async (ctx, next) => {
    const mode = ctx.path === "/authorize" ? ctx.query["response_mode"] : undefined;
    if (mode === undefined || mode === "query") {
      await next();
    } else {
      ctx.status = 400;
      ctx.type = "html";
      ctx.body = await renderErrorPage("invalid_request");
    }
  });
}
