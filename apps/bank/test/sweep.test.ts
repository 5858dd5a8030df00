import { openDatabase } from "@countersign/storage/open";
import { expect, test } from "vitest";
import { answerTtlMs, sweep } from "../src/sweep.ts";
import { type BankTables, migrations } from "../src/tables.ts";

test("one sweep takes all that has expired, however much it is, and leaves the rest", async () => {
  const database = await openDatabase<BankTables>({ url: "memory:", schema: "bank", migrations });
  const now = answerTtlMs + 1_000;
  const count = 1_203;
  await database.transaction(async (tx) => {
    for (let index = 0; index < count; index += 1) {
      const last = index === count - 1 ? 1 : 0;
      await tx.sql
        .insertInto("client_assertions")
        .values({ client_id: "store", jti: `j${index}`, expires_at: now + last })
        .execute();
      await tx.sql
        .insertInto("idempotency_keys")
        .values({ client_id: "store", key: `k${index}`, request_digest: "d", status: 201, body: "{}", created_at: 1_000 + last })
        .execute();
    }
  });
  expect(await sweep(database, now)).toBe(2 * (count - 1));
  expect(await database.sql.selectFrom("client_assertions").select("jti").execute()).toEqual([{ jti: `j${count - 1}` }]);
  expect(await database.sql.selectFrom("idempotency_keys").select("key").execute()).toEqual([{ key: `k${count - 1}` }]);
  await database.close();
});
