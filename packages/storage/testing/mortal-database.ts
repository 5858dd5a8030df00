import type { Database, DatabaseOptions } from "../src/database.ts";
import type { Engine } from "../src/engine.ts";
import { migrate } from "../src/migrate.ts";
import { SqlDatabase } from "../src/sql-database.ts";
import { openSqlite } from "../src/sqlite.ts";
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from "kysely";
import { Kysely } from "kysely";

/** A process died here. */
export class ProcessDied extends Error {}

/** One process' life. It can end right before or right after any write has become durable; from then on its database gives it nothing. */
export class Life {
  /** Resolves when it is over. */
  readonly over: Promise<void>;
  readonly #resolve: () => void;
  #isOver = false;
  #pointsLeft = Number.POSITIVE_INFINITY;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.over = promise;
    this.#resolve = resolve;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Dies when it has passed so many more places to die: two for each write. */
  endAfter(points: number): void {
    this.#pointsLeft = points;
  }

  end(): void {
    this.#isOver = true;
    this.#resolve();
  }

  /** Passes a place to die. */
  reach(): void {
    this.check();
    if (this.#pointsLeft <= 0) this.end();
    this.#pointsLeft -= 1;
    this.check();
  }

  check(): void {
    if (this.#isOver) throw new ProcessDied("the process is dead");
  }
}

/** A database in memory that outlives the processes which use it, one after the other. */
export class Ground {
  readonly #engine: Engine = openSqlite(undefined);
  #isMigrated = false;
  #life = new Life();
  /** What was asked of the database by whichever process: grows as long as somebody is at work. */
  asked = 0;

  get life(): Life {
    return this.#life;
  }

  /** Ends the process that is there; handles that are opened from now on are the next one's. */
  renew(): void {
    this.#life.end();
    this.#life = new Life();
  }

  /** A handle of the process that lives now. Closing it closes nothing. */
  async open<Tables>({ schema, migrations }: Pick<DatabaseOptions, "schema" | "migrations">): Promise<Database<Tables>> {
    const engine = mortal(this.#engine, this.#life, () => {
      this.asked += 1;
    });
    if (!this.#isMigrated) await migrate(new Kysely<unknown>({ dialect: this.#engine.kyselyDialect }), this.#engine.dialect, schema, migrations);
    this.#isMigrated = true;
    return new SqlDatabase<Tables>(engine);
  }

  /** A handle of nobody, to look at what is there. */
  look<Tables>(): Database<Tables> {
    return new SqlDatabase<Tables>({ ...this.#engine, close: async () => undefined });
  }

  close(): Promise<void> {
    this.#life.end();
    return this.#engine.close();
  }
}

const grounds = new Map<string, Ground>();

/** Puts a ground under a database URL, where {@link openMortalDatabase} finds it. */
export function layGround(url: string): Ground {
  const ground = new Ground();
  grounds.set(url, ground);
  return ground;
}

/** Takes the ground away again. */
export async function clearGround(url: string): Promise<void> {
  await grounds.get(url)?.close();
  grounds.delete(url);
}

/** In place of `openDatabase` where processes are to die. */
export async function openMortalDatabase<Tables>(options: DatabaseOptions): Promise<Database<Tables>> {
  const ground = typeof options.url === "string" ? grounds.get(options.url) : undefined;
  if (ground === undefined) throw new TypeError("there is no ground for this database");
  return ground.open<Tables>(options);
}

function mortal(engine: Engine, life: Life, asked: () => void): Engine {
  const { kyselyDialect } = engine;
  return {
    ...engine,
    kyselyDialect: {
      createDriver: () => new MortalDriver(kyselyDialect.createDriver(), life, asked),
      createAdapter: () => kyselyDialect.createAdapter(),
      createQueryCompiler: () => kyselyDialect.createQueryCompiler(),
      createIntrospector: (db) => kyselyDialect.createIntrospector(db),
    },
    signals: {
      async notify(channel, payload) {
        if (!life.isOver) await engine.signals.notify(channel, payload);
      },
      subscribe: (channel, listener) =>
        engine.signals.subscribe(channel, (payload) => {
          if (!life.isOver) listener(payload);
        }),
    },
    close: async () => undefined,
  };
}

const write = /^\s*(?:insert|update|delete)\b/i;

/** A connection that a process holds. In a transaction only the commit is a place to die. */
class MortalConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection;
  isInTransaction = false;
  readonly #life: Life;
  readonly #asked: () => void;

  constructor(inner: DatabaseConnection, life: Life, asked: () => void) {
    this.inner = inner;
    this.#life = life;
    this.#asked = asked;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    this.#life.check();
    this.#asked();
    if (this.isInTransaction || !write.test(query.sql)) return this.inner.executeQuery<R>(query);
    this.#life.reach();
    const result = await this.inner.executeQuery<R>(query);
    this.#life.reach();
    return result;
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    this.#life.check();
    return this.inner.streamQuery<R>(query, chunkSize);
  }
}

class MortalDriver implements Driver {
  readonly #driver: Driver;
  readonly #life: Life;
  readonly #asked: () => void;

  constructor(driver: Driver, life: Life, asked: () => void) {
    this.#driver = driver;
    this.#life = life;
    this.#asked = asked;
  }

  init(): Promise<void> {
    return this.#driver.init();
  }

  async acquireConnection(): Promise<MortalConnection> {
    this.#life.check();
    return new MortalConnection(await this.#driver.acquireConnection(), this.#life, this.#asked);
  }

  async beginTransaction(connection: MortalConnection, settings: TransactionSettings): Promise<void> {
    this.#life.check();
    await this.#driver.beginTransaction(connection.inner, settings);
    connection.isInTransaction = true;
  }

  async commitTransaction(connection: MortalConnection): Promise<void> {
    this.#life.reach();
    await this.#driver.commitTransaction(connection.inner);
    connection.isInTransaction = false;
    this.#life.reach();
  }

  /** Whoever died holds no locks. */
  async rollbackTransaction(connection: MortalConnection): Promise<void> {
    connection.isInTransaction = false;
    await this.#driver.rollbackTransaction(connection.inner);
  }

  releaseConnection(connection: MortalConnection): Promise<void> {
    return this.#driver.releaseConnection(connection.inner);
  }

  async destroy(): Promise<void> {}
}
