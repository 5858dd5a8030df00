import { expect, test } from "vitest";
import { createTown } from "../stand-ins/town.ts";

test("P10 a checkout that is asked for twice under one key is made once, whatever restarts in between", async () => {
  const town = await createTown();
  const items = [{ product_id: "stoneware-mug", quantity: 2 }];
  const client = { idempotencyKey: "call_0123456789abcdefghij" };
  const first = await town.call("create_checkout", { items }, undefined, client);
  expect(first).toMatchObject({ isError: false, structured: { checkout: { status: "priced" } } });
  await town.restart();
  const again = await town.call("create_checkout", { items }, undefined, client);
  expect(again.structured).toEqual(first.structured);
  expect(await town.db.sql.selectFrom("checkouts").select("id").execute()).toHaveLength(1);
  await town.call("create_checkout", { items }, undefined, {});
  expect(await town.db.sql.selectFrom("checkouts").select("id").execute()).toHaveLength(2);
  await town.close();
});
