import type { EpochMs } from "@countersign/protocol/brand";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { judgeTokenType } from "@countersign/protocol/dpop";
import type { AuthorizationServer } from "@countersign/protocol/metadata";
import { isLoopbackUrl } from "@countersign/protocol/resource";
import { err, ok, type Result } from "@countersign/protocol/result";
import { formatScope, parseScope, type ScopeSet } from "@countersign/protocol/scope";
import { Secret } from "@countersign/protocol/secret";
import { isJsonObject, type JsonObject } from "@countersign/protocol/shape";
import { showRequest, showResponse } from "@countersign/protocol/trace-message";
import type { WireMessage } from "@countersign/protocol/trace-step";
import * as oauth from "oauth4webapi";
import type { Reach } from "@countersign/service/dial/address";
import { dial, DialError } from "@countersign/service/dial/dial";
import type { ConnectorSettings } from "../connectors/settings.ts";
import { BoundToken, type TokenProof } from "./proof-key.ts";
import type { TokenOrigin } from "../vault.ts";
import type { OAuthClient, RefusalSource } from "./clients.ts";
import { refusalOfDial } from "./dial-refusal.ts";

/** What an authorization server granted. */
export interface TokenSet {
  readonly accessToken: Secret;
  readonly refreshToken: Secret | undefined;
  readonly scope: ScopeSet;
  readonly expiresAt: EpochMs;
  /** What the tokens are bound to; absent for plain ones. The access token is then a `BoundToken`. */
  readonly proof?: TokenProof;
}

/** The other side of a token request, and how far it may be reached. */
export interface TokenPeer {
  /** What a token of this peer is stored with. */
  readonly origin: TokenOrigin;
  readonly server: AuthorizationServer;
  readonly client: OAuthClient;
  readonly settings: ConnectorSettings | undefined;
  readonly reach: Reach;
  readonly timeoutMs: number;
  readonly clock: () => EpochMs;
  /** Told of each request for a token and its answer, as they may be shown. */
  readonly onMessages?: (messages: readonly WireMessage[]) => void;
  /** Told when the server does not know this client. */
  readonly onClientRefused: (saidBy: RefusalSource) => Promise<void>;
}

export interface CodeRedemption {
  readonly callbackParameters: URLSearchParams;
  readonly state: string;
  readonly redirectUri: string;
  readonly verifier: Secret;
  readonly requestedScope: ScopeSet;
  readonly proof: TokenProof | undefined;
}

export interface Renewal {
  readonly refreshToken: Secret;
  /** What the answer grants when it names no scope (RFC 6749 section 6). */
  readonly held: ScopeSet;
  /** The proof that the tokens were granted with. */
  readonly proof: TokenProof | undefined;
}

const answerBytesMax = 64 * 1024;
const lifetimeDefaultS = 3600;
const lifetimeMaxS = 30 * 24 * 3600;

/** Redeems an authorization code (RFC 6749 section 4.1.3, RFC 7636, RFC 8707). The callback's `iss` and `state` are judged once more by the library. */
export async function redeemCode(peer: TokenPeer, request: CodeRedemption): Promise<Result<TokenSet, Refusal>> {
  try {
    const server = serverOf(peer);
    const client = { client_id: peer.client.clientId };
    const parameters = oauth.validateAuthResponse(server, client, request.callbackParameters, request.state);
    const answer = await withProof(request.proof, async (proved) => {
      const options = { ...tokenOptions(peer), ...proved };
      const { redirectUri, verifier } = request;
      const authentication = authenticationOf(peer);
      const response = await oauth.authorizationCodeGrantRequest(server, client, authentication, parameters, redirectUri, verifier.reveal(), options);
      return oauth.processAuthorizationCodeResponse(server, client, response);
    });
    return readTokens(answer, request.requestedScope, request.proof, peer.clock());
  } catch (error) {
    if (isClientRefused(error)) await peer.onClientRefused("server");
    return err(refusalOfToken(error));
  }
}

/**
 * Renews a token (RFC 6749 section 6). Refuses with `invalid_token` when the refresh token is dead, `authorization_server_unreachable` when nobody
 * can tell; a lost answer may then be asked for again with the same refresh token.
 */
