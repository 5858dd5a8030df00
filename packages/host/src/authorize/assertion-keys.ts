import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, importJWK } from "jose";
import { z } from "zod";

/** The private half of a published key: what a `private_key_jwt` assertion is signed with. ES256. */
export interface AssertionKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
}

/** A public key as `/.well-known/jwks.json` shows it (RFC 7517). */
export interface PublishedKey {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  readonly alg: "ES256";
  readonly use: "sig";
  readonly kid: string;
}

interface KeyRow {
  readonly createdAt: EpochMs;
  readonly published: PublishedKey;
  /** The private member `d`, sealed. */
  readonly sealed: string;
}

const publishedSchema = z.object({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: z.string(),
  y: z.string(),
  alg: z.literal("ES256"),
  use: z.literal("sig"),
  kid: z.string(),
});

const keyKind: RecordKind<KeyRow> = {
  name: "assertion_key",
  parse: (json) => z.object({ createdAt: z.number(), published: publishedSchema, sealed: z.string() }).parse(json),
};

const dayMs = 24 * 60 * 60 * 1000;
/** A key signs for so long, then its successor does. */
const rotateAfterMs = 90 * dayMs;
/** A new key is published this long before it signs, and an old one this long after, so that whoever holds a copy of the set still verifies. */
const overlapMs = 2 * dayMs;

export interface AssertionKeysOptions {
  readonly database: Pick<Database<unknown>, "records">;
  readonly sealer: Sealer;
  readonly clock: () => EpochMs;
}

/**
 * The host's own keys for `private_key_jwt` (RFC 7523), sealed in the database. Each successor's id is its number, so that instances that rotate at the same
 * time end up with one.
 */
export class AssertionKeys {
  readonly #options: AssertionKeysOptions;
  readonly #records: Records<KeyRow>;

  constructor(options: AssertionKeysOptions) {
    this.#options = options;
    this.#records = options.database.records(keyKind);
  }

  /** The key that signs now. */
  async current(): Promise<AssertionKey> {
    const rows = await this.#live();
    const now = this.#options.clock();
    // The newest that has been published for long enough; the very first one has nobody before it.
    const row = rows.find((each) => each.createdAt <= now - overlapMs) ?? rows.at(-1);
    if (row === undefined) throw new Error("a key that was just made is not there");
    return this.#open(row);
  }

  /** The public keys, the newest first. */
  async published(): Promise<readonly PublishedKey[]> {
    return (await this.#live()).map((row) => row.published);
  }

  async deleteExpired(now: EpochMs): Promise<void> {
    await this.#records.deleteExpired(now, 100);
  }

  /** The keys that are still published, the newest first; makes the next one when it is due. */
  async #live(): Promise<readonly KeyRow[]> {
    const now = this.#options.clock();
    const found = await this.#records.find("kind", "es256", now);
    const rows = found.toSorted((a, b) => Number(b.id) - Number(a.id));
    const newest = rows[0];
    if (newest !== undefined && newest.value.createdAt > now - rotateAfterMs) return rows.map((row) => row.value);
    await this.#make(newest === undefined ? 1 : Number(newest.id) + 1, now);
    const again = await this.#records.find("kind", "es256", now);
    return again.toSorted((a, b) => Number(b.id) - Number(a.id)).map((row) => row.value);
  }

  async #make(number: number, now: EpochMs): Promise<void> {
    const { privateKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(privateKey);
    const kid = await calculateJwkThumbprint(jwk);
    const published = publishedSchema.parse({ kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, alg: "ES256", use: "sig", kid });
    const row = { createdAt: now, published, sealed: this.#options.sealer.seal(z.string().parse(jwk.d), sealingText(kid)) };
    await this.#records.create(String(number), row, { keys: { kind: "es256" }, expiresAt: now + rotateAfterMs + 2 * overlapMs });
  }

  async #open(row: KeyRow): Promise<AssertionKey> {
    const { published } = row;
    const opened = this.#options.sealer.open(row.sealed, sealingText(published.kid));
    if (!opened.ok) throw new Error("the host's key does not open: the key file and the database do not belong together");
    const privateKey = await importJWK({ ...published, d: opened.value }, "ES256");
    if (privateKey instanceof Uint8Array) throw new TypeError("the host's key is symmetric");
    return { kid: published.kid, privateKey };
  }
}

function sealingText(kid: string): string {
  return `host:assertion_key:${kid}`;
}
