import type { EpochMs } from "@countersign/protocol/brand";
import { type DeviceAuthorization, judgeDeviceAuthorization, type PollAnswer, readPollError } from "@countersign/protocol/device-grant";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import type { AuthorizationServer } from "@countersign/protocol/metadata";
import { isLoopbackUrl } from "@countersign/protocol/resource";
import { err, ok, type Result } from "@countersign/protocol/result";
import { formatScope, parseScope, type ScopeSet, selectScope } from "@countersign/protocol/scope";
import { Secret } from "@countersign/protocol/secret";
import * as oauth from "oauth4webapi";
import { type Fetch, readBounded } from "../http/fetch-json.ts";

export interface GrantedTokens {
  readonly accessToken: Secret;
  readonly refreshToken: Secret | undefined;
  readonly scope: ScopeSet;
  readonly expiresAt: EpochMs;
}

/** `held`: the server waited before it answered (RFC 7240 section 3). */
export type RedeemOutcome = { readonly tokens: GrantedTokens } | { readonly answer: PollAnswer; readonly held: boolean };

/** The app as an OAuth client of its own issuer. */
export interface DeviceClient {
  /** Asks for a device code (RFC 8628 section 3.1), bound to the verifier and to the resource. Refuses with `device_grant_unsupported` where there is none. */
  start(scope: ScopeSet): Promise<Result<{ readonly authorization: DeviceAuthorization; readonly verifier: Secret }, Refusal>>;
  /** Redeems a device code once, and asks the server to wait for the decision. Whatever is no token says what to do next. */
  redeem(pending: { readonly deviceCode: Secret; readonly verifier: Secret; readonly scope: ScopeSet }, waitSeconds: number): Promise<RedeemOutcome>;
  /** Renews (RFC 6749 section 6). Refuses with `invalid_token` when the refresh token is over, else with `authorization_server_unreachable`. */
  renew(refreshToken: Secret, scope: ScopeSet): Promise<Result<GrantedTokens, Refusal>>;
  /** Revokes (RFC 7009) where the server offers it. Best effort. */
  revoke(token: Secret): Promise<void>;
}

export interface DeviceClientOptions {
  /** The app's name. An issuer may show it to the user, as what asks on another device. */
  readonly agent: string;
  readonly clientId: string;
  /** How the app proves that it is this client. */
  readonly authentication: oauth.ClientAuth;
  readonly resource: string;
  /** The issuer's metadata, or undefined while it cannot be read. */
  readonly server: () => Promise<AuthorizationServer | undefined>;
  readonly fetch: Fetch;
  readonly clock: () => EpochMs;
  /** Aborted when the server begins to stop: a wait at the issuer ends then, and nobody has decided. */
  readonly stopping: AbortSignal;
}

const answerBytesMax = 65_536;
const timeoutMs = 10_000;
const lifetimeDefaultS = 300;
const lifetimeMaxS = 24 * 3600;
const unreachable = refuse("authorization_server_unreachable", "the issuer's metadata cannot be read");

/** Builds the client. */
export function createDeviceClient(options: DeviceClientOptions): DeviceClient {
  const { resource, authentication, clock } = options;
  const client = { client_id: options.clientId };
  const request = (server: AuthorizationServer, waitSeconds = 0): oauth.TokenEndpointRequestOptions => requestTo(options, server, waitSeconds);
  return {
    async start(scope) {
      const server = await options.server();
      if (server === undefined) return err(unreachable);
      if (server.deviceAuthorizationEndpoint === undefined) return err(refuse("device_grant_unsupported"));
      const asked = selectScope({ demanded: scope, serverSupported: server.scopesSupported });
      const verifier = new Secret(oauth.generateRandomCodeVerifier());
      const parameters = {
        resource,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier.reveal()),
        code_challenge_method: "S256",
        ...(asked.size === 0 ? {} : { scope: formatScope(asked) }),
      };
      try {
        const as = asServer(server);
        const response = await oauth.deviceAuthorizationRequest(as, client, authentication, parameters, request(server));
        const document: unknown = await oauth.processDeviceAuthorizationResponse(as, client, response);
        const authorization = judgeDeviceAuthorization(document, server.issuer);
        return authorization.ok ? ok({ authorization: authorization.value, verifier }) : authorization;
      } catch (error) {
        return err(refusalOf(error));
      }
    },

    async redeem(pending, waitSeconds) {
      const server = await options.server();
      if (server === undefined) return { answer: "unreachable", held: false };
      try {
        const as = asServer(server);
        const response = await oauth.deviceCodeGrantRequest(as, client, authentication, pending.deviceCode.reveal(), {
          ...request(server, waitSeconds),
          ...(waitSeconds === 0 ? {} : { headers: { prefer: `wait=${waitSeconds}` } }),
          additionalParameters: { resource, code_verifier: pending.verifier.reveal() },
        });
        // RFC 6585 section 4: too many requests, in whatever words.
        if (response.status === 429) return { answer: "slow_down", held: false };
        const tokens = readTokens(await oauth.processDeviceCodeResponse(as, client, response), pending.scope, clock());
        return tokens === undefined ? { answer: "refused", held: false } : { tokens };
      } catch (error) {
        if (error instanceof oauth.ResponseBodyError) {
          return { answer: readPollError(error.error), held: error.response.headers.has("preference-applied") };
        }
        return { answer: refusalOf(error).code === "authorization_server_unreachable" ? "unreachable" : "refused", held: false };
      }
    },

    async renew(refreshToken, scope) {
      const server = await options.server();
      if (server === undefined) return err(unreachable);
      const renewing = { ...request(server), additionalParameters: { resource } };
      return await renewTokens(asServer(server), client, authentication, { refreshToken, scope }, renewing, clock());
    },

    async revoke(token) {
      const server = await options.server();
      if (server?.revocationEndpoint === undefined) return;
      await oauth.revocationRequest(asServer(server), client, authentication, token.reveal(), request(server)).catch(() => undefined);
    },
  };
}

