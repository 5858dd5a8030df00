import type { EpochMs, Issuer } from "@countersign/protocol/brand";
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
import { fetchIssuerDocument, type IssuerDocument } from "./issuer-document.ts";
import { keepFresh } from "./keep-fresh.ts";

/** The issuer's keys cannot be read at the moment: says nothing about the token. */
export class KeysUnavailable extends Error {
  override readonly name = "KeysUnavailable";
}

/** The verification keys of one issuer, as published. */
export interface KeySource {
  /** Gives the one key that the protected header names. Throws {@link KeysUnavailable}, or jose's JWKSNoMatchingKey. */
  key(header: JWTHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey>;
  /** The issuer's metadata (RFC 8414), or undefined while it cannot be read. */
  document(): Promise<IssuerDocument | undefined>;
}

const timeoutMs = 10_000;

/**
 * Reads keys from the issuer's own metadata, whose `issuer` must be equal. Keys are kept ten minutes, an hour when the issuer is unreachable.
 * An unknown key id causes at most one fetch in 30 seconds, however many tokens carry one; parallel callers share it. After a failed fetch the
 * next one waits 5 seconds.
 */
export function createKeySource(options: { readonly issuer: Issuer; readonly fetch: Fetch; readonly clock: () => EpochMs }): KeySource {
  const kept = keepFresh(async () => {
    const document = await fetchIssuerDocument(options.issuer, options.fetch);
    const set = document?.jwksUri === undefined ? undefined : await fetchKeySet(document.jwksUri, options.fetch);
    return document && set && { document, set };
  }, options.clock);
  const held = async (): Promise<LocalJWKSet> => {
    const keys = await kept.current();
    if (keys === undefined) throw new KeysUnavailable();
    return keys.set;
  };

  return {
    async key(header, token) {
      const set = await held();
      try {
        return await set(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || !(await kept.renew())) throw error;
        return await (await held())(header, token);
      }
    },
    async document() {
      return (await kept.current())?.document;
    },
  };
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
