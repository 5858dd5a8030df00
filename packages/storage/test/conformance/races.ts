import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import type { Migration } from "../../src/open.ts";
import { anything, type EngineUnderTest, useOpener } from "./engine.ts";

const now = 1_800_000_000_000;
const times = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

interface BudgetTables {
  budget: { id: string; left_minor: number };
}

const budget: Migration = {
  id: "budget",
  async up(db) {
    await sql`create table budget (id text primary key, left_minor bigint not null)`.execute(db);
    await sql`insert into budget values ('b', 100)`.execute(db);
  },
};

export function describeRaces(engine: EngineUnderTest): void {
  describe(`races on ${engine.name}`, () => {
    const open = useOpener(engine);

    it("exactly one of 50 parallel consumers wins, the others learn why", async () => {
      const url = await engine.newUrl();
      const handles = await Promise.all((engine.isShared ? times(4) : times(1)).map(() => open({ url })));
      for (const round of times(3)) {
        const id = `code-${round}`;
        await handles[0]?.records(anything).create(id, round);
        const results = await Promise.all(times(50).map(async (each) => handles[each % handles.length]?.records(anything).consume(id, now + each)));
        expect(results.filter((result) => result?.ok)).toHaveLength(1);
        expect(results.filter((result) => result !== undefined && !result.ok && result.error === "consumed")).toHaveLength(49);
      }
    });

    it("exactly one of 50 parallel updates of one version wins, and its value stays", async () => {
      const url = await engine.newUrl();
      const handles = await Promise.all((engine.isShared ? times(4) : times(1)).map(() => open({ url })));
      await handles[0]?.records(anything).create("a", -1, { keys: { by: "nobody" } });
      const results = await Promise.all(
        times(50).map(async (each) => handles[each % handles.length]?.records(anything).update("a", 1, each, { keys: { by: `w${each}` } })),
      );
      const winner = results.findIndex((result) => result?.ok);
      expect(results.filter((result) => result?.ok)).toHaveLength(1);
      expect(results.filter((result) => result !== undefined && !result.ok && result.error === "conflict")).toHaveLength(49);
      const kept = await handles[0]?.records(anything).get("a", now);
      expect(kept).toMatchObject({ value: winner, version: 2, keys: { by: `w${winner}` } });
      expect(await handles[0]?.records(anything).find("by", `w${winner}`, now)).toHaveLength(1);
    });

    it("exactly one of 50 parallel creates wins", async () => {
      const records = (await open()).records(anything);
      const results = await Promise.all(times(50).map((each) => records.create("a", each, { keys: { by: "x" } })));
      expect(results.filter((result) => result.ok)).toHaveLength(1);
      expect((await records.get("a", now))?.value).toBe(results.findIndex((result) => result.ok));
    });

    it("parallel puts leave the keys of one of them", async () => {
      const records = (await open()).records(anything);
      await Promise.all(times(20).map((each) => records.put("a", each, { keys: { by: `w${each}` } })));
      const kept = await records.get("a", now);
      const found = await Promise.all(times(20).map((each) => records.find("by", `w${each}`, now)));
      expect(found.flat().map((record) => record.value)).toEqual([kept?.value]);
    });

    it("a budget spent by one conditional statement never goes below zero", async () => {
      const database = await open<BudgetTables>({ migrations: [budget] });
      const spends = await Promise.all(
        times(100).map(() =>
          sql`update budget set left_minor = left_minor - 7 where id = 'b' and left_minor >= 7 returning left_minor`.execute(database.sql),
        ),
      );
      expect(spends.filter((spend) => spend.rows.length === 1)).toHaveLength(14);
      const { rows } = await sql`select left_minor from budget`.execute(database.sql);
      expect(rows).toEqual([{ left_minor: 2 }]);
    });

    it("a consumption that is rolled back is open to the next one", async () => {
      const database = await open();
      await database.records(anything).create("a", 1);
      const failing = database.transaction(async (tx) => {
        expect((await tx.records(anything).consume("a", now)).ok).toBe(true);
        throw new Error("changed its mind");
      });
      await expect(failing).rejects.toThrow("changed its mind");
      expect((await database.records(anything).consume("a", now)).ok).toBe(true);
    });
  });
}
