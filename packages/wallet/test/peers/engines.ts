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

/** Every storage that the wallet runs on. PostgreSQL is a real server: the one of `DATABASE_URL`, else one of our own. */
export const engines: readonly (readonly [name: string, start: () => Promise<Engine>])[] = [
  ["memory", async () => ({ newDatabase: async () => "memory:", close: async () => undefined })],
  ["SQLite", startSqlite],
  ["PostgreSQL", startServer],
];

async function startSqlite(): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-wallet-"));
  let count = 0;
  return {
    newDatabase: async () => {
      count += 1;
      return pathToFileURL(join(folder, `wallet-${count}.sqlite`)).href;
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function startServer(): Promise<Engine> {
  // The database server is never killed in these tests, so commits need not wait for a disk.
  const server = await usePostgres(process.env["DATABASE_URL"], { isDurable: false });
  return { newDatabase: () => server.createDatabase(), close: () => server.stop() };
}
