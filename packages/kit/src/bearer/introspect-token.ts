import { hash } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import { isLoopbackUrl } from "@countersign/protocol/resource";
import { Secret } from "@countersign/protocol/secret";
import * as oauth from "oauth4webapi";
import { type Fetch, readBounded } from "../http/fetch-json.ts";
import { prepareSigningKey } from "../payment/signing-key.ts";
import { readAccessClaims } from "../policy/read-access-claims.ts";
import { fetchIssuerDocument, type IssuerDocument } from "./issuer-document.ts";
import type { IntrospectionClient, TrustedIssuer } from "./issuer-options.ts";
import { keepFresh } from "./keep-fresh.ts";
import type { TokenReader } from "./read-jwt.ts";

const timeoutMs = 10_000;
const answerBytesMax = 65_536;
/** Questions to the issuer at one time; a token beyond that is not judged now. */
const questionsMax = 64;

/**
 * Reads tokens by asking their issuer (RFC 7662): also opaque ones, and at once aware of what was revoked. The same token is asked about once at a time; answers are
 * remembered by whoever calls this, for a minute at most. An issuer that does not answer, refuses this client, or publishes no endpoint makes every token
 * `unverifiable`, never invalid.
 */
export function createIntrospector(options: {
  readonly trusted: TrustedIssuer;
  readonly client: IntrospectionClient;
  readonly fetch: Fetch;
  readonly clock: () => EpochMs;
}): TokenReader {
  const { trusted, clock } = options;
  const documents = keepFresh(() => fetchIssuerDocument(trusted.issuer, options.fetch), clock);
  const authenticate = createAuthentication(options.client);
  const asking = new Map<string, ReturnType<TokenReader>>();

  const ask: TokenReader = async (token) => {
    const document = await documents.current();
    if (document?.introspectionEndpoint === undefined) return "unverifiable";
    const server = { issuer: trusted.issuer, introspection_endpoint: document.introspectionEndpoint };
    const client = { client_id: options.client.clientId };
    const settings = {
      [oauth.customFetch]: boundedFetch(options.fetch),
      [oauth.allowInsecureRequests]: isLoopbackUrl(new URL(trusted.issuer)),
      additionalParameters: { token_type_hint: "access_token" },
    };
    try {
      const response = await oauth.introspectionRequest(server, client, await authenticate(document), token, settings);
      const answer = await oauth.processIntrospectionResponse(server, client, response);
      return readAccessClaims(answer, trusted.format, trusted.rules, clock()) ?? "invalid";
    } catch {
      return "unverifiable";
    }
  };

  return async (token) => {
    const key = hash("sha256", token, "base64url");
    const shared = asking.get(key);
    if (shared !== undefined) return await shared;
    if (asking.size >= questionsMax) return "unverifiable";
    const asked = ask(token).finally(() => asking.delete(key));
    asking.set(key, asked);
    return await asked;
  };
}

/** A secret goes by header unless the issuer lists the body alone (RFC 6749 section 2.3.1). */
function createAuthentication(client: IntrospectionClient): (document: IssuerDocument) => Promise<oauth.ClientAuth> {
  if ("signingKey" in client) {
    const signingKey = prepareSigningKey(client.signingKey);
    return async () => oauth.PrivateKeyJwt({ key: await signingKey.privateKey(), kid: signingKey.kid });
  }
  const secret = new Secret(client.clientSecret);
  return async ({ introspectionAuthMethods: methods }) =>
    methods.includes("client_secret_post") && !methods.includes("client_secret_basic")
      ? oauth.ClientSecretPost(secret.reveal())
      : oauth.ClientSecretBasic(secret.reveal());
}

/** No redirects, bounded time and size. */
function boundedFetch(send: Fetch): (url: string, init: oauth.CustomFetchOptions<"POST", URLSearchParams>) => Promise<Response> {
  return async (url, { method, headers, body }) => {
    const response = await send(url, { method, headers, body, redirect: "error", signal: AbortSignal.timeout(timeoutMs) });
    const text = await readBounded(response.body, answerBytesMax);
    if (text === undefined) throw new TypeError("the issuer's answer is too large");
    return new Response(text, { status: response.status, headers: response.headers });
  };
}
