import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { takeDataLock } from "../../src/local/data-lock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a second command is told once that it waits, and goes on when the first has ended", async () => {
  const { signal } = new AbortController();
  const told: string[] = [];
  const first = await takeDataLock(folder, () => told.push("first waits"), signal);
  const { promise: busy, resolve } = Promise.withResolvers<undefined>();
  const waiting = takeDataLock(folder, () => resolve(undefined), signal);
  await busy;
  first?.();
  const second = await waiting;
  expect(second).toBeTypeOf("function");
  second?.();
  expect(told).toEqual([]);
});

test("a command that is stopped while it waits gets nothing, and the lock stays good", async () => {
  const first = await takeDataLock(folder, () => undefined, new AbortController().signal);
  const stopping = new AbortController();
  expect(await takeDataLock(folder, () => stopping.abort(), stopping.signal)).toBeUndefined();
  first?.();
  const third = await takeDataLock(folder, () => undefined, new AbortController().signal);
  expect(third).toBeTypeOf("function");
  third?.();
});

test("a disk or file that cannot hold the lock is told in a sentence, as for the data themselves", async () => {
  writeFileSync(join(folder, "cli.lock"), "x".repeat(4096));
  const { signal } = new AbortController();
  await expect(takeDataLock(folder, () => undefined, signal)).rejects.toMatchObject({ name: "StorageError", loggable: true });
});
