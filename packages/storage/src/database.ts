import type { Secret } from "@countersign/protocol/secret";
import type { Kysely } from "kysely";
import type { RecordKind, Records } from "./records.ts";
import type { Signals } from "./signals.ts";

export type Dialect = "sqlite" | "postgres";

/**
 * `url`: `file:/absolute/path.sqlite`, `memory:` or `postgres://…`.
 * `schema`: the party's name, `[a-z][a-z0-9_]*`; a schema of that name in PostgreSQL, the owner of the file in SQLite.
 * `migrations`: the party's own, in order; ids are never reused or reordered once released.
 * `connectionsMax`: PostgreSQL only, at most so many connections at a time, default 10.
 */
export interface DatabaseOptions {
  readonly url: string | Secret;
  readonly schema: string;
  readonly migrations: readonly Migration[];
  readonly connectionsMax?: number;
}

/** One step of a party's schema. All pending steps run in one transaction; `db` is that transaction. Use DDL that both engines know, or look at `dialect`. */
export interface Migration {
  readonly id: string;
  up(db: Kysely<unknown>, dialect: Dialect): Promise<void>;
}

export interface Database<Tables> {
  readonly dialect: Dialect;

  /** The party's own tables. One-time and budget rules belong in one conditional statement, never in a read followed by a write. */
  readonly sql: Kysely<Tables>;

  /** Typed records of one kind, see {@link Records}. */
  records<T>(kind: RecordKind<T>): Records<T>;

  /**
   * Runs `work` in one transaction: it commits when `work` resolves and rolls back when it rejects. `transaction` of a `tx` joins the same transaction.
   *
   * Inside, only `tx` may be used; the outer database throws `TypeError`. Keep it short and free of other I/O: on SQLite everybody else waits.
   * PostgreSQL may run `work` again after a collision (a bounded number of times), so it must have no effect except through `tx`.
   * Throws `StorageError`: `busy` when collisions persist, `outcome_unknown` when the connection broke during the commit.
   */
  transaction<R>(work: (tx: Database<Tables>) => Promise<R>): Promise<R>;

  /** Hints between instances. In a transaction, `notify` is sent only if it commits. */
  readonly signals: Signals;

  /** Closes every connection; later use throws. May be called twice. */
  close(): Promise<void>;
}
