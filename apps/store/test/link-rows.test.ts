import { openDatabase } from "@countersign/storage/open";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openLinkRows } from "../src/link-rows.ts";
import { createTestClock } from "./stand-ins/clock.ts";

const clock = createTestClock();
const soon = (): number => clock.now() + 1_000;
let db: Awaited<ReturnType<typeof openDatabase>>;

beforeEach(async () => {
  db = await openDatabase({ url: "memory:", schema: "store", migrations: [] });
});
afterEach(() => db.close());

test("a link is written over only at the version that was read, by one of several", async () => {
  const rows = openLinkRows(db, clock.now, "account-link");
  expect(await rows.create("a", "one", soon())).toBe(true);
  expect(await rows.create("a", "other", soon())).toBe(false);
  expect(await rows.read("a", clock.now())).toEqual({ body: "one", version: 1 });
  const written = await Promise.all([rows.replace("a", 1, "two", soon()), rows.replace("a", 1, "three", soon())]);
  expect(written.filter((each) => each !== undefined)).toEqual([2]);
  await rows.delete("a");
  expect(await rows.replace("a", 2, "four", soon())).toBeUndefined();
  expect(await rows.read("a", clock.now())).toBeUndefined();
});

test("an expired link is not there, and is removed when the next one comes", async () => {
  const rows = openLinkRows(db, clock.now, "account-link");
  await rows.create("a", "one", soon());
  clock.advance(1_000);
  expect(await rows.read("a", clock.now())).toBeUndefined();
  await rows.create("b", "two", soon());
  expect(await rows.create("a", "three", soon())).toBe(true);
});
