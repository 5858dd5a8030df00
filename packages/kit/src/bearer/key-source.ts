import type { EpochMs, Issuer } from "@countersign/protocol/brand";
import { authorizationServerMetadataUrls, judgeAuthorizationServer } from "@countersign/protocol/metadata";
import { isLoopbackUrl, isSecureOrLoopback, parseBrowserUrl } from "@countersign/protocol/resource";
import { member } from "@countersign/protocol/shape";
import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWTHeaderParameters,
  type LocalJWKSet,
} from "jose";
import { type Fetch, fetchJson } from "../http/fetch-json.ts";

/** The issuer's keys cannot be read at the moment: says nothing about the token. */
export class KeysUnavailable extends Error {
  override readonly name = "KeysUnavailable";
}

export interface IssuerDocument {
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
}

/** The verification keys of one issuer, as published. */
export interface KeySource {
  /** Gives the one key that the protected header names. Throws {@link KeysUnavailable}, or jose's JWKSNoMatchingKey. */
  key(header: JWTHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey>;
  /** The issuer's metadata (RFC 8414), or undefined while it cannot be read. */
  document(): Promise<IssuerDocument | undefined>;
}

const refetchFloorMs = 30_000;
const retryFloorMs = 5_000;
const freshMs = 600_000;
const usableMs = 3_600_000;
const timeoutMs = 10_000;

/**
 * Reads keys from the issuer's own metadata, whose `issuer` must be equal. Keys are kept ten minutes, an hour when the issuer is unreachable.
 * An unknown key id causes at most one fetch in 30 seconds, however many tokens carry one; parallel callers share it. After a failed fetch the
 * next one waits 5 seconds.
 */
export function createKeySource(options: { readonly issuer: Issuer; readonly fetch: Fetch; readonly clock: () => EpochMs }): KeySource {
  let keys: { readonly set: LocalJWKSet; readonly document: IssuerDocument; readonly at: EpochMs } | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let floorMs = 0;
  let inFlight: Promise<void> | undefined;

  const refetch = async (): Promise<void> => {
    const document = await fetchDocument(options.issuer, options.fetch);
    const set = document && (await fetchKeySet(document.jwksUri, options.fetch));
    floorMs = document && set ? refetchFloorMs : retryFloorMs;
    if (document && set) keys = { set, document, at: options.clock() };
  };
  const refetchOnce = async (): Promise<boolean> => {
    if (inFlight === undefined) {
      if (options.clock() - triedAt < floorMs) return false;
      triedAt = options.clock();
      inFlight = refetch().finally(() => {
        inFlight = undefined;
      });
    }
    await inFlight;
    return true;
  };
  const current = async (): Promise<typeof keys> => {
    if (keys === undefined || options.clock() - keys.at >= freshMs) await refetchOnce();
    return keys !== undefined && options.clock() - keys.at < usableMs ? keys : undefined;
  };

  return {
    async key(header, token) {
      const held = await current();
      if (held === undefined) throw new KeysUnavailable();
      try {
        return await held.set(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || !(await refetchOnce()) || keys === undefined) throw error;
        return await keys.set(header, token);
      }
    },
    async document() {
      return (await current())?.document;
    },
  };
}

async function fetchDocument(issuer: Issuer, send: Fetch): Promise<IssuerDocument | undefined> {
  for (const url of authorizationServerMetadataUrls(issuer)) {
    const reply = await fetchJson(send, url, { headers: { accept: "application/json" } }, timeoutMs);
    if (!reply.ok) return undefined;
    // A web site that answers every path with a page is not asked for its page's meaning.
    if (reply.value.status !== 200 || reply.value.body === undefined) continue;
    // Whether it names PKCE is its clients' affair; several well-known servers do not.
    const judged = judgeAuthorizationServer(reply.value.body, issuer, "assumed");
    const jwksUri = judged.ok ? readJwksUri(member(reply.value.body, "jwks_uri"), issuer) : undefined;
    return judged.ok && jwksUri !== undefined ? { tokenEndpoint: judged.value.tokenEndpoint, jwksUri } : undefined;
  }
  return undefined;
}

/** https, or plain http only where the issuer itself is on this machine. */
function readJwksUri(value: unknown, issuer: Issuer): string | undefined {
  const parsed = typeof value === "string" ? parseBrowserUrl(value) : undefined;
  if (!parsed?.ok) return undefined;
  const url = new URL(parsed.value);
  const secure = url.protocol === "https:" || isLoopbackUrl(new URL(issuer));
  return secure && isSecureOrLoopback(url) ? parsed.value : undefined;
}

async function fetchKeySet(url: string, send: Fetch): Promise<LocalJWKSet | undefined> {
  const reply = await fetchJson(send, url, { headers: { accept: "application/json" } }, timeoutMs);
  if (!reply.ok || reply.value.status !== 200 || !isKeySet(reply.value.body)) return undefined;
  return createLocalJWKSet(reply.value.body);
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  const keys = member(value, "keys");
  return Array.isArray(keys) && keys.length <= 100 && keys.every((key) => typeof member(key, "kty") === "string");
}
