import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StoredRecord } from "../../src/records.ts";
import { anything, type EngineUnderTest, useOpener } from "./engine.ts";

type Step =
  | { readonly do: "create" | "put"; readonly id: string; readonly value: number; readonly user: string | null; readonly expiresAt: number | null }
  | { readonly do: "update"; readonly id: string; readonly version: number; readonly value: number; readonly user: string | null }
  | { readonly do: "consume" | "delete" | "get"; readonly id: string }
  | { readonly do: "find" | "deleteBy"; readonly user: string }
  | { readonly do: "deleteExpired" }
  | { readonly do: "wait"; readonly byMs: number };

const id = fc.constantFrom("a", "b", "c");
const user = fc.constantFrom("u", "v");
const maybeUser = fc.option(user, { nil: null });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom("create", "put"), id, value: fc.nat(9), user: maybeUser, expiresAt: fc.option(fc.nat(20), { nil: null }) }),
  fc.record({ do: fc.constant("update"), id, version: fc.integer({ min: 1, max: 4 }), value: fc.nat(9), user: maybeUser }),
  fc.record({ do: fc.constantFrom("consume", "delete", "get"), id }),
  fc.record({ do: fc.constantFrom("find", "deleteBy"), user }),
  fc.record({ do: fc.constant("deleteExpired") }),
  fc.record({ do: fc.constant("wait"), byMs: fc.integer({ min: 1, max: 5 }) }),
);

type Row = StoredRecord<unknown>;

/** What the contract says, over a map. */
function applyToModel(rows: Map<string, Row>, each: Step, now: number): unknown {
  const isLive = (row: Row): boolean => row.expiresAt === null || row.expiresAt > now;
  switch (each.do) {
    case "create":
    case "put": {
      const before = rows.get(each.id);
      if (each.do === "create" && before !== undefined) return { ok: false, error: "exists" };
      const keys: Record<string, string> = each.user === null ? {} : { user: each.user };
      const row = {
        id: each.id,
        value: each.value,
        version: (before?.version ?? 0) + 1,
        keys,
        expiresAt: each.expiresAt,
        consumedAt: before?.consumedAt ?? null,
      };
      rows.set(each.id, row);
      return each.do === "create" ? { ok: true, value: row } : undefined;
    }
    case "update": {
      const before = rows.get(each.id);
      if (before?.version !== each.version) return { ok: false, error: before === undefined ? "missing" : "conflict" };
      const row = { ...before, value: each.value, version: before.version + 1, keys: each.user === null ? before.keys : { user: each.user } };
      rows.set(each.id, row);
      return { ok: true, value: row };
    }
    case "consume": {
      const before = rows.get(each.id);
      if (before === undefined) return { ok: false, error: "missing" };
      if (before.consumedAt !== null) return { ok: false, error: "consumed" };
      if (!isLive(before)) return { ok: false, error: "expired" };
      const row = { ...before, version: before.version + 1, consumedAt: now };
      rows.set(each.id, row);
      return { ok: true, value: row };
    }
    case "delete":
      return rows.delete(each.id);
    case "get": {
      const row = rows.get(each.id);
      return row !== undefined && isLive(row) ? row : undefined;
    }
    case "find":
      return [...rows.values()].filter((row) => row.keys["user"] === each.user && isLive(row)).sort((one, other) => (one.id < other.id ? -1 : 1));
    case "deleteBy":
    case "deleteExpired": {
      const doomed = [...rows.values()].filter((row) => (each.do === "deleteBy" ? row.keys["user"] === each.user : !isLive(row)));
      for (const row of doomed) rows.delete(row.id);
      return doomed.length;
    }
    case "wait":
    default:
      return undefined;
  }
}

export function describeModel(engine: EngineUnderTest): void {
  describe(`records on ${engine.name}`, () => {
    const open = useOpener(engine);

    it("behave as the contract's model for any sequence of steps", async () => {
      const database = await open();
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
          run += 1;
          const records = database.records({ ...anything, name: `model-${run}` });
          const rows = new Map<string, Row>();
          let now = 0;
          const apply = async (each: Step): Promise<unknown> => {
            switch (each.do) {
              case "create":
              case "put":
                return records[each.do](each.id, each.value, {
                  expiresAt: each.expiresAt,
                  ...(each.user === null ? {} : { keys: { user: each.user } }),
                });
              case "update":
                return records.update(each.id, each.version, each.value, each.user === null ? {} : { keys: { user: each.user } });
              case "consume":
              case "get":
                return records[each.do](each.id, now);
              case "delete":
                return records.delete(each.id);
              case "find":
                return records.find("user", each.user, now);
              case "deleteBy":
                return records.deleteBy("user", each.user);
              case "deleteExpired":
                return records.deleteExpired(now, 100);
              case "wait":
              default:
                now += each.byMs;
                return undefined;
            }
          };
          for (const each of steps) {
            const expected = applyToModel(rows, each, now);
            expect(await apply(each)).toEqual(expected);
          }
        }),
        { numRuns: 40 },
      );
    });
  });
}