export async function renewToken(peer: TokenPeer, renewal: Renewal): Promise<Result<TokenSet, Refusal>> {
  const { refreshToken, held, proof } = renewal;
  try {
    const server = serverOf(peer);
    const client = { client_id: peer.client.clientId };
    const answer = await withProof(proof, async (proved) => {
      const options = { ...tokenOptions(peer), ...proved };
      const response = await oauth.refreshTokenGrantRequest(server, client, authenticationOf(peer), refreshToken.reveal(), options);
      return oauth.processRefreshTokenResponse(server, client, response);
    });
    const tokens = readTokens(answer, held, proof, peer.clock());
    return tokens.ok && tokens.value.refreshToken === undefined ? ok({ ...tokens.value, refreshToken }) : tokens;
  } catch (error) {
    if (isClientRefused(error)) {
      await peer.onClientRefused("server");
      return err(refuse("invalid_token", "refresh was refused: invalid_client"));
    }
    if (error instanceof oauth.ResponseBodyError && error.error === "invalid_grant") {
      return err(refuse("invalid_token", "refresh was refused: invalid_grant"));
    }
    return err(refusalOfToken(error));
  }
}

/** Revokes a token where the server offers it (RFC 7009). Best effort: the local copy is gone already. */
export async function revokeToken(peer: TokenPeer, token: Secret): Promise<void> {
  if (peer.server.revocationEndpoint === undefined) return;
  await oauth
    .revocationRequest(serverOf(peer), { client_id: peer.client.clientId }, authenticationOf(peer), token.reveal(), requestOptions(peer))
    .catch(() => {});
}

/** Sends a token request with its proof, and once more when the server wants its own nonce in it (RFC 9449 section 8): that refusal has spent nothing. */
export async function withProof<T>(proof: TokenProof | undefined, send: (proved: oauth.DPoPRequestOptions) => Promise<T>): Promise<T> {
  if (proof === undefined) return send({});
  const proved = { DPoP: await proof.key.handle() };
  try {
    return await send(proved);
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return send(proved);
  }
}

export function serverOf(peer: TokenPeer): oauth.AuthorizationServer {
  const { server } = peer;
  return {
    issuer: server.issuer,
    authorization_endpoint: server.authorizationEndpoint,
    token_endpoint: server.tokenEndpoint,
    authorization_response_iss_parameter_supported: server.authorizationResponseIssParameterSupported,
    ...(server.revocationEndpoint === undefined ? {} : { revocation_endpoint: server.revocationEndpoint }),
    ...(server.deviceAuthorizationEndpoint === undefined ? {} : { device_authorization_endpoint: server.deviceAuthorizationEndpoint }),
  };
}

export function authenticationOf(peer: TokenPeer): oauth.ClientAuth {
  const { authentication } = peer.client;
  switch (authentication.method) {
    case "none":
      return oauth.None();
    case "client_secret_basic":
      return clientSecretBasic(authentication.secret);
    case "client_secret_post":
      return oauth.ClientSecretPost(authentication.secret.reveal());
    case "private_key_jwt": {
      const { kid, privateKey } = authentication.key;
      return oauth.PrivateKeyJwt({ key: privateKey, kid });
    }
  }
}

/**
 * RFC 6749 section 2.3.1. The library encodes every sign that it may; here those that need no encoding stay as they are, because some products (Cognito by its
 * documentation) take the header's parts as they come, and those that decode read the same.
 */
function clientSecretBasic(secret: Secret): oauth.ClientAuth {
  return (_server, client, _body, headers) => {
    const pair = `${encodeURIComponent(client.client_id)}:${encodeURIComponent(secret.reveal())}`;
    headers.set("authorization", `Basic ${Buffer.from(pair).toString("base64")}`);
  };
}

/** What goes with every request for a token, wherever: the parameters of the connector's settings, and for what the token is to be (RFC 8707). */
export function parametersOf({ settings, origin }: TokenPeer): Readonly<Record<string, string>> {
  return { ...settings?.authorizeParameters, ...(settings?.omitResourceParameter === true ? {} : { resource: origin.indicator }) };
}

function tokenOptions(peer: TokenPeer): oauth.TokenEndpointRequestOptions {
  return { ...requestOptions(peer), additionalParameters: { ...parametersOf(peer) } };
}

export function requestOptions(peer: TokenPeer): oauth.TokenEndpointRequestOptions {
  return {
    // The metadata was judged before: plain http is loopback to loopback.
    [oauth.allowInsecureRequests]: isLoopbackUrl(new URL(peer.server.issuer)),
    [oauth.customFetch]: async (url, options) => {
      const request = { method: options.method, headers: new Headers(options.headers), body: String(options.body ?? "") };
      const response = await dial(new URL(url), request, { reach: peer.reach, timeoutMs: peer.timeoutMs, responseBytesMax: answerBytesMax });
      const heard = await withoutIdToken(await shown(peer, { ...request, url }, response));
      if (response.status >= 500) throw new DialError("unreachable", `the token endpoint answered ${response.status}`, true);
      return heard;
    },
  };
}

