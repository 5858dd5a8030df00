import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Dialect, Migration } from "./database.ts";
import { StorageError } from "./storage-error.ts";

/** The tables behind `records()`, in every party's database. */
export const recordMigrations: readonly Migration[] = [
  {
    id: "records-1",
    async up(db, dialect) {
      const text = textType(dialect);
      await sql`create table records (
        kind ${text} not null, id ${text} not null, value text not null, version bigint not null, keys text not null,
        expires_at bigint, consumed_at bigint, primary key (kind, id))`.execute(db);
      await sql`create index records_by_expiry on records (kind, expires_at) where expires_at is not null`.execute(db);
      await sql`create table record_keys (
        kind ${text} not null, name ${text} not null, value ${text} not null, id ${text} not null,
        primary key (kind, name, value, id), foreign key (kind, id) references records (kind, id) on delete cascade)`.execute(db);
      await sql`create index record_keys_by_record on record_keys (kind, id)`.execute(db);
    },
  },
];

/** Marks whose database it is, also when the party has no tables of its own. */
const opened: Migration = { id: "opened", up: async () => undefined };

/**
 * Brings a database to the state of the code: the tables of `records()`, then the party's own migrations; all that are pending, or none.
 * Several instances may start at the same time: one migrates and the others find it done.
 * Throws {@link StorageError} `foreign_owner` on a file of another party, `newer_schema` on a database that newer code has migrated.
 */
export async function migrate(db: Kysely<unknown>, dialect: Dialect, party: string, own: readonly Migration[]): Promise<void> {
  await db.transaction().execute(async (tx) => {
    if (dialect === "postgres") {
      // A number that only this code uses, so that instances queue here and nowhere else.
      await sql`select pg_advisory_xact_lock(${0x636f756e}, hashtext(${party}))`.execute(tx);
      await sql`set local statement_timeout = 0`.execute(tx);
      await sql`create schema if not exists ${sql.id(party)}`.execute(tx);
    }
    await sql`create table if not exists migrations (
      party ${textType(dialect)} not null, id ${textType(dialect)} not null, applied_at bigint not null, primary key (party, id))`.execute(tx);
    const { rows } = await sql<{ party: string; id: string }>`select party, id from migrations`.execute(tx);
    const owner = rows.find((row) => row.party !== party && row.party !== "storage");
    if (owner !== undefined) throw new StorageError("foreign_owner", `This database belongs to the ${owner.party}, not to the ${party}.`);
    for (const [scope, list] of [
      ["storage", recordMigrations],
      [party, [opened, ...own]],
    ] as const) {
      await applyPending(
        tx,
        dialect,
        scope,
        list,
        rows.filter((row) => row.party === scope).map((row) => row.id),
      );
    }
  });
}

async function applyPending(
  tx: Kysely<unknown>,
  dialect: Dialect,
  party: string,
  list: readonly Migration[],
  applied: readonly string[],
): Promise<void> {
  const known = new Set(list.map((migration) => migration.id));
  if (known.size !== list.length) throw new TypeError("migration ids must be unique");
  if (applied.some((id) => !known.has(id))) {
    throw new StorageError("newer_schema", "This database was written by a newer version; start that version, or restore a backup.");
  }
  for (const migration of list) {
    if (applied.includes(migration.id)) continue;
    await migration.up(tx, dialect);
    await sql`insert into migrations (party, id, applied_at) values (${party}, ${migration.id}, ${Date.now()})`.execute(tx);
  }
}

/** Text that compares and sorts by bytes on both engines, whatever the locale of the PostgreSQL server. */
function textType(dialect: Dialect): RawBuilder<unknown> {
  return dialect === "postgres" ? sql`text collate "C"` : sql`text`;
}
