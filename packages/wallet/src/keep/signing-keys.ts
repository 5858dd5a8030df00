import type { EpochMs } from "@countersign/protocol/brand";
import { planSigningKeys, publishedAheadMs, type SigningKeyPlan, type SigningKeyTimes } from "@countersign/protocol/signing-keys";
import { StartupProblem } from "@countersign/service/startup-problem";
import type { Database } from "@countersign/storage/database";
import type { RecordKind, StoredRecord } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, importJWK } from "jose";
import { z } from "zod";

/** The ES256 key behind access tokens, mandates and the wallet's own client assertions; `typ` keeps the three apart. */
export interface SigningKey {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly privateKey: CryptoKey;
}

/** A public key as `/jwks` shows it (RFC 7517). */
export interface PublishedKey {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  readonly alg: "ES256";
  readonly use: "sig";
  readonly kid: string;
}

/** The private member `d` is sealed; a retired key has none any more, and stays only so that what it signed can be verified in a dispute. */
interface KeyRow {
  readonly signsFrom: EpochMs;
  readonly withdrawnAt?: EpochMs | undefined;
  readonly published: PublishedKey;
  readonly sealed?: string | undefined;
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

const rowSchema = z.object({
  signsFrom: z.number(),
  withdrawnAt: z.number().optional(),
  published: publishedSchema,
  sealed: z.string().optional(),
});

/** A signing key, by its number. */
export const signingKeyKind: RecordKind<KeyRow> = { name: "signing-key", parse: (json) => rowSchema.parse(json) };

/** What the private half of a key is bound to. */
export function signingKeySealingText(kid: string): string {
  return `${signingKeyKind.name}:${kid}`;
}

/** The private key of a wallet that had only one, before keys were numbered. */
export const onlyKeySchema: z.ZodType<PublishedKey & { readonly d: string }> = publishedSchema.extend({ d: z.string() });

export interface SigningKeyParts {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly now: () => EpochMs;
  /** The key of a wallet that had only one; it becomes the first. */
  readonly onlyKey: () => Promise<z.infer<typeof onlyKeySchema> | undefined>;
}

interface Held extends SigningKeyTimes {
  readonly record: StoredRecord<KeyRow>;
}

/** Where instances hear that keys changed. */
export const signingKeyChannel = "signing-keys";

const conflictsMax = 10;
/** More keys than rotation makes in a century. */
const keysMax = 1000;

/**
 * The wallet's signing keys with their rotation. What counts is planned from the rows and the clock at every use, so that a change that was stored ahead happens
 * at its time in every instance; {@link refresh} reads the rows again and makes the next key when it is due.
 */
export class SigningKeys {
  readonly #parts: SigningKeyParts;
  readonly #opened = new Map<string, SigningKey>();
  #held: readonly Held[] = [];
  #refreshing: Promise<void> = Promise.resolve();

  constructor(parts: SigningKeyParts) {
    this.#parts = parts;
  }

  /** The key that signs now. */
  get signing(): SigningKey {
    const kid = this.#plan().signing?.record.value.published.kid;
    const key = kid === undefined ? undefined : this.#opened.get(kid);
    if (key === undefined) throw new Error("there is no signing key");
    return key;
  }

  /** The public keys, the one that signs now first. */
  get published(): readonly PublishedKey[] {
    const { signing, published } = this.#plan();
    const others = published.filter((key) => key !== signing);
    return [...(signing === undefined ? [] : [signing]), ...others].map((key) => key.record.value.published);
  }

  /** A published key with its private half. */
  find(kid: string): SigningKey | undefined {
    return this.#opened.get(kid);
  }

  /**
   * Reads the keys and makes what is missing. One at a time: rows that were read before a key was taken back must not come after those that say so. Throws
   * `StartupProblem` when the sealing key does not open them.
   */
  refresh(): Promise<void> {
    const refreshed = this.#refreshing.then(() => this.#refreshNow());
    this.#refreshing = refreshed.catch(() => undefined);
    return refreshed;
  }

  async #refreshNow(): Promise<void> {
    const now = this.#parts.now();
    let held = await this.#read();
    if (planSigningKeys(held, now).isSuccessorDue) {
      await this.#add(held, held.length === 0 ? now : now + publishedAheadMs);
      held = await this.#read();
    }
    for (const { record } of planSigningKeys(held, now).published) await this.#open(record.value);
    this.#held = held;
    for (const { record } of planSigningKeys(held, now).retired) await this.#forget(record);
  }

