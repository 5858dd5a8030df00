import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records, StoredRecord } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { retention } from "../keep/retention.ts";
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

const keySchema = z.object({ createdAt: z.number(), published: publishedSchema, sealed: z.string() });
const keyKind: RecordKind<KeyRow> = {
  name: "assertion_key",
  parse: (json) => keySchema.parse(json),
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

  /** The keys that are still published, the newest first; makes the next one when it is due. */
  async #live(): Promise<readonly KeyRow[]> {
    const now = this.#options.clock();
    const found = await this.#numbered(now);
    const rows = found.filter((row) => this.#opened(row.value) !== undefined);
    const newest = rows[0];
    if (newest !== undefined && newest.value.createdAt > now - rotateAfterMs) return rows.map((row) => row.value);
    await this.#make(Number(found[0]?.id ?? 0) + 1, now);
    return (await this.#numbered(now)).map((row) => row.value).filter((row) => this.#opened(row) !== undefined);
  }

  /** All that have not expired, the newest first. */
  async #numbered(now: EpochMs): Promise<readonly StoredRecord<KeyRow>[]> {
    return (await this.#records.find("kind", "es256", now)).toSorted((a, b) => Number(b.id) - Number(a.id));
  }

  /** The private member; undefined when no key of this host opens it: such a row is as good as none. */
  #opened(row: KeyRow): string | undefined {
    const opened = this.#options.sealer.open(row.sealed, assertionKeySealingText(row.published.kid));
    return opened.ok ? opened.value : undefined;
  }

  async #make(number: number, now: EpochMs): Promise<void> {
    const { privateKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(privateKey);
    const kid = await calculateJwkThumbprint(jwk);
    const published = publishedSchema.parse({ kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, alg: "ES256", use: "sig", kid });
    const row = { createdAt: now, published, sealed: this.#options.sealer.seal(z.string().parse(jwk.d), assertionKeySealingText(kid)) };
    await this.#records.create(String(number), row, { keys: { kind: "es256" }, expiresAt: now + retention.assertion_key.ms });
  }

  async #open(row: KeyRow): Promise<AssertionKey> {
    const { published } = row;
    const d = this.#opened(row);
    if (d === undefined) throw new Error("a key that was just opened does not open");
    const privateKey = await importJWK({ ...published, d }, "ES256");
    if (privateKey instanceof Uint8Array) throw new TypeError("the host's key is symmetric");
    return { kid: published.kid, privateKey };
  }
}

/** What the private half of a key is bound to. */
export function assertionKeySealingText(kid: string): string {
  return `host:assertion_key:${kid}`;
}
