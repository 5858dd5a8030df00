import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import type { Database, Migration } from "../../src/open.ts";
import { anything, type EngineUnderTest, useOpener } from "./engine.ts";

const now = 1_800_000_000_000;

interface Tables {
  item: { id: string; amount: number };
}

const items: Migration = {
  id: "items",
  up: async (db) => {
    await sql`create table item (id text primary key, amount bigint not null check (amount >= 0))`.execute(db);
    await sql`create table part (id text primary key, item_id text not null references item (id))`.execute(db);
  },
};

export function describeTransactions(engine: EngineUnderTest): void {
  describe(`transactions on ${engine.name}`, () => {
    const open = useOpener(engine);
    const openItems = (): Promise<Database<Tables>> => open<Tables>({ migrations: [items] });

    it("commit records, keys and the party's own rows together", async () => {
      const database = await openItems();
      const answer = await database.transaction(async (tx) => {
        await tx.sql.insertInto("item").values({ id: "i", amount: 5 }).execute();
        await tx.records(anything).create("r", 1, { keys: { user: "u" } });
        return "done";
      });
      expect(answer).toBe("done");
      expect(await database.sql.selectFrom("item").selectAll().execute()).toEqual([{ id: "i", amount: 5 }]);
      expect(await database.records(anything).find("user", "u", now)).toHaveLength(1);
    });

    it("roll back records, keys, deletions and rows together when the work rejects", async () => {
      const database = await openItems();
      await database.records(anything).create("kept", 0, { keys: { user: "u" } });
      const failing = database.transaction(async (tx) => {
        await tx.sql.insertInto("item").values({ id: "i", amount: 5 }).execute();
        await tx.records(anything).create("r", 1, { keys: { user: "u" } });
        await tx.records(anything).put("kept", 2);
        await tx.records(anything).delete("kept");
        throw new Error("no");
      });
      await expect(failing).rejects.toThrow("no");
      expect(await database.sql.selectFrom("item").selectAll().execute()).toEqual([]);
      expect((await database.records(anything).find("user", "u", now)).map((record) => [record.id, record.value, record.version])).toEqual([
        ["kept", 0, 1],
      ]);
    });

    it("see their own writes, which nobody else sees before the commit", async () => {
      const url = await engine.newUrl();
      const database = await open({ url });
      const other = engine.isShared ? await open({ url }) : undefined;
      let seenOutside: unknown;
      await database.transaction(async (tx) => {
        await tx.records(anything).create("r", 1);
        expect((await tx.records(anything).get("r", now))?.value).toBe(1);
        seenOutside = await other?.records(anything).get("r", now);
      });
      expect(seenOutside).toBeUndefined();
      expect((await (other ?? database).records(anything).get("r", now))?.value).toBe(1);
    });

    it("inside a transaction join it, so that the outer failure undoes the inner work", async () => {
      const database = await open();
      const failing = database.transaction(async (tx) => {
        await tx.transaction(async (inner) => inner.records(anything).create("inner", 1));
        await tx.records(anything).put("outer", 1, { keys: { user: "u" } });
        throw new Error("no");
      });
      await expect(failing).rejects.toThrow("no");
      expect(await database.records(anything).get("inner", now)).toBeUndefined();
      expect(await database.records(anything).get("outer", now)).toBeUndefined();
    });

    it("refuse the outer database inside, at once instead of waiting for themselves", async () => {
      const database = await openItems();
      await database.transaction(async (tx) => {
        await expect(database.records(anything).get("r", now)).rejects.toThrow("only its `tx` argument");
        await expect(database.sql.selectFrom("item").selectAll().execute()).rejects.toThrow("only its `tx` argument");
        await expect(database.transaction(async () => 1)).rejects.toThrow("only its `tx` argument");
        await tx.records(anything).create("r", 1);
      });
      expect((await database.records(anything).get("r", now))?.value).toBe(1);
    });

    it("cannot be used after their end", async () => {
      const database = await open();
      const leaked = await database.transaction(async (tx) => ({ records: tx.records(anything) }));
      await expect(leaked.records.create("late", 1)).rejects.toThrow();
      expect(await database.records(anything).get("late", now)).toBeUndefined();
    });

    it("keep nothing when a statement failed inside and the error was swallowed", async () => {
      const database = await openItems();
      const working = database.transaction(async (tx) => {
        await tx.sql.insertInto("item").values({ id: "i", amount: 1 }).execute();
        await tx.sql
          .insertInto("item")
          .values({ id: "i", amount: 2 })
          .execute()
          .catch(() => undefined);
      });
      await expect(working).rejects.toMatchObject({ name: "StorageError", code: "aborted" });
      const goingOn = database.transaction(async (tx) => {
        await tx.sql
          .insertInto("item")
          .values({ id: "j", amount: -1 })
          .execute()
          .catch(() => undefined);
        await tx.sql.insertInto("item").values({ id: "k", amount: 1 }).execute();
      });
      await expect(goingOn).rejects.toMatchObject({ name: "StorageError", code: "aborted" });
      expect(await database.sql.selectFrom("item").selectAll().execute()).toEqual([]);
      await database.transaction(async (tx) => tx.sql.insertInto("item").values({ id: "i", amount: 1 }).execute());
      expect(await database.sql.selectFrom("item").selectAll().execute()).toHaveLength(1);
    });

    it("run one after the other where they touch the same row", async () => {
      const database = await openItems();
      await database.sql.insertInto("item").values({ id: "i", amount: 0 }).execute();
      const add = (): Promise<void> =>
        database.transaction(async (tx) => {
          await sql`update item set amount = amount + 1 where id = 'i'`.execute(tx.sql);
          await tx.records(anything).put("log", 1, { keys: { user: "u" } });
        });
      await Promise.all(Array.from({ length: 25 }, add));
      expect(await database.sql.selectFrom("item").select("amount").execute()).toEqual([{ amount: 25 }]);
      expect((await database.records(anything).get("log", now))?.version).toBe(25);
    });

    it("report a broken rule of a party's table by its kind", async () => {
      const database = await openItems();
      await database.sql.insertInto("item").values({ id: "i", amount: 1 }).execute();
      const code = (statement: Promise<unknown>): Promise<unknown> =>
        statement.then(
          () => "accepted",
          (error: unknown) => (error instanceof Object && "code" in error ? error.code : error),
        );
      expect(await code(database.sql.insertInto("item").values({ id: "i", amount: 1 }).execute())).toBe("unique");
      expect(await code(sql`insert into item values ('j', -1)`.execute(database.sql))).toBe("constraint");
      expect(await code(sql`insert into item values ('j', null)`.execute(database.sql))).toBe("constraint");
      expect(await code(sql`insert into part values ('p', 'nowhere')`.execute(database.sql))).toBe("reference");
    });

    it("give whole numbers as numbers, exactly, and refuse parameters that engines read differently", async () => {
      const database = await openItems();
      await database.sql.insertInto("item").values({ id: "i", amount: Number.MAX_SAFE_INTEGER }).execute();
      await database.sql.insertInto("item").values({ id: "j", amount: 0 }).execute();
      const { rows } = await sql`select sum(amount) as total, count(*) as many, max(amount) as most from item`.execute(database.sql);
      expect(rows).toEqual([{ total: Number.MAX_SAFE_INTEGER, many: 2, most: Number.MAX_SAFE_INTEGER }]);
      for (const odd of [true, new Date(0), { a: 1 }, undefined]) {
        await expect(sql`select ${odd} as odd`.execute(database.sql)).rejects.toThrow(TypeError);
      }
      await sql`insert into item values ('k', 9007199254740993)`.execute(database.sql);
      await expect(sql`select amount from item where id = 'k'`.execute(database.sql)).rejects.toThrow(RangeError);
    });

    it("fail with `closed` on a closed database", async () => {
      const database = await open();
      await database.close();
      await database.close();
      await expect(database.records(anything).get("a", now)).rejects.toMatchObject({ code: "closed" });
      await expect(database.transaction(async () => 1)).rejects.toMatchObject({ code: "closed" });
    });
  });
}
