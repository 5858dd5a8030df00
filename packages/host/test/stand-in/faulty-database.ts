import type { Database, Dialect } from "@countersign/storage/open";
import type { RecordKind, Records } from "@countersign/storage/records";
import type { Signals } from "@countersign/storage/signals";
import type { Kysely } from "kysely";

/** Where a process may die: right before or right after a write has become durable. */
export interface FaultPoint {
  readonly when: "before" | "after";
  /** The kind and the operation, such as `call.update`; a transaction is one write and names all of its own. */
  readonly write: string;
}

/** What ends a transaction of a process that has died, so that the engine lets go of its locks, as it does with a connection that broke. */
class ProcessDied extends Error {}

/**
 * One process' hold on a database. At a chosen point the process dies: its open transactions roll back, and from then on nothing that it asks ever answers, so
 * that none of its code goes on, neither in a catch nor in a finally. The database itself lives on for the next process.
 */
export class FaultyDatabase implements Database<unknown> {
  readonly dialect: Dialect;
  readonly sql: Kysely<unknown>;
  readonly signals: Signals;
  /** Every point passed so far. */
  readonly passed: FaultPoint[] = [];
  /** Resolves with the point at which the process has died. */
  readonly died: Promise<FaultPoint>;
  readonly #database: Database<unknown>;
  readonly #resolveDied: (point: FaultPoint) => void;
  #dieAt = Number.POSITIVE_INFINITY;
  #dead = false;

  constructor(database: Database<unknown>) {
    this.#database = database;
    this.dialect = database.dialect;
    this.sql = database.sql;
    const { promise, resolve } = Promise.withResolvers<FaultPoint>();
    this.died = promise;
    this.#resolveDied = resolve;
    this.signals = {
      notify: async (channel, payload) => {
        if (!this.#dead) await database.signals.notify(channel, payload);
      },
      subscribe: (channel, listener) =>
        database.signals.subscribe(channel, (payload) => {
          if (!this.#dead) listener(payload);
        }),
    };
  }

  get isDead(): boolean {
    return this.#dead;
  }

  /** Dies at the point with this number, counted from now. */
  dieAt(point: number): void {
    this.passed.length = 0;
    this.#dieAt = point;
  }

  /** Dies now. */
  die(point: FaultPoint = { when: "after", write: "nothing" }): void {
    this.#dead = true;
    this.#resolveDied(point);
  }

  records<T>(kind: RecordKind<T>): Records<T> {
    const records = this.#database.records(kind);
    const write = <R>(operation: string, run: () => Promise<R>): Promise<R> => this.#write(`${kind.name}.${operation}`, run);
    return {
      create: (id, value, options) => write("create", () => records.create(id, value, options)),
      put: (id, value, options) => write("put", () => records.put(id, value, options)),
      update: (id, version, value, options) => write("update", () => records.update(id, version, value, options)),
      consume: (id, now) => write("consume", () => records.consume(id, now)),
      delete: (id) => write("delete", () => records.delete(id)),
      deleteBy: (key, value) => write("deleteBy", () => records.deleteBy(key, value)),
      // Deleting what has expired changes nothing that anybody can read.
      deleteExpired: (now, limit) => this.#read(() => records.deleteExpired(now, limit)),
      get: (id, now) => this.#read(() => records.get(id, now)),
      find: (key, value, now, options) => this.#read(() => records.find(key, value, now, options)),
      scan: (after, limit) => this.#read(() => records.scan(after, limit)),
    };
  }

  async transaction<R>(work: (tx: Database<unknown>) => Promise<R>): Promise<R> {
    const writes = new Set<string>();
    const run = (): Promise<R> =>
      this.#database.transaction(async (tx) => {
        const result = await work(this.#within(tx, writes));
        if (this.#reached({ when: "before", write: nameOf(writes) })) throw new ProcessDied();
        return result;
      });
    const result = await this.#read(run);
    if (this.#reached({ when: "after", write: nameOf(writes) })) return forever();
    return result;
  }

  /** The database is another's to close. */
  async close(): Promise<void> {}

  async #write<R>(name: string, run: () => Promise<R>): Promise<R> {
    if (this.#dead || this.#reached({ when: "before", write: name })) return forever();
    const result = await run();
    if (this.#dead || this.#reached({ when: "after", write: name })) return forever();
    return result;
  }

  async #read<R>(run: () => Promise<R>): Promise<R> {
    if (this.#dead) return forever();
    try {
      const result = await run();
      return this.#dead ? await forever() : result;
    } catch (error) {
      if (this.#dead) return forever();
      throw error;
    }
  }

  /** Passes a point; true when the process dies there. */
  #reached(point: FaultPoint): boolean {
    if (this.#dead) return true;
    this.passed.push(point);
    if (this.passed.length - 1 !== this.#dieAt) return false;
    this.die(point);
    return true;
  }

  /** The inside of a transaction: its writes become durable together, so there are no points between them. */
  #within(tx: Database<unknown>, writes: Set<string>): Database<unknown> {
    const alive = <R>(run: () => Promise<R>): Promise<R> => {
      if (this.#dead) throw new ProcessDied();
      return run();
    };
    return {
      dialect: tx.dialect,
      sql: tx.sql,
      signals: tx.signals,
      close: () => tx.close(),
      transaction: (work) => work(this.#within(tx, writes)),
      records: (kind) => {
        const records = tx.records(kind);
        const write = <R>(operation: string, run: () => Promise<R>): Promise<R> => {
          writes.add(`${kind.name}.${operation}`);
          return alive(run);
        };
        return {
          create: (id, value, options) => write("create", () => records.create(id, value, options)),
          put: (id, value, options) => write("put", () => records.put(id, value, options)),
          update: (id, version, value, options) => write("update", () => records.update(id, version, value, options)),
          consume: (id, now) => write("consume", () => records.consume(id, now)),
          delete: (id) => write("delete", () => records.delete(id)),
          deleteBy: (key, value) => write("deleteBy", () => records.deleteBy(key, value)),
          deleteExpired: (now, limit) => alive(() => records.deleteExpired(now, limit)),
          get: (id, now) => alive(() => records.get(id, now)),
          find: (key, value, now, options) => alive(() => records.find(key, value, now, options)),
          scan: (after, limit) => alive(() => records.scan(after, limit)),
        };
      },
    };
  }
}

function nameOf(writes: ReadonlySet<string>): string {
  return writes.size === 0 ? "empty transaction" : [...writes].join("+");
}

function forever(): Promise<never> {
  return new Promise(() => {});
}
