import { expect, test } from "vitest";
import { createMemoryLinkStore } from "../../src/link/link-store.ts";
import { createTestClock } from "../stand-ins/clock.ts";

const clock = createTestClock();
const soon = (): number => clock.now() + 1_000;

test("a link is written over only at the version that was read", async () => {
  const store = createMemoryLinkStore({ clock: clock.now });
  expect(await store.create("a", "one", soon())).toBe(true);
  expect(await store.create("a", "other", soon())).toBe(false);
  const held = await store.read("a", clock.now());
  expect(held).toMatchObject({ body: "one", version: 1 });
  const written = await Promise.all([store.replace("a", 1, "two", soon()), store.replace("a", 1, "three", soon())]);
  expect(written).toEqual([2, undefined]);
  expect(await store.read("a", clock.now())).toMatchObject({ body: "two", version: 2 });
  await store.delete("a");
  expect(await store.replace("a", 2, "four", soon())).toBeUndefined();
  expect(await store.read("a", clock.now())).toBeUndefined();
});

test("an expired link is not there, and makes room for another", async () => {
  const store = createMemoryLinkStore({ clock: clock.now, countMax: 2 });
  expect(await store.create("a", "one", soon())).toBe(true);
  expect(await store.create("b", "two", clock.now() + 60_000)).toBe(true);
  expect(await store.create("c", "three", soon())).toBe(false);
  clock.advance(1_000);
  expect(await store.read("a", clock.now())).toBeUndefined();
  expect(await store.create("c", "three", soon())).toBe(true);
  expect(await store.read("b", clock.now())).toMatchObject({ body: "two" });
});
