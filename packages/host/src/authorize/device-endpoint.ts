import { judgeDeviceAuthorization, readPollError, type DeviceAuthorization, type PollAnswer } from "@countersign/protocol/device-grant";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, type Result } from "@countersign/protocol/result";
import { formatScope, type ScopeSet } from "@countersign/protocol/scope";
import type { Secret } from "@countersign/protocol/secret";
import * as oauth from "oauth4webapi";
import type { TokenProof } from "./proof-key.ts";
import {
  authenticationOf,
  parametersOf,
  isClientRefused,
  readTokens,
  refusalOfToken,
  requestOptions,
  serverOf,
  withProof,
  type TokenPeer,
  type TokenSet,
} from "./token-endpoint.ts";

export interface DeviceRequest {
  readonly scope: ScopeSet;
  /** The S256 challenge. Servers that bind it (D05) get what they need; others ignore it (RFC 6749 section 3.1). */
  readonly codeChallenge: string;
}

export interface DeviceRedemption {
  readonly deviceCode: Secret;
  readonly verifier: Secret;
  readonly requestedScope: ScopeSet;
  readonly proof: TokenProof | undefined;
}

/** `held`: the server says that it waited before it answered (RFC 7240 section 3). */
export type PollOutcome = { readonly tokens: TokenSet } | { readonly answer: PollAnswer; readonly detail: string; readonly held: boolean };

/** How much of the time that a token request may take is spent waiting at the server. */
const waitShare = 0.6;

/** Asks for a device code (RFC 8628 section 3.1, RFC 8707). Refuses with `device_grant_unsupported` when the server's metadata offers none. */
export async function requestDeviceCode(peer: TokenPeer, request: DeviceRequest): Promise<Result<DeviceAuthorization, Refusal>> {
  if (peer.server.deviceAuthorizationEndpoint === undefined) return err(refuse("device_grant_unsupported"));
  const client = { client_id: peer.client.clientId };
  const parameters = {
    ...parametersOf(peer),
    code_challenge: request.codeChallenge,
    code_challenge_method: "S256",
    ...(request.scope.size === 0 ? {} : { scope: formatScope(request.scope) }),
  };
  try {
    const server = serverOf(peer);
    const response = await oauth.deviceAuthorizationRequest(server, client, authenticationOf(peer), parameters, requestOptions(peer));
    const document: unknown = await oauth.processDeviceAuthorizationResponse(server, client, response);
    return judgeDeviceAuthorization(document, peer.server.issuer);
  } catch (error) {
    if (isClientRefused(error)) await peer.onClientRefused("server");
    return err(refusalOfToken(error));
  }
}

/**
 * Redeems a device code once (RFC 8628 section 3.4), and asks the server to wait for the decision, which servers that cannot do so ignore. Never refuses: whatever
 * is no token is an answer that says what to do next.
 */
export async function pollDeviceCode(peer: TokenPeer, request: DeviceRedemption): Promise<PollOutcome> {
  try {
    const answer = await withProof(request.proof, (proved) => redeem(peer, request, proved));
    // RFC 6585 section 4: too many requests, in whatever words.
    if (answer === "too_many") return { answer: "slow_down", detail: "the token endpoint answered 429", held: false };
    const tokens = readTokens(answer, request.requestedScope, request.proof, peer.clock());
    return tokens.ok ? { tokens: tokens.value } : { answer: "refused", detail: tokens.error.detail ?? tokens.error.code, held: false };
  } catch (error) {
    if (isClientRefused(error)) await peer.onClientRefused("server");
    const refusal = refusalOfToken(error);
    const detail = refusal.detail ?? refusal.code;
    if (error instanceof oauth.ResponseBodyError) {
      return { answer: readPollError(error.error), detail, held: error.response.headers.has("preference-applied") };
    }
    return { answer: refusal.code === "authorization_server_unreachable" ? "unreachable" : "refused", detail, held: false };
  }
}

async function redeem(
  peer: TokenPeer,
  request: DeviceRedemption,
  proved: oauth.DPoPRequestOptions,
): Promise<oauth.TokenEndpointResponse | "too_many"> {
  const client = { client_id: peer.client.clientId };
  const server = serverOf(peer);
  const response = await oauth.deviceCodeGrantRequest(server, client, authenticationOf(peer), request.deviceCode.reveal(), {
    ...requestOptions(peer),
    ...proved,
    headers: { prefer: `wait=${Math.floor((peer.timeoutMs * waitShare) / 1000)}` },
    additionalParameters: { ...parametersOf(peer), code_verifier: request.verifier.reveal() },
  });
  return response.status === 429 ? "too_many" : oauth.processDeviceCodeResponse(server, client, response);
}
