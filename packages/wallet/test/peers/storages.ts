import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, openDatabase } from "@countersign/storage/open";
import { usePostgres } from "@countersign/storage/testing/postgres";
import { walletMigrations } from "../../src/migrations.ts";

/** One kind of storage for tests of what must happen once. */
export interface TestStorage {
  readonly name: string;
  open(): Promise<{ readonly database: Database<unknown>; close(): Promise<void> }>;
}

/** Memory, an SQLite file and PostgreSQL; each opening is an empty database. */
export const storages: readonly TestStorage[] = [
  {
    name: "memory",
    async open() {
      const database = await openDatabase<unknown>({ url: "memory:", schema: "wallet", migrations: walletMigrations });
      return { database, close: () => database.close() };
    },
  },
  {
    name: "SQLite",
    async open() {
      const folder = mkdtempSync(join(tmpdir(), "wallet-"));
      const database = await openDatabase<unknown>({ url: `file:${join(folder, "wallet.sqlite")}`, schema: "wallet", migrations: walletMigrations });
      return {
        database,
        async close() {
          await database.close();
          rmSync(folder, { recursive: true, force: true });
        },
      };
    },
  },
  {
    name: "PostgreSQL",
    async open() {
      const server = await usePostgres(process.env["DATABASE_URL"], { isDurable: false });
      const database = await openDatabase<unknown>({ url: await server.createDatabase(), schema: "wallet", migrations: walletMigrations });
      return {
        database,
        async close() {
          await database.close();
          await server.stop();
        },
      };
    },
  },
];
