import { randomBytes } from "node:crypto";
import { Secret } from "@countersign/protocol/secret";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anything, type EngineUnderTest, notes, others, useOpener } from "./engine.ts";

const now = 1_800_000_000_000;

export function describeRecords(engine: EngineUnderTest): void {
  describe(`records on ${engine.name}`, () => {
    const open = useOpener(engine);

    it("create gives the record and refuses a second one with the same id", async () => {
      const records = (await open()).records(notes);
      const created = await records.create("a", { text: "first" }, { keys: { user: "u1" }, expiresAt: now + 5 });
      expect(created).toEqual({
        ok: true,
        value: { id: "a", value: { text: "first" }, version: 1, keys: { user: "u1" }, expiresAt: now + 5, consumedAt: null },
      });
      expect(await records.create("a", { text: "second" }, { keys: { user: "u2" } })).toEqual({ ok: false, error: "exists" });
      expect(await records.get("a", now)).toEqual(created.ok ? created.value : undefined);
      expect(await records.find("user", "u2", now)).toEqual([]);
    });

    it("create refuses an expired record's id until that is deleted", async () => {
      const records = (await open()).records(notes);
      await records.create("a", { text: "old" }, { expiresAt: now });
      expect(await records.create("a", { text: "new" })).toEqual({ ok: false, error: "exists" });
      expect(await records.deleteExpired(now, 10)).toBe(1);
      expect((await records.create("a", { text: "new" })).ok).toBe(true);
    });

    it("get does not show a record from its expiry on, to the millisecond", async () => {
      const records = (await open()).records(notes);
      await records.create("a", { text: "x" }, { expiresAt: now });
      expect((await records.get("a", now - 1))?.value).toEqual({ text: "x" });
      expect(await records.get("a", now)).toBeUndefined();
      expect(await records.get("a", now + 1)).toBeUndefined();
      expect(await records.get("b", now)).toBeUndefined();
    });

    it("records of different kinds never mix", async () => {
      const database = await open();
      const [first, second] = [database.records(anything), database.records(others)];
      await first.create("a", 1, { keys: { k: "v" }, expiresAt: now });
      await second.create("a", 2, { keys: { k: "v" }, expiresAt: now });
      expect(await second.deleteExpired(now, 10)).toBe(1);
      expect((await first.get("a", now - 1))?.value).toBe(1);
      expect(await second.deleteBy("k", "v")).toBe(0);
      expect((await first.find("k", "v", now - 1)).map((record) => record.value)).toEqual([1]);
      expect(await second.consume("a", now - 1)).toEqual({ ok: false, error: "missing" });
    });

    it("put writes the whole record, last write wins, and keeps the consumption", async () => {
      const records = (await open()).records(notes);
      await records.put("a", { text: "1" }, { keys: { user: "u1", device: "d1" }, expiresAt: now + 1 });
      await records.consume("a", now);
      await records.put("a", { text: "2" }, { keys: { user: "u2" } });
      expect(await records.get("a", now + 99)).toEqual({
        id: "a",
        value: { text: "2" },
        version: 3,
        keys: { user: "u2" },
        expiresAt: null,
        consumedAt: now,
      });
      expect(await records.find("user", "u1", now)).toEqual([]);
      expect(await records.find("device", "d1", now)).toEqual([]);
      expect(await records.find("user", "u2", now)).toHaveLength(1);
      await records.put("a", { text: "3" });
      expect(await records.find("user", "u2", now)).toEqual([]);
    });

    it("scan goes through every record of its kind in byte order, expired and consumed ones too, page by page", async () => {
      const database = await open();
      const records = database.records(anything);
      for (const id of ["b", "B", "ä", "a-2", "Z"]) await records.create(id, id, { keys: { user: id } });
      await records.create("gone", 0, { expiresAt: now });
      await records.consume("Z", now);
      await database.records(others).create("c", 0);
      const ids = async (after: string | undefined, limit: number): Promise<readonly string[]> =>
        (await records.scan(after, limit)).map((record) => record.id);
      expect(await ids(undefined, 100)).toEqual(["B", "Z", "a-2", "b", "gone", "ä"]);
      expect(await ids(undefined, 2)).toEqual(["B", "Z"]);
      expect(await ids("Z", 2)).toEqual(["a-2", "b"]);
      expect(await ids("ä", 2)).toEqual([]);
      expect((await records.scan(undefined, 1))[0]).toMatchObject({ value: "B", keys: { user: "B" }, version: 1 });
    });

    it("find gives the live records of a key, by id in byte order, up to its limit", async () => {
      const records = (await open()).records(anything);
      for (const id of ["b", "B", "ä", "a-2", "a_1", "Z"]) await records.create(id, id, { keys: { user: "u" } });
      await records.create("gone", 0, { keys: { user: "u" }, expiresAt: now });
      await records.create("foreign", 0, { keys: { user: "v", other: "u" } });
      const ids = (await records.find("user", "u", now)).map((record) => record.id);
      expect(ids).toEqual(["B", "Z", "a-2", "a_1", "b", "ä"]);
      expect((await records.find("user", "u", now, { limit: 2 })).map((record) => record.id)).toEqual(["B", "Z"]);
      expect((await records.find("user", "u", now, { limit: 2, after: "Z" })).map((record) => record.id)).toEqual(["a-2", "a_1"]);
      expect(await records.find("user", "u", now, { after: "ä" })).toEqual([]);
      expect(await records.find("user", "w", now)).toEqual([]);
    });

    it("find gives at most 100 records unless told otherwise", async () => {
      const database = await open();
      await database.transaction(async (tx) => {
        for (let each = 0; each < 105; each += 1) await tx.records(anything).create(`r${each}`, each, { keys: { user: "u" } });
      });
      expect(await database.records(anything).find("user", "u", now)).toHaveLength(100);
      expect(await database.records(anything).find("user", "u", now, { limit: 5000 })).toHaveLength(105);
    });

    it("update replaces the value of the version it was read at, and only that", async () => {
      const records = (await open()).records(notes);
      await records.create("a", { text: "1" }, { keys: { user: "u" }, expiresAt: now + 9 });
      const updated = await records.update("a", 1, { text: "2" });
      expect(updated).toEqual({
        ok: true,
        value: { id: "a", value: { text: "2" }, version: 2, keys: { user: "u" }, expiresAt: now + 9, consumedAt: null },
      });
      expect(await records.update("a", 1, { text: "3" }, { keys: { user: "thief" } })).toEqual({ ok: false, error: "conflict" });
      expect(await records.update("b", 1, { text: "3" }, { keys: { user: "thief" } })).toEqual({ ok: false, error: "missing" });
      expect(await records.find("user", "thief", now)).toEqual([]);
      expect((await records.find("user", "u", now)).map((record) => record.value)).toEqual([{ text: "2" }]);
    });

    it("update changes keys and expiry when they are given", async () => {
      const records = (await open()).records(notes);
      await records.create("a", { text: "1" }, { keys: { user: "u" }, expiresAt: now });
      await records.update("a", 1, { text: "2" }, { keys: { user: "v" }, expiresAt: null });
      expect(await records.find("user", "u", now)).toEqual([]);
      expect((await records.find("user", "v", now))[0]?.expiresAt).toBeNull();
      await records.update("a", 2, { text: "3" }, { keys: {} });
      expect(await records.find("user", "v", now)).toEqual([]);
    });

    it("consume works once and tells why it does not", async () => {
      const records = (await open()).records(notes);
      await records.create("a", { text: "code" }, { expiresAt: now + 2 });
      expect(await records.consume("b", now)).toEqual({ ok: false, error: "missing" });
      const consumed = await records.consume("a", now + 1);
      expect(consumed).toMatchObject({ ok: true, value: { version: 2, consumedAt: now + 1, value: { text: "code" } } });
      expect(await records.consume("a", now + 1)).toEqual({ ok: false, error: "consumed" });
      expect((await records.get("a", now + 1))?.consumedAt).toBe(now + 1);
      expect(await records.consume("a", now + 2)).toEqual({ ok: false, error: "consumed" });
      await records.create("c", { text: "late" }, { expiresAt: now });
      expect(await records.consume("c", now)).toEqual({ ok: false, error: "expired" });
    });

    it("consume makes an update of the version before it a conflict", async () => {
      const records = (await open()).records(notes);
      await records.create("a", { text: "1" });
      await records.consume("a", now);
      expect(await records.update("a", 1, { text: "2" })).toEqual({ ok: false, error: "conflict" });
    });

    it("delete takes the record and its keys away, once", async () => {
      const records = (await open()).records(notes);
      await records.create("a", { text: "1" }, { keys: { user: "u" } });
      expect(await records.delete("a")).toBe(true);
      expect(await records.delete("a")).toBe(false);
      await records.create("a", { text: "2" });
      expect(await records.find("user", "u", now)).toEqual([]);
    });

    it("deleteBy deletes every record with the key's value and no other", async () => {
      const records = (await open()).records(anything);
      for (const id of ["a", "b", "c"]) await records.create(id, id, { keys: { user: id === "c" ? "v" : "u" }, expiresAt: id === "b" ? now : null });
      expect(await records.deleteBy("user", "u")).toBe(2);
      expect(await records.deleteBy("user", "u")).toBe(0);
      expect((await records.get("c", now))?.value).toBe("c");
    });

    it("deleteExpired takes the longest expired first, up to its limit", async () => {
      const records = (await open()).records(anything);
      for (const age of [3, 1, 2, 0, -1]) await records.create(`r${age}`, age, { expiresAt: now - age });
      await records.create("forever", 0);
      expect(await records.deleteExpired(now, 2)).toBe(2);
      expect((await records.get("r1", now - 2))?.value).toBe(1);
      expect(await records.get("r3", 0)).toBeUndefined();
      expect(await records.deleteExpired(now, 10)).toBe(2);
      expect(await records.deleteExpired(now, 10)).toBe(0);
      expect((await records.get("r-1", now))?.value).toBe(-1);
      expect((await records.get("forever", now))?.value).toBe(0);
    });

    it("lookups with ids that cannot be stored find nothing, and writes with them throw", async () => {
      const records = (await open()).records(anything);
      await records.create("\ufffd", 1, { keys: { "\ufffd": "\ufffd" } });
      for (const id of ["", "x".repeat(513), "ü".repeat(257), "a\0b", "\ud800"]) {
        expect(await records.get(id, now)).toBeUndefined();
        expect(await records.consume(id, now)).toEqual({ ok: false, error: "missing" });
        expect(await records.update(id, 1, 0)).toEqual({ ok: false, error: "missing" });
        expect(await records.find(id, "v", now)).toEqual([]);
        expect(await records.find("k", id, now)).toEqual([]);
        expect(await records.deleteBy("k", id)).toBe(0);
        expect(await records.delete(id)).toBe(false);
        await expect(records.create(id, 0)).rejects.toThrow(TypeError);
        await expect(records.put(id, 0)).rejects.toThrow(TypeError);
        await expect(records.create("fine", 0, { keys: { k: id } })).rejects.toThrow(TypeError);
      }
      expect(await records.get("fine", now)).toBeUndefined();
    });

    it("ids and keys may be as long as the contract says, also when they do not compress", async () => {
      const records = (await open()).records({ ...anything, name: "k".repeat(64) });
      const [id, name, value] = [1, 2, 3].map(() => randomBytes(384).toString("base64url"));
      if (id === undefined || name === undefined || value === undefined) throw new TypeError("unreachable");
      expect((await records.create(id, 0, { keys: { [name]: value } })).ok).toBe(true);
      expect(await records.find(name, value, now)).toHaveLength(1);
      await expect(open().then((database) => database.records({ ...anything, name: "k".repeat(65) }))).rejects.toThrow(TypeError);
    });

    it("any JSON comes back as it went in", async () => {
      const records = (await open()).records(anything);
      await records.put("big", "ü".repeat(500_000));
      expect((await records.get("big", now))?.value).toBe("ü".repeat(500_000));
      await fc.assert(
        fc.asyncProperty(fc.jsonValue(), fc.string({ unit: "binary" }), async (value, text) => {
          await records.put("one", { value, text, zero: "a\0b" });
          expect((await records.get("one", now))?.value).toEqual(JSON.parse(JSON.stringify({ value, text, zero: "a\0b" })));
        }),
        { numRuns: 50 },
      );
    });

    it("text that looks like SQL is only text", async () => {
      const records = (await open()).records(anything);
      const hostile = `'; drop table records; --`;
      await records.create(hostile, hostile, { keys: { [hostile]: hostile } });
      expect((await records.find(hostile, hostile, now))[0]).toMatchObject({ id: hostile, value: hostile });
    });

    it("a value that would lose a Secret, or is no JSON, is refused", async () => {
      const records = (await open()).records(anything);
      await expect(records.create("a", { deep: [{ token: new Secret("canary") }] })).rejects.toThrow("seal it first");
      await expect(records.create("a", undefined)).rejects.toThrow(TypeError);
      await expect(records.create("a", 1, { expiresAt: 1.5 })).rejects.toThrow(TypeError);
      expect((await records.create("a", { text: "[redacted]" })).ok).toBe(true);
    });

    it("a row that this code did not write is an error that does not repeat it", async () => {
      const database = await open();
      await database.records({ name: "notes", parse: (json) => json }).create("a", { canary: 1 });
      const reading = database.records(notes).get("a", now);
      await expect(reading).rejects.toMatchObject({ name: "StorageError", code: "unreadable_record" });
      await expect(reading).rejects.not.toThrow("canary");
    });
  });
}
