import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { boundedText } from "@countersign/protocol/shape";
import type { Database } from "@countersign/storage/database";
import { calculateJwkThumbprint, type CryptoKey, decodeJwt, exportJWK, type JWTPayload, jwtVerify } from "jose";
import { type KeySets, KeysUnavailable } from "./key-sets.ts";
import type { BankTables } from "./tables.ts";

/**
 * A server that may call the bank: a payee by its payee id, a wallet by its issuer. Its public keys are at `jwksUri`. `mandatesUri`: where a wallet's mandates
 * are redeemed; those of a wallet without it are single-use at this bank only and cannot be withdrawn. `webhookUri`: where a payee is told of its payments.
 */
export interface BankClient {
  readonly clientId: string;
  readonly jwksUri: string;
  readonly role: "payee" | "wallet";
  readonly mandatesUri?: string;
  readonly webhookUri?: string;
}

/** Who called, and the RFC 7638 thumbprint of the key it proved to hold. */
export interface AuthenticatedClient {
  readonly client: BankClient;
  readonly keyThumbprint: string;
}

export interface ClientAuthenticator {
  /** Judges the `Authorization` header. Refuses with `invalid_client`, or with `unavailable` when the client's keys cannot be read. */
  authenticate(authorization: string | null, now: EpochMs): Promise<Result<AuthenticatedClient, Refusal>>;
}

const assertionLengthMax = 4_096;
const lifeSecondsMax = 60;
const skewSeconds = 30;
const assertionTypes = [undefined, "JWT", "client-authentication+jwt"] as const;

/**
 * Client authentication by RFC 7523 assertions as bearer credentials: ES256, `iss` = `sub` = a configured client, `aud` = this bank and nobody else,
 * at most 60 s of life, `jti` used once. The `jti` is spent in a commit of its own before anything else is looked at, so that it stays spent when the request is
 * refused or fails. `audience` is the bank's origin.
 */
export function createClientAuthenticator(options: {
  readonly database: Database<BankTables>;
  readonly clients: readonly BankClient[];
  readonly keySets: KeySets;
  readonly audience: string;
}): ClientAuthenticator {
  const clients = new Map(options.clients.map((client) => [client.clientId, client]));
  return {
    async authenticate(authorization, now) {
      const assertion = bearerOf(authorization);
      const client = assertion === undefined ? undefined : clients.get(claimedIssuer(assertion));
      if (assertion === undefined || client === undefined) return refused("no assertion of a known client");
      const verified = await verify(assertion, client, options.keySets, options.audience, now);
      if (!verified.ok) return verified;
      const fresh = await useOnce(options.database, client.clientId, verified.value.jti, verified.value.expiresAt);
      return fresh ? ok({ client, keyThumbprint: verified.value.keyThumbprint }) : refused("the assertion was used before");
    },
  };
}

interface Verified {
  readonly jti: string;
  readonly expiresAt: EpochMs;
  readonly keyThumbprint: string;
}

async function verify(assertion: string, client: BankClient, keySets: KeySets, audience: string, now: EpochMs): Promise<Result<Verified, Refusal>> {
  try {
    const { payload, protectedHeader, key } = await jwtVerify(assertion, keySets.at(client.jwksUri), {
      algorithms: ["ES256"],
      issuer: client.clientId,
      subject: client.clientId,
      currentDate: new Date(now),
      clockTolerance: skewSeconds,
      requiredClaims: ["exp", "jti"],
    });
    if (!assertionTypes.some((type) => type === protectedHeader.typ)) return refused("typ");
    if (!isOnlyAudience(payload, audience)) return refused("aud");
    const jti = boundedText(payload.jti, 200);
    const { exp, iat } = payload;
    if (jti === undefined || exp === undefined || exp * 1000 > now + (lifeSecondsMax + skewSeconds) * 1000) return refused("jti or exp");
    if (iat !== undefined && iat * 1000 > now + skewSeconds * 1000) return refused("iat");
    return ok({ jti, expiresAt: (exp + skewSeconds) * 1000, keyThumbprint: await thumbprintOf(key) });
  } catch (error) {
    if (error instanceof KeysUnavailable) return err(refuse("unavailable", "the client's keys cannot be read"));
    return refused("signature or claims");
  }
}

/** By imported key: a key set that is fetched anew gives new ones. */
const thumbprints = new WeakMap<CryptoKey | Uint8Array, string>();

async function thumbprintOf(key: CryptoKey | Uint8Array): Promise<string> {
  const known = thumbprints.get(key);
  if (known !== undefined) return known;
  const thumbprint = await calculateJwkThumbprint(await exportJWK(key));
  thumbprints.set(key, thumbprint);
  return thumbprint;
}

/** RFC 7523 section 3 with one audience only, so that an assertion made for somebody else is never accepted here. */
function isOnlyAudience(payload: JWTPayload, audience: string): boolean {
  const { aud } = payload;
  return aud === audience || (Array.isArray(aud) && aud.length === 1 && aud[0] === audience);
}

async function useOnce(database: Database<BankTables>, clientId: string, jti: string, expiresAt: EpochMs): Promise<boolean> {
  const used = await database.sql
    .insertInto("client_assertions")
    .values({ client_id: clientId, jti, expires_at: expiresAt })
    .onConflict((conflict) => conflict.doNothing())
    .returning("jti")
    .executeTakeFirst();
  return used !== undefined;
}

function bearerOf(authorization: string | null): string | undefined {
  const match = /^Bearer ([A-Za-z0-9_.-]+)$/i.exec(authorization ?? "");
  const token = match?.[1];
  return token !== undefined && token.length <= assertionLengthMax ? token : undefined;
}

/** Read before the signature is checked, only to know whose keys to check it with. */
function claimedIssuer(assertion: string): string {
  try {
    return decodeJwt(assertion).iss ?? "";
  } catch {
    return "";
  }
}

function refused(what: string): Result<never, Refusal> {
  return err(refuse("invalid_client", what));
}
