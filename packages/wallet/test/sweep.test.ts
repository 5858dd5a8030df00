import { openDatabase } from "@countersign/storage/open";
import { expect, test } from "vitest";
import { walletMigrations } from "../src/migrations.ts";
import { challengeKind } from "../src/passkeys/challenges.ts";
import { sweep } from "../src/sweep.ts";

test("one sweep takes every expired record, however many there are, and leaves the others", async () => {
  const database = await openDatabase<unknown>({ url: "memory:", schema: "wallet", migrations: walletMigrations });
  const records = database.records(challengeKind);
  await database.transaction(async (tx) => {
    for (let index = 0; index < 1_201; index += 1) {
      await tx.records(challengeKind).create(`old-${index}`, { purpose: "login", interactionUid: "u" }, { expiresAt: 1_000 });
    }
  });
  await records.create("new", { purpose: "login", interactionUid: "u" }, { expiresAt: 1_001 });
  await sweep(database, 1_000);
  expect(await records.deleteExpired(1_000, 1)).toBe(0);
  expect(await records.get("new", 1_000)).toMatchObject({ id: "new" });
  await database.close();
});
