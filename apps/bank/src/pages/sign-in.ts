import type { EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import { isLoopbackUrl } from "@countersign/protocol/resource";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Sealer } from "@countersign/storage/sealed";
import * as oauth from "oauth4webapi";
import { z } from "zod";
import type { SigningKey } from "../signing-key.ts";

export interface SignInParts {
  /** The bank's origin, its client id at every wallet. */
  readonly origin: string;
  /** The issuers whose users may sign in. */
  readonly wallets: readonly string[];
  readonly key: SigningKey;
  readonly sealer: Sealer;
  readonly fetch: typeof fetch;
  readonly now: () => EpochMs;
}

/** A user of a wallet, by the wallet's own id. */
export interface WalletUser {
  readonly issuer: string;
  readonly subject: string;
}

/** Where the browser goes, and the sealed text that it keeps meanwhile and brings back. */
export interface StartedSignIn {
  readonly location: string;
  readonly kept: string;
}

export interface SignIn {
  /** Begins at one wallet. Refuses with `not_found` for any other, with `authorization_server_unreachable` when it does not answer as it should. */
  start(issuer: string): Promise<Result<StartedSignIn, Refusal>>;
  /**
   * Ends with what the wallet sent to the callback, in the browser that began. Refuses with `invalid_state` for anything that does not belong to what it kept, and
   * with `access_denied`, `flow_failed` or `authorization_server_unreachable`.
   */
  finish(callback: URL, kept: string | undefined): Promise<Result<WalletUser, Refusal>>;
}

export const callbackPath = "/signed-in";

const ttlMs = 600_000;
const timeoutMs = 5_000;
const bodyBytesMax = 65_536;
const binding = "bank:sign-in";
const pending = z.object({ issuer: z.string(), state: z.string(), nonce: z.string(), verifier: z.string(), endsAt: z.number() });

/**
 * Sign-in by the user's wallet: an OpenID Connect code flow with PKCE, `state`, `nonce` and the issuer in the answer (RFC 9207). The bank proves itself by the
 * key that it redeems mandates with. What must be remembered is sealed and kept by the browser, so that nobody fills the bank's tables by beginning.
 */
export function createSignIn(parts: SignInParts): SignIn {
  const { origin, sealer, now } = parts;
  const client: oauth.Client = { client_id: origin, [oauth.clockTolerance]: 30 };
  const redirectUri = `${origin}${callbackPath}`;
  return {
    async start(issuer) {
      if (!parts.wallets.includes(issuer)) return err(refuse("not_found", "no such wallet"));
      const server = await discover(parts, issuer);
      if (server?.authorization_endpoint === undefined) return err(refuse("authorization_server_unreachable"));
      const [state, nonce, verifier] = [oauth.generateRandomState(), oauth.generateRandomNonce(), oauth.generateRandomCodeVerifier()];
      const location = new URL(server.authorization_endpoint);
      const query = {
        client_id: origin,
        redirect_uri: redirectUri,
        response_type: "code",
        scope: "openid",
        state,
        nonce,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      };
      for (const [name, value] of Object.entries(query)) location.searchParams.set(name, value);
      const kept = sealer.seal(JSON.stringify({ issuer, state, nonce, verifier, endsAt: now() + ttlMs }), binding);
      return ok({ location: location.href, kept });
    },
    async finish(callback, kept) {
      const opened = kept === undefined ? undefined : sealer.open(kept, binding);
      if (opened === undefined || !opened.ok) return err(refuse("invalid_state"));
      const begun = pending.parse(JSON.parse(opened.value));
      if (now() >= begun.endsAt || !parts.wallets.includes(begun.issuer)) return err(refuse("invalid_state"));
      const server = await discover(parts, begun.issuer);
      if (server === undefined) return err(refuse("authorization_server_unreachable"));
      try {
        const answer = oauth.validateAuthResponse(server, client, callback, begun.state);
        const clientAuth = oauth.PrivateKeyJwt({ key: parts.key.privateKey, kid: parts.key.kid });
        const sent = await oauth.authorizationCodeGrantRequest(
          server,
          client,
          clientAuth,
          answer,
          redirectUri,
          begun.verifier,
          transportTo(parts, begun.issuer),
        );
        const tokens = await oauth.processAuthorizationCodeResponse(server, client, sent, { expectedNonce: begun.nonce, requireIdToken: true });
        await oauth.validateApplicationLevelSignature(server, sent, transportTo(parts, begun.issuer));
        const subject = oauth.getValidatedIdTokenClaims(tokens)?.sub;
        return subject === undefined ? err(refuse("flow_failed")) : ok({ issuer: begun.issuer, subject });
      } catch (error) {
        return err(refusalOf(error));
      }
    },
  };
}

async function discover(parts: SignInParts, issuer: string): Promise<oauth.AuthorizationServer | undefined> {
  try {
    const url = new URL(issuer);
    return await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, transportTo(parts, issuer)));
  } catch {
    return undefined;
  }
}

/** One request as oauth4webapi makes it. */
interface Outgoing {
  readonly body: URLSearchParams | undefined;
  readonly headers: Record<string, string>;
  readonly method: string;
  readonly redirect: "manual";
  readonly signal?: AbortSignal;
}

interface Transport {
  readonly [oauth.customFetch]: (url: string, init: Outgoing) => Promise<Response>;
  readonly [oauth.allowInsecureRequests]: boolean;
  readonly signal: AbortSignal;
}

function transportTo(parts: SignInParts, issuer: string): Transport {
  return {
    [oauth.customFetch]: async (url, { body, ...init }) => bounded(await parts.fetch(url, { ...init, body: body ?? null })),
    // A wallet on this machine has no certificate; any other one is asked over https only.
    [oauth.allowInsecureRequests]: isLoopbackUrl(new URL(issuer)),
    signal: AbortSignal.timeout(timeoutMs),
  };
}

async function bounded(response: Response): Promise<Response> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > bodyBytesMax) throw new RangeError("the wallet's answer is too large");
    chunks.push(chunk);
  }
  return new Response(new Blob(chunks), { status: response.status, headers: response.headers });
}

/** What the flow's own rules refuse is told apart from a wallet that does not answer; nothing of the error's text is shown. */
function refusalOf(error: unknown): Refusal {
  if (error instanceof oauth.AuthorizationResponseError)
    return refuse(error.error === "access_denied" ? "access_denied" : "flow_failed", error.error);
  if (error instanceof oauth.OperationProcessingError)
    return refuse(error.code === oauth.INVALID_RESPONSE ? "invalid_state" : "flow_failed", error.code);
  if (error instanceof oauth.ResponseBodyError) return refuse("flow_failed", error.error);
  return refuse("authorization_server_unreachable");
}
