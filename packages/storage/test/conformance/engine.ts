import { afterEach } from "vitest";
import { type Database, type Migration, openDatabase } from "../../src/open.ts";
import type { RecordKind } from "../../src/records.ts";

/** An implementation under test. `newUrl` names an empty database; `isShared` tells whether two handles on one URL see the same data. */
export interface EngineUnderTest {
  readonly name: string;
  readonly isShared: boolean;
  newUrl(): Promise<string>;
}

export type NoTables = object;

/** Opens databases that are closed after the test. */
export interface Opener {
  <Tables = NoTables>(options?: { url?: string; schema?: string; migrations?: readonly Migration[] }): Promise<Database<Tables>>;
}

/** To be called once in a describe block. */
export function useOpener(engine: EngineUnderTest): Opener {
  const opened: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((database) => database.close()));
  });
  return async <Tables = NoTables>(options: { url?: string; schema?: string; migrations?: readonly Migration[] } = {}): Promise<Database<Tables>> => {
    const database = await openDatabase<Tables>({
      url: options.url ?? (await engine.newUrl()),
      schema: options.schema ?? "wallet",
      migrations: options.migrations ?? [],
    });
    opened.push(database);
    return database;
  };
}

/** A record of any JSON. */
export const anything: RecordKind<unknown> = { name: "anything", parse: (json) => json };

/** A second kind, whose rows must never mix with the first. */
export const others: RecordKind<unknown> = { name: "others", parse: (json) => json };

/** A kind that reads only what it wrote. */
export const notes: RecordKind<{ readonly text: string }> = {
  name: "notes",
  parse: (json) => {
    if (typeof json !== "object" || json === null || !("text" in json) || typeof json.text !== "string") throw new TypeError("not a note");
    return { text: json.text };
  },
};
