import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { startPostgres } from "@countersign/storage/testing/postgres";

/** A place for durable databases that is gone after `close`. */
export interface Engine {
  readonly name: "SQLite" | "PostgreSQL";
  newDatabase(): Promise<string>;
  close(): Promise<void>;
}

/** Starts every engine that this platform has, as durable as in production; tells which one is missing. */
export async function startEngines(say: (progress: string) => void): Promise<readonly Engine[]> {
  try {
    const server = await startServer();
    return [startSqlite(), server];
  } catch (error) {
    say(`without PostgreSQL: ${error instanceof Error ? error.message : String(error)}`);
    return [startSqlite()];
  }
}

/** Database files in a folder of their own. */
export function startSqlite(): Engine {
  const folder = mkdtempSync(join(tmpdir(), "countersign-bench-"));
  let count = 0;
  return {
    name: "SQLite",
    newDatabase: async () => {
      count += 1;
      return pathToFileURL(join(folder, `${count}.sqlite`)).href;
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function startServer(): Promise<Engine> {
  const server = await startPostgres();
  return { name: "PostgreSQL", newDatabase: () => server.createDatabase(), close: () => server.stop() };
}
