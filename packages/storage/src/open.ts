import { Kysely } from "kysely";
import type { Database, DatabaseOptions } from "./database.ts";
import type { Engine } from "./engine.ts";
import { parseLocation } from "./location.ts";
import { migrate } from "./migrate.ts";
import { openPostgres } from "./postgres.ts";
import { SqlDatabase } from "./sql-database.ts";
import { openSqlite } from "./sqlite.ts";

export type { Database, DatabaseOptions, Dialect, Migration } from "./database.ts";

/**
 * Opens a party's database and migrates it. SQLite: one connection, WAL, every commit synced. PostgreSQL: a pool, one schema per party.
 * Throws `StorageError` when the database cannot be reached, written, or belongs to someone else.
 */
export async function openDatabase<Tables>(options: DatabaseOptions): Promise<Database<Tables>> {
  if (!/^[a-z][a-z0-9_]{0,30}$/.test(options.schema)) throw new TypeError("schema must be a party's name: a-z, 0-9 and _");
  const engine = openEngine(options);
  try {
    await migrate(new Kysely<unknown>({ dialect: engine.kyselyDialect }), engine.dialect, options.schema, options.migrations);
  } catch (error) {
    await engine.close();
    throw error;
  }
  return new SqlDatabase<Tables>(engine);
}

function openEngine(options: DatabaseOptions): Engine {
  const location = parseLocation(typeof options.url === "string" ? options.url : options.url.reveal());
  if (location.engine === "postgres") return openPostgres({ ...location, schema: options.schema, connectionsMax: options.connectionsMax ?? 10 });
  return openSqlite(location.engine === "memory" ? undefined : location.path);
}
