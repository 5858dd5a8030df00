import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect as KyselyDialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from "kysely";
import { type CustomTypesConfig, Pool, type PoolClient, type PoolConfig, TypeOverrides, types as pgTypes } from "pg";
import type { Engine } from "./engine.ts";
import { checkParameters } from "./parameters.ts";
import { isCollision, isConnectionLost, translatePostgresError } from "./postgres-errors.ts";
import { PostgresSignals } from "./postgres-signals.ts";
import { abortedTransaction, StorageError } from "./storage-error.ts";
import { TransactionScope } from "./transaction-scope.ts";

/** `schema` is the party's PostgreSQL schema; `settings` are further `-c name=value`; `address` names the server in messages. */
export interface PostgresOptions {
  readonly connectionString: string;
  readonly settings: string;
  readonly address: string;
  readonly schema: string;
  readonly connectionsMax: number;
}

const collisionRetriesMax = 4;

/** Opens a pool on a PostgreSQL server. Nothing is connected yet; the first statement is. */
export function openPostgres(options: PostgresOptions): Engine {
  const settings: PoolConfig = {
    connectionString: options.connectionString,
    max: options.connectionsMax,
    connectionTimeoutMillis: 5000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    statement_timeout: 30_000,
    idle_in_transaction_session_timeout: 30_000,
    application_name: `countersign ${options.schema}`,
    options: `${options.settings} -c search_path=${options.schema}`.trim(),
    types: safeTypes(),
  };
  const pool = new Pool(settings);
  // A connection that breaks while nobody waits for it reports here; the next statement gets another one.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  const scope = new TransactionScope();
  const driver = new ServerDriver(pool, options.address, scope);
  const signals = new PostgresSignals(pool, settings, options.schema);
  const dialect: KyselyDialect = {
    createDriver: () => driver,
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  };
  return {
    dialect: "postgres",
    kyselyDialect: dialect,
    scope,
    signals,
    isCollision,
    close: async () => {
      await signals.close();
      await driver.shut();
    },
  };
}

/** Numbers come out as numbers on both engines; a value that a number cannot hold exactly is an error, never a wrong amount. */
function safeTypes(): CustomTypesConfig {
  const types = new TypeOverrides();
  types.setTypeParser(pgTypes.builtins.INT8, parseInteger);
  // sum() of bigint is numeric.
  types.setTypeParser(pgTypes.builtins.NUMERIC, parseInteger);
  return types;
}

function parseInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError("a stored number is not a safe integer");
  return value;
}

/** Kysely's driver over the pool, with typed errors and bounded retries. Several Kysely instances may share it; only {@link shut} ends the pool. */
class ServerDriver implements Driver {
  readonly #pool: Pool;
  readonly #address: string;
  readonly #scope: TransactionScope;
  // Kysely hands back the connections it was given, typed as their interface.
  readonly #connections = new WeakMap<DatabaseConnection, ServerConnection>();
  #closed = false;

  constructor(pool: Pool, address: string, scope: TransactionScope) {
    this.#pool = pool;
    this.#address = address;
    this.#scope = scope;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    this.#scope.assertOutside();
    if (this.#closed) throw new StorageError("closed", "The database is closed.");
    try {
      const connection = new ServerConnection(await this.#pool.connect());
      this.#connections.set(connection, connection);
      return connection;
    } catch (error) {
      throw translatePostgresError(error, this.#address);
    }
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const level = settings.isolationLevel === undefined ? "" : ` isolation level ${settings.isolationLevel}`;
    await connection.executeQuery(CompiledQuery.raw(`begin${level}`));
    this.#own(connection).inTransaction = true;
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#own(connection).commit();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#own(connection).rollback();
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    this.#own(connection).release();
  }

  async destroy(): Promise<void> {}

  /** Waits for the work that has begun, then ends every connection. */
  async shut(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#pool.end();
  }

  #own(connection: DatabaseConnection): ServerConnection {
    const own = this.#connections.get(connection);
    if (own === undefined) throw new TypeError("the connection belongs to another driver");
    return own;
  }
}

class ServerConnection implements DatabaseConnection {
  readonly #client: PoolClient;
  #broken = false;
  inTransaction = false;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const values = checkParameters(query.parameters);
    for (let attempt = 0; ; attempt += 1) {
      try {
        const { command, rowCount, rows } = await this.#client.query(query.sql, values);
        return /^(INSERT|UPDATE|DELETE|MERGE)$/.test(command) ? { rows, numAffectedRows: BigInt(rowCount ?? 0) } : { rows };
      } catch (error) {
        if (isConnectionLost(error)) throw this.#lost("The connection to the database broke during a statement.", error);
        // A statement of its own that collided has had no effect; one in a transaction is repeated with all of it.
        if (this.inTransaction || !isCollision(error) || attempt === collisionRetriesMax) throw translatePostgresError(error);
      }
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * 2 ** attempt));
    }
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new TypeError("read in pages; streams would hold a connection");
  }

  async commit(): Promise<void> {
    try {
      const { command } = await this.#client.query("commit");
      this.inTransaction = false;
      if (command !== "COMMIT") throw abortedTransaction();
    } catch (error) {
      if (isConnectionLost(error)) throw this.#lost("The connection to the database broke during a commit.", error);
      throw translatePostgresError(error);
    }
  }

  async rollback(): Promise<void> {
    try {
      if (this.inTransaction && !this.#broken) await this.#client.query("rollback");
    } catch {
      // The error that led here is the one to report; a connection in an unknown state is not used again.
      this.#broken = true;
    }
    this.inTransaction = false;
  }

  release(): void {
    this.#client.release(this.#broken);
  }

  #lost(sentence: string, cause: unknown): StorageError {
    this.#broken = true;
    return new StorageError("outcome_unknown", sentence, cause);
  }
}
