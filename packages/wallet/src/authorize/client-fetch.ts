import type { EpochMs } from "@countersign/protocol/brand";
import type { PresentedClientOffer } from "@countersign/protocol/presented-client";
import type { Logger } from "@countersign/service/log";
import { deviceGrant, type WalletClient } from "../options.ts";
import { fetchPresented, isAway, type PresentedFetch } from "./presented-fetch.ts";
import type { PublishedBefore } from "./published-before.ts";

/** The signature algorithms of client assertions (RFC 7518 section 3.1): ES256, and RS256, which ChatGPT signs with. */
export const clientAssertionAlgorithms: readonly ["ES256", "RS256"] = ["ES256", "RS256"];

/** What clients that present themselves may ask for. Never `client_credentials`: whom the operator did not register acts only for users. */
export const presentedClientOffer: PresentedClientOffer = {
  grantTypes: ["authorization_code", "refresh_token", deviceGrant],
  signingAlgs: clientAssertionAlgorithms,
};

/** What is left for clients that register themselves: without a redirect, nothing would tie a name that nobody checked to a place. */
export const registrationOffer: PresentedClientOffer = { ...presentedClientOffer, grantTypes: ["authorization_code", "refresh_token"] };

export interface ClientFetchParts {
  readonly clients: readonly WalletClient[];
  readonly fetching: PresentedFetch;
  readonly before: PublishedBefore;
  readonly logger: Logger;
  readonly now: () => EpochMs;
}

const keySetFreshMs = 60_000;
/** How long a refusal holds: oidc-provider asks again while it answers the same request. */
const refusalMs = 5_000;
const keptMax = 100;

/**
 * Every fetch of oidc-provider. The key sets of configured clients are the operator's word and have any address; everything else was named by a client that presents itself,
 * so it goes through {@link fetchPresented}, and when its server is away {@link PublishedBefore} may stand in.
 * oidc-provider makes such a client anew for each request, and with it the wish for its keys: they are kept for a minute.
 */
export function createClientFetch(parts: ClientFetchParts): (url: string | URL | Request, options?: RequestInit) => Promise<Response> {
  const kept: Kept = new Map();
  return async (target, options) => {
    const url = new URL(new Request(target).url);
    const signal = options?.signal ?? AbortSignal.timeout(2_500);
    if (parts.clients.some((client) => client.jwks_uri !== undefined && new URL(client.jwks_uri).href === url.href)) {
      return fetchConfiguredKeys(url, signal);
    }
    try {
      return await fetchOrRecall(parts, kept, url, signal);
    } catch (error) {
      const body = isAway(error) ? await parts.before.insteadOf(url.href) : undefined;
      if (body === undefined) throw error;
      return jsonAnswer(body);
    }
  };
}

async function fetchOrRecall(parts: ClientFetchParts, kept: Kept, url: URL, signal: AbortSignal): Promise<Response> {
  const known = kept.get(url.href);
  if (known !== undefined && known.until > parts.now()) {
    if ("refusal" in known) throw known.refusal;
    return jsonAnswer(known.keySet);
  }
  try {
    const presented = await fetchPresented(parts.fetching, url, signal, presentedClientOffer);
    if (presented.kind === "key_set") keep(kept, url.href, { keySet: presented.body, until: parts.now() + keySetFreshMs });
    await parts.before.took(url.href, presented.body);
    return jsonAnswer(presented.body, presented.caching);
  } catch (error) {
    keep(kept, url.href, { refusal: error, until: parts.now() + refusalMs });
    parts.logger.warn("presented_client.refused", { url: url.origin, error });
    if (!isAway(error)) await parts.before.refused(url.href);
    throw error;
  }
}

/** What is known of an address until then: its key set, or why it was refused. */
type Known = ({ readonly keySet: string } | { readonly refusal: unknown }) & { readonly until: EpochMs };
type Kept = Map<string, Known>;

function keep(kept: Kept, url: string, known: Known): void {
  kept.delete(url);
  kept.set(url, known);
  const [oldest] = kept.keys();
  if (kept.size > keptMax && oldest !== undefined) kept.delete(oldest);
}

/** The answer comes without its caching headers, so that oidc-provider looks again after its own minute, and a failure counts for nothing. */
async function fetchConfiguredKeys(url: URL, signal: AbortSignal): Promise<Response> {
  const response = await fetch(url, { headers: { accept: "application/json" }, redirect: "error", signal });
  if (!response.ok) {
    await response.body?.cancel();
    throw new TypeError("the client's key set is not there");
  }
  return new Response(response.body, { headers: { "content-type": "application/json" } });
}

function jsonAnswer(body: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(body, { headers: { ...headers, "content-type": "application/json" } });
}
