import type { EpochMs } from "@countersign/protocol/brand";
import type { Result } from "@countersign/protocol/result";

/**
 * A kind of record. `name` (1 to 64 of `[A-Za-z0-9_.:-]`) is stored with each row and never changes once released. `parse` turns the stored JSON back into `T` and throws on a row that
 * this code did not write. Values are JSON; a `Secret` is refused, so seal it first.
 */
export interface RecordKind<T> {
  readonly name: string;
  parse(json: unknown): T;
}

/** `version` grows with every change. `keys` are the values that `find` and `deleteBy` look for. */
export interface StoredRecord<T> {
  readonly id: string;
  readonly value: T;
  readonly version: number;
  readonly keys: Readonly<Record<string, string>>;
  readonly expiresAt: EpochMs | null;
  readonly consumedAt: EpochMs | null;
}

export interface RecordOptions {
  readonly keys?: Readonly<Record<string, string>>;
  readonly expiresAt?: EpochMs | null;
}

/** `after`: the last id of the page before. */
export interface FindOptions {
  readonly limit?: number;
  readonly after?: string;
}

/**
 * Durable typed records. When a write resolves, it survives a crash of the process and of the machine.
 *
 * An id, a key's name or value is 1 to 512 bytes (UTF-8) of well-formed text without U+0000; a record has up to 16 keys. Writing another one throws; looking one up finds nothing, so that hostile
 * input needs no check before a lookup. A record is expired from `expiresAt` on (`expiresAt <= now`).
 */
export interface Records<T> {
  /** Adds a record. `exists` also when the one there is expired but not yet deleted. */
  create(id: string, value: T, options?: RecordOptions): Promise<Result<StoredRecord<T>, "exists">>;

  /** Writes the whole record, last write wins: options left out mean no keys and no expiry. Keeps `consumedAt`. */
  put(id: string, value: T, options?: RecordOptions): Promise<void>;

  /** Reads a record; an expired one is undefined, a consumed one is returned with `consumedAt`. */
  get(id: string, now: EpochMs): Promise<StoredRecord<T> | undefined>;

  /** Live records whose key has this value, ordered by id: those after the id `after`, at most `limit` (default 100, at most 1000). */
  find(key: string, value: string, now: EpochMs, options?: FindOptions): Promise<readonly StoredRecord<T>[]>;

  /**
   * Every record of the kind, expired and consumed ones too, ordered by id: those after the id `after`, at most `limit` (at most 1000). For upkeep, which
   * goes through all of them page by page while they change.
   */
  scan(after: string | undefined, limit: number): Promise<readonly StoredRecord<T>[]>;

  /** Compare-and-set on `version`; options left out stay as they are. Does not look at expiry or consumption. */
  update(id: string, version: number, value: T, options?: RecordOptions): Promise<Result<StoredRecord<T>, "missing" | "conflict">>;

  /** Single use: one conditional statement, exactly one caller wins. A consumed record stays `consumed` after it expires, until it is deleted. */
  consume(id: string, now: EpochMs): Promise<Result<StoredRecord<T>, "missing" | "expired" | "consumed">>;

  /** True when there was a record. */
  delete(id: string): Promise<boolean>;

  /** Deletes every record whose key has this value; gives how many. */
  deleteBy(key: string, value: string): Promise<number>;

  /** Deletes up to `limit` expired records of this kind, the longest expired first; gives how many. */
  deleteExpired(now: EpochMs, limit: number): Promise<number>;
}
