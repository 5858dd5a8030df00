import { randomUUID } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import { authorizationServerMetadataUrls, judgeAuthorizationServer } from "@countersign/protocol/metadata";
import { parseIssuer } from "@countersign/protocol/resource";
import { Secret } from "@countersign/protocol/secret";
import { boundedText, member } from "@countersign/protocol/shape";
import { SignJWT } from "jose";
import { exchangeJson } from "./exchange-json.ts";
import type { SigningKey } from "./signing-key.ts";

export interface WalletTokenParts {
  /** The bank's own client id at every wallet: its origin. */
  readonly clientId: string;
  readonly key: SigningKey;
  readonly fetch: typeof fetch;
  readonly clock: () => EpochMs;
}

/** Tokens for the mandate interface of wallets, one for each issuer, kept until shortly before their end. */
export interface WalletTokens {
  /** Undefined when the wallet gives none now. */
  tokenFor(issuer: string, resource: string): Promise<Secret | undefined>;
  /** The wallet no longer takes this token. */
  drop(issuer: string): void;
}

const scope = "mandates";
const assertionTtlSeconds = 60;
const renewEarlyMs = 30_000;

interface Held {
  readonly token: Secret;
  readonly until: EpochMs;
}

/** Client credentials by a signed assertion (RFC 6749 section 4.4, RFC 7523 section 2.2). Parallel callers share one request. */
export function createWalletTokens(parts: WalletTokenParts): WalletTokens {
  const held = new Map<string, Held>();
  const running = new Map<string, Promise<Secret | undefined>>();
  const renew = async (issuer: string, resource: string): Promise<Secret | undefined> => {
    const made = await requestToken(parts, issuer, resource);
    if (made !== undefined) held.set(issuer, made);
    return made?.token;
  };
  return {
    async tokenFor(issuer, resource) {
      const known = held.get(issuer);
      if (known !== undefined && parts.clock() < known.until) return known.token;
      const current = running.get(issuer) ?? renew(issuer, resource).finally(() => running.delete(issuer));
      running.set(issuer, current);
      return current;
    },
    drop: (issuer) => void held.delete(issuer),
  };
}

async function requestToken(parts: WalletTokenParts, issuer: string, resource: string): Promise<Held | undefined> {
  const endpoint = await tokenEndpointOf(parts, issuer);
  if (endpoint === undefined) return undefined;
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    scope,
    resource,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: await assertionFor(parts, issuer),
  });
  const reply = await exchangeJson(parts.fetch, endpoint, { method: "POST", body });
  const token = boundedText(member(reply?.body, "access_token"), 8192);
  const seconds = member(reply?.body, "expires_in");
  if (reply?.status !== 200 || token === undefined) return undefined;
  const lifeMs = typeof seconds === "number" ? seconds * 1000 : 60_000;
  return { token: new Secret(token), until: parts.clock() + lifeMs - renewEarlyMs };
}

async function tokenEndpointOf(parts: WalletTokenParts, issuer: string): Promise<string | undefined> {
  const parsed = parseIssuer(issuer);
  if (!parsed.ok) return undefined;
  for (const url of authorizationServerMetadataUrls(parsed.value)) {
    const reply = await exchangeJson(parts.fetch, url, {});
    if (reply?.status !== 200) continue;
    const judged = judgeAuthorizationServer(reply.body, parsed.value);
    return judged.ok ? judged.value.tokenEndpoint : undefined;
  }
  return undefined;
}

async function assertionFor(parts: WalletTokenParts, issuer: string): Promise<string> {
  const issuedAt = Math.floor(parts.clock() / 1000);
  return new SignJWT({ iss: parts.clientId, sub: parts.clientId, aud: issuer, jti: randomUUID() })
    .setProtectedHeader({ alg: "ES256", typ: "JWT", kid: parts.key.kid })
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + assertionTtlSeconds)
    .sign(parts.key.privateKey);
}
