import type { EpochMs } from "@countersign/protocol/brand";
import { err, ok, type Result } from "@countersign/protocol/result";
import { Secret } from "@countersign/protocol/secret";
import { type QueryExecutorProvider, type RawBuilder, sql } from "kysely";
import type { FindOptions, RecordKind, RecordOptions, Records, StoredRecord } from "./records.ts";
import { StorageError } from "./storage-error.ts";

/** Where records live: an executor for single statements, and a way to run several of them in one transaction. */
export interface RecordContext {
  readonly executor: QueryExecutorProvider;
  atomically<R>(work: (executor: QueryExecutorProvider) => Promise<R>): Promise<R>;
}

interface Row {
  readonly id: string;
  readonly value: string;
  readonly version: number;
  readonly keys: string;
  readonly expires_at: number | null;
  readonly consumed_at: number | null;
}

const findLimitDefault = 100;
const findLimitMax = 1000;
const keysMax = 16;
const columns: RawBuilder<unknown> = sql`id, value, version, keys, expires_at, consumed_at`;

/** The {@link Records} of one kind on SQL; statements only that mean the same in SQLite and in PostgreSQL at READ COMMITTED. */
export class RecordStore<T> implements Records<T> {
  readonly #kind: RecordKind<T>;
  readonly #context: RecordContext;

  constructor(kind: RecordKind<T>, context: RecordContext) {
    if (!/^[A-Za-z0-9_.:-]{1,64}$/.test(kind.name)) throw new TypeError("a kind's name is 1 to 64 characters of A-Z, a-z, 0-9, _, ., : and -");
    this.#kind = kind;
    this.#context = context;
  }

  async create(id: string, value: T, options: RecordOptions = {}): Promise<Result<StoredRecord<T>, "exists">> {
    const { text, keys, keysText, expiresAt } = this.#encode(id, value, options);
    const insert = sql<Row>`insert into records (kind, id, value, version, keys, expires_at)
      values (${this.#kind.name}, ${id}, ${text}, 1, ${keysText}, ${expiresAt})
      on conflict (kind, id) do nothing returning ${columns}`;
    const write = async (executor: QueryExecutorProvider): Promise<Result<StoredRecord<T>, "exists">> => {
      const row = await first(insert, executor);
      if (row === undefined) return err("exists");
      await this.#insertKeys(executor, id, keys);
      return ok(this.#decode(row));
    };
    return keys.length === 0 ? write(this.#context.executor) : this.#context.atomically(write);
  }

  async put(id: string, value: T, options: RecordOptions = {}): Promise<void> {
    const { text, keys, keysText, expiresAt } = this.#encode(id, value, options);
    await this.#context.atomically(async (executor) => {
      // Writing the record first takes its row lock, so that two writers cannot mix their keys.
      const written = await first(
        sql<{ readonly version: number }>`insert into records (kind, id, value, version, keys, expires_at)
        values (${this.#kind.name}, ${id}, ${text}, 1, ${keysText}, ${expiresAt})
        on conflict (kind, id) do update set value = excluded.value, version = records.version + 1, keys = excluded.keys, expires_at = excluded.expires_at
        returning version`,
        executor,
      );
      // A new record has no keys of before.
      if (written?.version !== 1) await this.#deleteKeys(executor, id);
      await this.#insertKeys(executor, id, keys);
    });
  }

  async get(id: string, now: EpochMs): Promise<StoredRecord<T> | undefined> {
    if (!isStorable(id)) return undefined;
    const row = await first(
      sql<Row>`select ${columns} from records where kind = ${this.#kind.name} and id = ${id} and (expires_at is null or expires_at > ${now})`,
      this.#context.executor,
    );
    return row === undefined ? undefined : this.#decode(row);
  }

