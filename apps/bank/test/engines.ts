import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { hasPostgres, startPostgres } from "@countersign/storage/testing/postgres";

/** A place for databases that is gone after `close`. */
export interface Engine {
  newDatabase(): Promise<string>;
  close(): Promise<void>;
}

/** The database engines that the bank runs on. PostgreSQL is a real server, where the platform has one. */
export const engines: readonly (readonly [name: string, start: () => Promise<Engine>])[] = [
  ["SQLite", startSqlite],
  ...(hasPostgres() ? ([["PostgreSQL", startServer]] as const) : []),
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

async function startServer(): Promise<Engine> {
  const server = await startPostgres();
  return { newDatabase: () => server.createDatabase(), close: () => server.stop() };
}
