import type { ResourceUri } from "@countersign/protocol/brand";
import { judgeDeviceAuthorization, readPollError, type DeviceAuthorization, type PollAnswer } from "@countersign/protocol/device-grant";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, type Result } from "@countersign/protocol/result";
import { formatScope, type ScopeSet } from "@countersign/protocol/scope";
import type { Secret } from "@countersign/protocol/secret";
import * as oauth from "oauth4webapi";
import { authenticationOf, readTokens, refusalOfToken, requestOptions, serverOf, type TokenPeer, type TokenSet } from "./token-endpoint.ts";

export interface DeviceRequest {
  readonly resource: ResourceUri;
  readonly scope: ScopeSet;
  /** The S256 challenge. Servers that bind it (D05) get what they need; others ignore it (RFC 6749 section 3.1). */
  readonly codeChallenge: string;
}

export interface DeviceRedemption {
  readonly deviceCode: Secret;
  readonly verifier: Secret;
  readonly resource: ResourceUri;
  readonly requestedScope: ScopeSet;
}

export type PollOutcome = { readonly tokens: TokenSet } | { readonly answer: PollAnswer; readonly detail: string };

/** Asks for a device code (RFC 8628 section 3.1, RFC 8707). Refuses with `device_grant_unsupported` when the server's metadata offers none. */
export async function requestDeviceCode(peer: TokenPeer, request: DeviceRequest): Promise<Result<DeviceAuthorization, Refusal>> {
  if (peer.server.deviceAuthorizationEndpoint === undefined) return err(refuse("device_grant_unsupported"));
  const client = { client_id: peer.client.clientId };
  const parameters = {
    resource: request.resource,
    code_challenge: request.codeChallenge,
    code_challenge_method: "S256",
    ...(request.scope.size === 0 ? {} : { scope: formatScope(request.scope) }),
  };
  try {
    const response = await oauth.deviceAuthorizationRequest(
      serverOf(peer),
      client,
      authenticationOf(peer),
      parameters,
      requestOptions(peer, undefined),
    );
    const document: unknown = await oauth.processDeviceAuthorizationResponse(serverOf(peer), client, response);
    return judgeDeviceAuthorization(document, peer.server.issuer);
  } catch (error) {
    return err(refusalOfToken(error));
  }
}

/** Redeems a device code once (RFC 8628 section 3.4). Never refuses: whatever is no token is an answer that says what to do next. */
export async function pollDeviceCode(peer: TokenPeer, request: DeviceRedemption): Promise<PollOutcome> {
  const client = { client_id: peer.client.clientId };
  const options = requestOptions(peer, request.resource);
  try {
    const server = serverOf(peer);
    const response = await oauth.deviceCodeGrantRequest(server, client, authenticationOf(peer), request.deviceCode.reveal(), {
      ...options,
      additionalParameters: { resource: request.resource, code_verifier: request.verifier.reveal() },
    });
    // RFC 6585 section 4: too many requests, in whatever words.
    if (response.status === 429) return { answer: "slow_down", detail: "the token endpoint answered 429" };
    const tokens = readTokens(await oauth.processDeviceCodeResponse(server, client, response), request.requestedScope, peer.clock());
    return tokens.ok ? { tokens: tokens.value } : { answer: "refused", detail: tokens.error.detail ?? tokens.error.code };
  } catch (error) {
    if (error instanceof oauth.ResponseBodyError) {
      const answer = readPollError(error.error);
      return { answer, detail: answer === "refused" ? (refusalOfToken(error).detail ?? "") : answer };
    }
    const refusal = refusalOfToken(error);
    const answer = refusal.code === "authorization_server_unreachable" ? "unreachable" : "refused";
    return { answer, detail: refusal.detail ?? refusal.code };
  }
}