interface TokenRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
}

/** Tells of a request and its answer, and gives the answer on. */
async function shown({ onMessages, client }: TokenPeer, { url, method, headers, body }: TokenRequest, response: Response): Promise<Response> {
  if (onMessages === undefined) return response;
  const text = await response.text();
  const { status, headers: answered } = response;
  const asked = Object.fromEntries(new URLSearchParams(body));
  const answer = parseObject(text);
  const secrets = [...secretsIn(asked), ...secretsIn(answer ?? {}), ...secretOf(client)];
  onMessages([
    showRequest(method, url, { headers, kind: "token_request", body: asked }),
    showResponse(status, { headers: answered, kind: "token_answer", body: answer, secrets }),
  ]);
  return new Response(text === "" ? null : text, { status, headers: answered });
}

/** RFC 6749 sections 2.3.1, 4.1.3, 5.1 and 6, RFC 7523 section 2.2, RFC 7636 section 4.5, RFC 8628 section 3.4. */
const secretNames = ["code", "code_verifier", "client_secret", "client_assertion", "refresh_token", "device_code", "access_token", "id_token"];

function secretOf({ authentication }: TokenPeer["client"]): readonly string[] {
  return "secret" in authentication ? [authentication.secret.reveal()] : [];
}

function secretsIn(message: JsonObject): readonly string[] {
  return secretNames.flatMap((name) => {
    const value = message[name];
    return typeof value === "string" ? [value] : [];
  });
}

/** Who the user is there is none of the host's business: an id token that was sent along is dropped, not judged. */
async function withoutIdToken(response: Response): Promise<Response> {
  if (response.status !== 200) return response;
  const text = await response.text();
  const { status, headers } = response;
  const body = parseObject(text);
  if (body === undefined || !Object.hasOwn(body, "id_token")) return new Response(text, { status, headers });
  const { id_token: _, ...rest } = body;
  return new Response(JSON.stringify(rest), { status, headers });
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 6749 section 5.2: `invalid_client`, or a 401 with the challenge that goes with it. */
export function isClientRefused(error: unknown): boolean {
  if (error instanceof oauth.WWWAuthenticateChallengeError) return error.status === 401;
  return error instanceof oauth.ResponseBodyError && error.error === "invalid_client";
}

export function readTokens(
  answer: oauth.TokenEndpointResponse,
  requested: ScopeSet,
  proof: TokenProof | undefined,
  now: EpochMs,
): Result<TokenSet, Refusal> {
  const type = judgeTokenType(answer.token_type, proof?.binding ?? "none");
  if (!type.ok) return type;
  const bound = type.value === "DPoP" ? proof : undefined;
  const scope = parseScope(answer.scope ?? formatScope(requested));
  if (!scope.ok) return err(refuse("flow_failed", "the granted scope cannot be read"));
  const lifetimeS = Math.min(answer.expires_in ?? lifetimeDefaultS, lifetimeMaxS);
  return ok({
    accessToken: bound === undefined ? new Secret(answer.access_token) : new BoundToken(answer.access_token, bound.key),
    refreshToken: answer.refresh_token === undefined ? undefined : new Secret(answer.refresh_token),
    scope: scope.value,
    expiresAt: now + lifetimeS * 1000,
    ...(bound === undefined ? {} : { proof: bound }),
  });
}

/** The texts of an authorization server are not repeated, only its error code (RFC 6749 section 5.2). */
export function refusalOfToken(error: unknown): Refusal {
  if (error instanceof DialError) return refusalOfDial(error, "flow_failed");
  if (isClientRefused(error)) return refuse("flow_failed", "the token endpoint refused: invalid_client");
  if (error instanceof oauth.ResponseBodyError) {
    return refuse("flow_failed", /^[a-z_]{1,60}$/.test(error.error) ? `the token endpoint refused: ${error.error}` : "the token endpoint refused");
  }
  if (error instanceof oauth.AuthorizationResponseError) return refuse("access_denied");
  if (error instanceof oauth.OperationProcessingError) return refuse("flow_failed", `the token answer is not valid: ${error.code ?? "unknown"}`);
  return refuse("flow_failed", "the token answer is not valid");
}
