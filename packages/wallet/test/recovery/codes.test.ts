import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  findByRecoveryCode,
  keepRecoveryCode,
  newRecoveryCode,
  readRecoveryCode,
  recoveryCodeHash,
  recoveryCodeKind,
  recoveryCodeOf,
  spendRecoveryCode,
} from "../../src/recovery/codes.ts";
import { storages } from "../peers/storages.ts";

describe("the text of a code", () => {
  test("is 28 letters that survive handwriting, and reads back", () => {
    const code = newRecoveryCode();
    expect(code.reveal()).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/);
    const read = readRecoveryCode(` ${code.reveal().toLowerCase().replaceAll("-", " ")} `);
    expect(read && recoveryCodeHash(read)).toBe(recoveryCodeHash(code));
  });

  test("O is read as 0, I and L as 1", () => {
    expect(readRecoveryCode(`oO0il1${"A".repeat(22)}`)?.reveal()).toBe(`000111${"A".repeat(22)}`);
  });

  test.each([undefined, null, 7, "", "A".repeat(27), "A".repeat(29), "U".repeat(28), "é".repeat(28), "A".repeat(101)])("%s is none", (typed) => {
    expect(readRecoveryCode(typed)).toBeUndefined();
  });

  test("two codes differ", () => {
    expect(newRecoveryCode().reveal()).not.toBe(newRecoveryCode().reveal());
  });
});

describe.each(storages)("a kept code on $name", (storage) => {
  let opened: Awaited<ReturnType<typeof storage.open>>;
  beforeAll(async () => {
    opened = await storage.open();
  });
  afterAll(() => opened.close());

  test("is used once by 50 at a time, and then unknown", async () => {
    const { database } = opened;
    const hash = recoveryCodeHash(newRecoveryCode());
    await keepRecoveryCode(database, "usr_1", hash, 1);
    expect((await findByRecoveryCode(database, hash, 1))?.id).toBe("usr_1");
    const spend = () => database.transaction((tx) => spendRecoveryCode(tx, "usr_1", hash, 1));
    const outcomes = await Promise.all(Array.from({ length: 50 }, spend));
    expect(outcomes.filter((each) => each.ok)).toHaveLength(1);
    expect(await findByRecoveryCode(database, hash, 1)).toBeUndefined();
    expect(await recoveryCodeOf(database, "usr_1", 1)).toBeUndefined();
  });

  test("goes when a new one takes its place", async () => {
    const { database } = opened;
    const [old, young] = [recoveryCodeHash(newRecoveryCode()), recoveryCodeHash(newRecoveryCode())];
    await keepRecoveryCode(database, "usr_2", old, 1);
    await keepRecoveryCode(database, "usr_2", young, 2);
    expect(await findByRecoveryCode(database, old, 2)).toBeUndefined();
    expect(await spendRecoveryCode(database, "usr_2", old, 2)).toMatchObject({ ok: false, error: { code: "recovery_code_refused" } });
    expect(await spendRecoveryCode(database, "usr_2", young, 2)).toEqual({ ok: true, value: undefined });
  });

  test("is stored only as its hash", async () => {
    const code = newRecoveryCode();
    await keepRecoveryCode(opened.database, "usr_3", recoveryCodeHash(code), 1);
    const stored = JSON.stringify(await opened.database.records(recoveryCodeKind).scan(undefined, 100));
    expect(stored).not.toContain(code.reveal());
    expect(stored).not.toContain(code.reveal().replaceAll("-", ""));
  });
});
