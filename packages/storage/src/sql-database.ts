import { Kysely, type QueryExecutorProvider, type Transaction } from "kysely";
import type { Database, Dialect } from "./database.ts";
import type { Engine } from "./engine.ts";
import { type RecordContext, RecordStore } from "./record-store.ts";
import type { RecordKind, Records } from "./records.ts";
import { checkSignal, type Signals } from "./signals.ts";
import { StorageError } from "./storage-error.ts";

const attemptsMax = 5;

/** The handle that a party holds. */
export class SqlDatabase<Tables> implements Database<Tables> {
  readonly dialect: Dialect;
  readonly sql: Kysely<Tables>;
  readonly signals: Signals;
  readonly #engine: Engine;
  readonly #records: RecordContext;
  #closing: Promise<void> | undefined;

  constructor(engine: Engine) {
    this.dialect = engine.dialect;
    this.sql = new Kysely<Tables>({ dialect: engine.kyselyDialect });
    this.#engine = engine;
    this.#records = { executor: this.sql, atomically: (work) => this.transaction((tx) => work(tx.sql)) };
    this.signals = {
      notify: async (channel, payload) => {
        checkSignal(channel, payload);
        await engine.signals.notify(channel, payload);
      },
      subscribe: (channel, listener) => engine.signals.subscribe(channel, listener),
    };
  }

  records<T>(kind: RecordKind<T>): Records<T> {
    return new RecordStore(kind, this.#records);
  }

  async transaction<R>(work: (tx: Database<Tables>) => Promise<R>): Promise<R> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(work);
      } catch (error) {
        if (!this.#engine.isCollision(error)) throw error;
        if (attempt === attemptsMax) throw new StorageError("busy", "Transactions kept colliding.", error);
      }
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * 2 ** attempt));
    }
  }

  async #attempt<R>(work: (tx: Database<Tables>) => Promise<R>): Promise<R> {
    const outbox: [channel: string, payload: string][] = [];
    const result = await this.sql
      .transaction()
      .execute((transaction) => this.#engine.scope.run(() => work(new JoinedDatabase(this.dialect, transaction, this.signals, outbox))));
    // After the commit, because PostgreSQL lets only one transaction at a time commit with a notification in it.
    for (const [channel, payload] of outbox) await this.#engine.signals.notify(channel, payload);
    return result;
  }

  close(): Promise<void> {
    this.#closing ??= this.#engine.close();
    return this.#closing;
  }
}

/** The inside of a transaction. */
class JoinedDatabase<Tables> implements Database<Tables> {
  readonly dialect: Dialect;
  readonly sql: Transaction<Tables>;
  readonly signals: Signals;
  readonly #records: RecordContext;

  constructor(dialect: Dialect, transaction: Transaction<Tables>, outer: Signals, outbox: [channel: string, payload: string][]) {
    this.dialect = dialect;
    this.sql = transaction;
    const executor: QueryExecutorProvider = transaction;
    this.#records = { executor, atomically: (work) => work(executor) };
    this.signals = {
      notify: async (channel, payload) => {
        checkSignal(channel, payload);
        outbox.push([channel, payload]);
      },
      subscribe: (channel, listener) => outer.subscribe(channel, listener),
    };
  }

  records<T>(kind: RecordKind<T>): Records<T> {
    return new RecordStore(kind, this.#records);
  }

  transaction<R>(work: (tx: Database<Tables>) => Promise<R>): Promise<R> {
    return work(this);
  }

  close(): Promise<void> {
    throw new TypeError("a transaction cannot close its database");
  }
}