  /** Makes the next key, which is published now and signs in an hour; gives its id. A successor that waits already stays the one. */
  async rotate(): Promise<{ readonly kid: string; readonly signsFrom: EpochMs }> {
    const now = this.#parts.now();
    const held = await this.#read();
    if (!held.some((key) => !key.withdrawn && key.signsFrom > now)) await this.#add(held, held.length === 0 ? now : now + publishedAheadMs);
    await this.#tellOthers();
    const newest = (await this.#read()).findLast((key) => !key.withdrawn)?.record.value;
    if (newest === undefined) throw new Error("a key that was just made is not there");
    return { kid: newest.published.kid, signsFrom: newest.signsFrom };
  }

  /** Takes back every key that there is and lets a new one sign at once, for when a private key may be known to others; gives the ids of those taken back. */
  async withdraw(): Promise<readonly string[]> {
    const now = this.#parts.now();
    let held = await this.#read();
    while (!(await this.#add(held, now))) held = await this.#read();
    const trusted = held.filter((key) => !key.withdrawn);
    for (const { record } of trusted) await this.#change(record, (value) => ({ ...value, withdrawnAt: now }));
    await this.#tellOthers();
    return trusted.map(({ record }) => record.value.published.kid);
  }

  #plan(): SigningKeyPlan<Held> {
    return planSigningKeys(this.#held, this.#parts.now());
  }

  async #tellOthers(): Promise<void> {
    await this.refresh();
    await this.#parts.database.signals.notify(signingKeyChannel, "");
  }

  /** All keys that there ever were, the oldest first. */
  async #read(): Promise<readonly Held[]> {
    const rows = await this.#parts.database.records(signingKeyKind).scan(undefined, keysMax);
    return rows
      .map((record) => ({
        record,
        number: Number(record.id),
        signsFrom: record.value.signsFrom,
        withdrawn: record.value.withdrawnAt !== undefined,
      }))
      .toSorted((a, b) => a.number - b.number);
  }

  /** Stores the next key under the next number, unless another instance was faster: then it is false. */
  async #add(held: readonly Held[], signsFrom: EpochMs): Promise<boolean> {
    const { d, ...published } = (held.length === 0 ? await this.#parts.onlyKey() : undefined) ?? (await makeKey());
    const sealed = this.#parts.sealer.seal(d, signingKeySealingText(published.kid));
    const number = String((held.at(-1)?.number ?? 0) + 1);
    return (await this.#parts.database.records(signingKeyKind).create(number, { signsFrom, published, sealed })).ok;
  }

  async #open(row: KeyRow): Promise<void> {
    const { published, sealed } = row;
    if (this.#opened.has(published.kid)) return;
    const d = this.#parts.sealer.open(sealed ?? "", signingKeySealingText(published.kid));
    if (!d.ok) throw wrongSealingKey();
    const privateKey = await importJWK({ ...published, d: d.value }, "ES256");
    if (privateKey instanceof Uint8Array) throw new TypeError("the signing key is symmetric");
    this.#opened.set(published.kid, { kid: published.kid, privateKey });
  }

  /** Destroys the private half of a key that signs no more. */
  async #forget(record: StoredRecord<KeyRow>): Promise<void> {
    this.#opened.delete(record.value.published.kid);
    if (record.value.sealed !== undefined) await this.#change(record, (value) => ({ ...value, sealed: undefined }));
  }

  async #change(first: StoredRecord<KeyRow>, change: (value: KeyRow) => KeyRow): Promise<void> {
    const records = this.#parts.database.records(signingKeyKind);
    let record: StoredRecord<KeyRow> | undefined = first;
    for (let attempt = 0; attempt < conflictsMax && record !== undefined; attempt += 1) {
      const changed = await records.update(record.id, record.version, change(record.value));
      if (changed.ok) return;
      record = await records.get(record.id, 0);
    }
    if (record !== undefined) throw new Error("a signing key could not be changed: it kept changing");
  }
}

/** The sentence for a database whose secrets the given sealing key does not open. */
export function wrongSealingKey(): StartupProblem {
  return new StartupProblem(
    "The sealing key does not open the wallet's database: the key file and the database do not belong together. Restore the key that belongs to it.",
  );
}

async function makeKey(): Promise<z.infer<typeof onlyKeySchema>> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = await exportJWK(privateKey);
  return onlyKeySchema.parse({ ...jwk, alg: "ES256", use: "sig", kid: await calculateJwkThumbprint(jwk) });
}
