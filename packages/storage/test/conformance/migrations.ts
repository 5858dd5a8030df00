import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import type { Migration } from "../../src/open.ts";
import { anything, type EngineUnderTest, useOpener } from "./engine.ts";

const now = 1_800_000_000_000;

function table(name: string): Migration {
  return {
    id: name,
    up: async (db) => {
      await db.schema
        .createTable(name)
        .addColumn("id", "text", (column) => column.primaryKey())
        .execute();
    },
  };
}

export function describeMigrations(engine: EngineUnderTest): void {
  describe(`migrations on ${engine.name}`, () => {
    const open = useOpener(engine);

    it("know the dialect they run on", async () => {
      let seen = "";
      const database = await open({ migrations: [{ id: "look", up: async (_db, dialect) => void (seen = dialect) }] });
      expect(seen).toBe(database.dialect);
    });

    it("with the same id twice are a programmer's error", async () => {
      await expect(open({ migrations: [table("a"), table("a")] })).rejects.toThrow("unique");
    });

    it("of a bad party name are refused before anything is opened", async () => {
      await expect(open({ schema: 'x"; drop schema public' })).rejects.toThrow(TypeError);
    });

    if (!engine.isShared) return;

    it("run once, in order, and keep what was written before", async () => {
      const url = await engine.newUrl();
      const order: string[] = [];
      const counted = (name: string): Migration => ({ id: name, up: (db, dialect) => (order.push(name), table(name).up(db, dialect)) });
      const first = await open({ url, migrations: [counted("one")] });
      await first.records(anything).create("r", 1);
      await sql`insert into one values ('kept')`.execute(first.sql);
      await first.close();
      const second = await open({ url, migrations: [counted("one"), counted("two"), counted("three")] });
      expect(order).toEqual(["one", "two", "three"]);
      expect((await sql`select id from one`.execute(second.sql)).rows).toEqual([{ id: "kept" }]);
      expect((await second.records(anything).get("r", now))?.value).toBe(1);
    });

    it("leave nothing behind when one of them fails", async () => {
      const url = await engine.newUrl();
      const broken: Migration = { id: "broken", up: async (db) => void (await sql`create tabel`.execute(db)) };
      await expect(open({ url, migrations: [table("one"), broken] })).rejects.toThrow();
      const database = await open({ url, migrations: [table("one")] });
      expect((await sql`select id from one`.execute(database.sql)).rows).toEqual([]);
    });

    it("are run once by several instances that start together", async () => {
      const url = await engine.newUrl();
      let runs = 0;
      const counted: Migration = { id: "one", up: async (db, dialect) => ((runs += 1), await table("one").up(db, dialect)) };
      const databases = await Promise.all([1, 2, 3, 4].map(() => open({ url, migrations: [counted] })));
      expect(databases).toHaveLength(4);
      expect(runs).toBe(1);
    });

    it("of newer code stop older code", async () => {
      const url = await engine.newUrl();
      await (await open({ url, migrations: [table("one"), table("two")] })).close();
      await expect(open({ url, migrations: [table("one")] })).rejects.toMatchObject({ name: "StorageError", code: "newer_schema" });
    });
  });
}
