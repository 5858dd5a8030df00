import { closeSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect as KyselyDialect,
  type QueryResult,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type SqliteStatement,
} from "kysely";
import type { Engine } from "./engine.ts";
import { Mutex } from "./mutex.ts";
import { checkParameters } from "./parameters.ts";
import { SignalBus } from "./signals.ts";
import { isBusy, translateSqliteError } from "./sqlite-errors.ts";
import { abortedTransaction, StorageError } from "./storage-error.ts";
import { TransactionScope } from "./transaction-scope.ts";

const busyWaitMs = 20;
const busyTotalMs = 10_000;
const preparedMax = 256;

// Handles on one file in one process hear each other; other processes do not, which the contract of signals allows.
const buses = new Map<string, SignalBus>();

/** Opens a database file (made with mode 0600 when missing; its folder must exist), or one in memory when `path` is undefined. */
export function openSqlite(path: string | undefined): Engine {
  const file = path === undefined ? new DatabaseSync(":memory:") : openFile(path);
  const bus = path === undefined ? new SignalBus() : (buses.get(path) ?? new SignalBus());
  if (path !== undefined) buses.set(path, bus);
  const scope = new TransactionScope();
  const database = new PreparedDatabase(file);
  const driver = new EmbeddedDriver(database, scope);
  const dialect: KyselyDialect = {
    createDriver: () => driver,
    createAdapter: () => new LockedAdapter(),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
  return {
    dialect: "sqlite",
    kyselyDialect: dialect,
    scope,
    signals: {
      notify: (channel, payload) => Promise.resolve(bus.deliver(channel, payload)),
      subscribe: (channel, listener) => Promise.resolve(bus.subscribe(channel, listener)),
    },
    isCollision: () => false,
    close: async () => {
      if (path !== undefined && bus.idle) buses.delete(path);
      await driver.shut();
    },
  };
}

function openFile(path: string): DatabaseSync {
  try {
    // SQLite gives its side files the mode of the main file.
    closeSync(openSync(path, "a", 0o600));
    const file = new DatabaseSync(path, { timeout: busyTotalMs });
    file.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;");
    file.exec(`PRAGMA busy_timeout = ${busyWaitMs}`);
    return file;
  } catch (error) {
    throw translateSqliteError(error);
  }
}

/** What Kysely expects of better-sqlite3, on top of `node:sqlite`. Keeps prepared statements; drops them all when there are too many. */
class PreparedDatabase implements SqliteDatabase {
  readonly #file: DatabaseSync;
  readonly #prepared = new Map<string, SqliteStatement>();

  constructor(file: DatabaseSync) {
    this.#file = file;
  }

  prepare(sql: string): SqliteStatement {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = adaptStatement(this.#file.prepare(sql));
    if (this.#prepared.size >= preparedMax) this.#prepared.clear();
    this.#prepared.set(sql, statement);
    return statement;
  }

  get inTransaction(): boolean {
    return this.#file.isTransaction;
  }

  close(): void {
    this.#prepared.clear();
    this.#file.close();
  }
}

function adaptStatement(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...checkParameters(parameters)),
    run: (parameters) => statement.run(...checkParameters(parameters)),
    iterate: (parameters) => statement.iterate(...checkParameters(parameters)),
  };
}

/** The driver has a fair lock of its own, so Kysely need not add one. */
class LockedAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** One connection, handed to one user at a time. Several Kysely instances may share it; only {@link shut} closes the file. */
class EmbeddedDriver extends SqliteDriver {
  readonly #database: PreparedDatabase;
  readonly #scope: TransactionScope;
  readonly #lock = new Mutex();
  #closed = false;
  #doomed = false;

  constructor(database: PreparedDatabase, scope: TransactionScope) {
    super({ database });
    this.#database = database;
    this.#scope = scope;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    this.#scope.assertOutside();
    await this.#lock.acquire();
    if (!this.#closed) return this.#guard(await super.acquireConnection());
    this.#lock.release();
    throw new StorageError("closed", "The database is closed.");
  }

  /** IMMEDIATE takes the write lock at once, so that a transaction cannot fail half way because another process wrote in between. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
    this.#doomed = false;
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#doomed) throw abortedTransaction();
    await connection.executeQuery(CompiledQuery.raw("commit"));
  }

  override async rollbackTransaction(): Promise<void> {
    this.#doomed = false;
    // After some failures (a full disk) SQLite has rolled back by itself.
    if (this.#database.inTransaction) this.#database.prepare("rollback").run([]);
  }

  override async releaseConnection(): Promise<void> {
    this.#lock.release();
  }

  override async destroy(): Promise<void> {}

  /** Waits for the work that has begun, then closes the file. */
  async shut(): Promise<void> {
    await this.#lock.acquire();
    if (!this.#closed) this.#database.close();
    this.#closed = true;
    this.#lock.release();
  }

  #guard(connection: DatabaseConnection): DatabaseConnection {
    const executeQuery = async <R>(query: CompiledQuery): Promise<QueryResult<R>> => {
      if (this.#doomed) throw abortedTransaction();
      try {
        return await executeWhenFree(() => connection.executeQuery<R>(query));
      } catch (error) {
        this.#doomed = this.#database.inTransaction;
        throw error;
      }
    };
    return { executeQuery, streamQuery: (query, chunkSize) => connection.streamQuery(query, chunkSize) };
  }
}

/** Another process may hold the write lock. SQLite would wait for it inside the call and stop this process' event loop, so most of the waiting happens here. */
async function executeWhenFree<R>(execute: () => Promise<R>): Promise<R> {
  const deadline = performance.now() + busyTotalMs;
  for (;;) {
    try {
      return await execute();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw translateSqliteError(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 20));
  }
}