function requestTo(options: DeviceClientOptions, server: AuthorizationServer, waitSeconds: number): oauth.TokenEndpointRequestOptions {
  const deadline = AbortSignal.timeout(timeoutMs + waitSeconds * 1000);
  // Only a wait is cut off: any other answer may be one that comes once.
  const signal = waitSeconds === 0 ? deadline : AbortSignal.any([deadline, options.stopping]);
  return {
    // The metadata was judged before: plain http is loopback to loopback.
    [oauth.allowInsecureRequests]: isLoopbackUrl(new URL(server.issuer)),
    [oauth.customFetch]: (url, init) => sendBounded(options, url, init, signal),
  };
}

async function renewTokens(
  as: oauth.AuthorizationServer,
  client: oauth.Client,
  authentication: oauth.ClientAuth,
  held: { readonly refreshToken: Secret; readonly scope: ScopeSet },
  options: oauth.TokenEndpointRequestOptions,
  now: EpochMs,
): Promise<Result<GrantedTokens, Refusal>> {
  try {
    const response = await oauth.refreshTokenGrantRequest(as, client, authentication, held.refreshToken.reveal(), options);
    const tokens = readTokens(await oauth.processRefreshTokenResponse(as, client, response), held.scope, now);
    return tokens === undefined ? err(refuse("invalid_token")) : ok({ ...tokens, refreshToken: tokens.refreshToken ?? held.refreshToken });
  } catch (error) {
    const isOver = error instanceof oauth.ResponseBodyError && error.error === "invalid_grant";
    return err(isOver ? refuse("invalid_token") : refuse("authorization_server_unreachable"));
  }
}

function asServer(server: AuthorizationServer): oauth.AuthorizationServer {
  return {
    issuer: server.issuer,
    token_endpoint: server.tokenEndpoint,
    token_endpoint_auth_methods_supported: [...server.tokenEndpointAuthMethodsSupported],
    ...(server.revocationEndpoint === undefined ? {} : { revocation_endpoint: server.revocationEndpoint }),
    ...(server.deviceAuthorizationEndpoint === undefined ? {} : { device_authorization_endpoint: server.deviceAuthorizationEndpoint }),
  };
}

/** Undefined for a token that this app could not present: bound to a key, or with a scope that cannot be read. */
function readTokens(answer: oauth.TokenEndpointResponse, requested: ScopeSet, now: EpochMs): GrantedTokens | undefined {
  const scope = parseScope(answer.scope ?? formatScope(requested));
  if (!scope.ok || answer.token_type.toLowerCase() !== "bearer") return undefined;
  return {
    accessToken: new Secret(answer.access_token),
    refreshToken: answer.refresh_token === undefined ? undefined : new Secret(answer.refresh_token),
    scope: scope.value,
    expiresAt: now + Math.min(answer.expires_in ?? lifetimeDefaultS, lifetimeMaxS) * 1000,
  };
}

/** A request to the issuer: no redirects, bounded time and size. A 5xx is a server that cannot be reached. */
async function sendBounded(
  { fetch: send, agent }: DeviceClientOptions,
  url: string,
  init: oauth.CustomFetchOptions<string, URLSearchParams | undefined>,
  signal: AbortSignal,
): Promise<Response> {
  const response = await send(url, {
    method: init.method,
    headers: { ...init.headers, "user-agent": agent },
    body: init.body ?? null,
    redirect: "error",
    signal,
  });
  const text = response.status >= 500 ? undefined : await readBounded(response.body, answerBytesMax);
  if (text === undefined) throw new TypeError(`${new URL(url).host} gave no answer that can be used`);
  return new Response(text === "" ? null : text, { status: response.status, headers: response.headers });
}

/** The texts of an authorization server are not repeated, only its error code (RFC 6749 section 5.2). */
function refusalOf(error: unknown): Refusal {
  if (error instanceof oauth.WWWAuthenticateChallengeError) return refuse("flow_failed", "the issuer refused this client");
  if (error instanceof oauth.ResponseBodyError) {
    if (error.error === "slow_down" || error.status === 429) return refuse("rate_limited");
    return refuse("flow_failed", /^[a-z_]{1,60}$/.test(error.error) ? `the issuer refused: ${error.error}` : "the issuer refused");
  }
  if (error instanceof oauth.OperationProcessingError) return refuse("flow_failed", `the issuer's answer is not valid: ${error.code ?? "unknown"}`);
  return refuse("authorization_server_unreachable");
}
