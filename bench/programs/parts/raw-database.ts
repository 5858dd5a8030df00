import { DatabaseSync, type StatementSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { Pool } from "pg";

type Value = string | number | null;

/** A statement with `?` where its values stand. */
export interface Statement {
  readonly text: string;
  readonly values: readonly Value[];
}

/** The engine itself, as somebody would drive it who needs nothing more: what any layer above it is compared with. */
export interface RawDatabase {
  /** Runs one statement that commits by itself; gives its rows. */
  run(statement: Statement): Promise<readonly unknown[]>;
  /** Runs statements in one transaction. */
  transact(statements: readonly Statement[]): Promise<void>;
  close(): Promise<void>;
}

/** Opens the same database that `openDatabase` opens, as durable: SQLite by prepared statements on one connection, PostgreSQL by a pool of ten. */
export function openRawDatabase(url: string, schema: string): RawDatabase {
  return url.startsWith("file:") ? openSqlite(fileURLToPath(url)) : openPostgres(url, schema);
}

function openSqlite(path: string): RawDatabase {
  const file = new DatabaseSync(path, { timeout: 10_000 });
  file.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
  const prepared = new Map<string, StatementSync>();
  const runNow = ({ text, values }: Statement): readonly unknown[] => {
    const statement = prepared.get(text) ?? file.prepare(text);
    prepared.set(text, statement);
    return statement.all(...values);
  };
  return {
    run: async (statement) => runNow(statement),
    transact: async (statements) => {
      file.exec("begin immediate");
      for (const statement of statements) runNow(statement);
      file.exec("commit");
    },
    close: async () => file.close(),
  };
}

function openPostgres(url: string, schema: string): RawDatabase {
  const pool = new Pool({ connectionString: url, max: 10, options: `-c search_path=${schema}` });
  return {
    run: async ({ text, values }) => (await pool.query(numbered(text), [...values])).rows,
    transact: async (statements) => {
      const client = await pool.connect();
      try {
        await client.query("begin");
        for (const { text, values } of statements) await client.query(numbered(text), [...values]);
        await client.query("commit");
      } finally {
        client.release();
      }
    },
    close: () => pool.end(),
  };
}

function numbered(text: string): string {
  let count = 0;
  return text.replaceAll("?", () => `$${++count}`);
}
