import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { usePostgres } from "@countersign/storage/testing/postgres";

/** A place for databases that is gone after `close`. */
export interface Engine {
  newDatabase(): Promise<string>;
  close(): Promise<void>;
}

/** The database engines that the bank runs on. PostgreSQL is a real server: the one of `DATABASE_URL`, else one of our own. */
export const engines: readonly (readonly [name: string, start: () => Promise<Engine>])[] = [
  ["SQLite", startSqlite],
  ["PostgreSQL", startServer],
];

async function startSqlite(): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-bank-"));
  let count = 0;
  return {
    newDatabase: async () => {
      count += 1;
      return pathToFileURL(join(folder, `bank-${count}.sqlite`)).href;
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** PostgreSQL alone. */
export async function startServer(): Promise<Engine> {
  // The bank's process is killed in tests, its database server is not, so commits need not wait for a disk.
  const server = await usePostgres(process.env["DATABASE_URL"], { isDurable: false });
  return { newDatabase: () => server.createDatabase(), close: () => server.stop() };
}