  async find(key: string, value: string, now: EpochMs, options: FindOptions = {}): Promise<readonly StoredRecord<T>[]> {
    if (!isStorable(key) || !isStorable(value)) return [];
    const limit = Math.min(options.limit ?? findLimitDefault, findLimitMax);
    const query = sql<Row>`select r.id, r.value, r.version, r.keys, r.expires_at, r.consumed_at
      from record_keys k join records r on r.kind = k.kind and r.id = k.id
      where k.kind = ${this.#kind.name} and k.name = ${key} and k.value = ${value} and k.id > ${options.after ?? ""}
        and (r.expires_at is null or r.expires_at > ${now})
      order by k.id limit ${limit}`;
    const { rows } = await query.execute(this.#context.executor);
    return rows.map((row) => this.#decode(row));
  }

  async scan(after: string | undefined, limit: number): Promise<readonly StoredRecord<T>[]> {
    const query = sql<Row>`select ${columns} from records where kind = ${this.#kind.name} and id > ${after ?? ""}
      order by id limit ${Math.min(limit, findLimitMax)}`;
    const { rows } = await query.execute(this.#context.executor);
    return rows.map((row) => this.#decode(row));
  }

  async update(id: string, version: number, value: T, options: RecordOptions = {}): Promise<Result<StoredRecord<T>, "missing" | "conflict">> {
    if (!isStorable(id)) return err("missing");
    const { text, keys, keysText, expiresAt } = this.#encode(id, value, options);
    const newExpiry = options.expiresAt === undefined ? sql`expires_at` : sql`${expiresAt}`;
    const newKeys = options.keys === undefined ? sql`keys` : sql`${keysText}`;
    const statement = sql<Row>`update records set value = ${text}, version = version + 1, keys = ${newKeys}, expires_at = ${newExpiry}
      where kind = ${this.#kind.name} and id = ${id} and version = ${version} returning ${columns}`;
    const write = async (executor: QueryExecutorProvider): Promise<Result<StoredRecord<T>, "missing" | "conflict">> => {
      const row = await first(statement, executor);
      if (row === undefined) return err((await this.#exists(executor, id)) ? "conflict" : "missing");
      if (options.keys !== undefined) {
        await this.#deleteKeys(executor, id);
        await this.#insertKeys(executor, id, keys);
      }
      return ok(this.#decode(row));
    };
    return options.keys === undefined ? write(this.#context.executor) : this.#context.atomically(write);
  }

  async consume(id: string, now: EpochMs): Promise<Result<StoredRecord<T>, "missing" | "expired" | "consumed">> {
    if (!isStorable(id)) return err("missing");
    const { executor } = this.#context;
    const won = await first(
      sql<Row>`update records set consumed_at = ${now}, version = version + 1
        where kind = ${this.#kind.name} and id = ${id} and consumed_at is null and (expires_at is null or expires_at > ${now}) returning ${columns}`,
      executor,
    );
    if (won !== undefined) return ok(this.#decode(won));
    const row = await first(sql<Row>`select ${columns} from records where kind = ${this.#kind.name} and id = ${id}`, executor);
    if (row === undefined) return err("missing");
    return err(row.consumed_at === null ? "expired" : "consumed");
  }

  async delete(id: string): Promise<boolean> {
    if (!isStorable(id)) return false;
    const row = await first(sql`delete from records where kind = ${this.#kind.name} and id = ${id} returning id`, this.#context.executor);
    return row !== undefined;
  }

  async deleteBy(key: string, value: string): Promise<number> {
    if (!isStorable(key) || !isStorable(value)) return 0;
    const deleted = await sql`delete from records where kind = ${this.#kind.name}
      and id in (select id from record_keys where kind = ${this.#kind.name} and name = ${key} and value = ${value}) returning id`.execute(
      this.#context.executor,
    );
    return deleted.rows.length;
  }

  async deleteExpired(now: EpochMs, limit: number): Promise<number> {
    const deleted = await sql`delete from records where kind = ${this.#kind.name} and expires_at <= ${now} and id in
      (select id from records where kind = ${this.#kind.name} and expires_at <= ${now} order by expires_at, id limit ${limit}) returning id`.execute(
      this.#context.executor,
    );
    return deleted.rows.length;
  }

  async #exists(executor: QueryExecutorProvider, id: string): Promise<boolean> {
    return (await first(sql`select 1 as found from records where kind = ${this.#kind.name} and id = ${id}`, executor)) !== undefined;
  }

  async #deleteKeys(executor: QueryExecutorProvider, id: string): Promise<void> {
    await sql`delete from record_keys where kind = ${this.#kind.name} and id = ${id}`.execute(executor);
  }

  async #insertKeys(executor: QueryExecutorProvider, id: string, keys: readonly (readonly [string, string])[]): Promise<void> {
    if (keys.length === 0) return;
    const rows = keys.map(([name, value]) => sql`(${this.#kind.name}, ${name}, ${value}, ${id})`);
    await sql`insert into record_keys (kind, name, value, id) values ${sql.join(rows)}`.execute(executor);
  }

  #encode(
    id: string,
    value: T,
    options: RecordOptions,
  ): { text: string; keys: readonly (readonly [string, string])[]; keysText: string; expiresAt: number | null } {
    const keys = Object.entries(options.keys ?? {});
    if (keys.length > keysMax) throw new TypeError(`a record has at most ${keysMax} keys`);
    if (![id, ...keys.flat()].every(isStorable)) throw new TypeError("a record's id and keys are 1 to 512 bytes of well-formed text without U+0000");
    const expiresAt = options.expiresAt ?? null;
    if (expiresAt !== null && !Number.isSafeInteger(expiresAt)) throw new TypeError("expiresAt is whole milliseconds");
    return { text: encodeValue(value), keys, keysText: JSON.stringify(options.keys ?? {}), expiresAt };
  }

  #decode(row: Row): StoredRecord<T> {
    try {
      const value = this.#kind.parse(JSON.parse(row.value));
      return { id: row.id, value, version: row.version, keys: decodeKeys(row.keys), expiresAt: row.expires_at, consumedAt: row.consumed_at };
    } catch (cause) {
      throw new StorageError("unreadable_record", `A stored record of kind ${this.#kind.name} cannot be read.`, cause);
    }
  }
}

async function first<R>(query: RawBuilder<R>, executor: QueryExecutorProvider): Promise<R | undefined> {
  return (await query.execute(executor)).rows[0];
}

function isStorable(text: string): boolean {
  return text.length > 0 && text.length <= 512 && Buffer.byteLength(text) <= 512 && !text.includes("\0") && text.isWellFormed();
}

function encodeValue(value: unknown): string {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError("a record's value must be JSON");
  // A secret serializes to its redacted form and would be lost. The scan is rare: only a text that contains that form is looked at.
  if (text.includes(String(new Secret(""))) && holdsSecret(value)) throw new TypeError("a record never holds a Secret; seal it first");
  return text;
}

function holdsSecret(value: unknown): boolean {
  if (value instanceof Secret) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(holdsSecret);
}

function decodeKeys(text: string): Readonly<Record<string, string>> {
  const keys: unknown = JSON.parse(text);
  if (typeof keys !== "object" || keys === null) throw new TypeError("keys are not an object");
  return Object.fromEntries(Object.entries(keys).map(([name, value]) => [name, String(value)]));
}
