import { expect, test } from "vitest";
import { createTown } from "../stand-ins/town.ts";
import { record } from "../stand-ins/record.ts";

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

test("a checkout names the picture of each line's variant, and where it could be sent while that can be chosen", async () => {
  const town = await createTown();
  const items = [{ product_id: "wool-beanie", variant_id: "wool-beanie-l-oat", quantity: 1 }];
  const made = record((await town.call("create_checkout", { items })).structured["checkout"]);
  expect(made["items"]).toMatchObject([{ variant_id: "wool-beanie-l-oat", image: "wool-beanie-oat.svg" }]);
  expect(made["destinations"]).toContainEqual({ country: "NL" });
  const canceled = record((await town.call("cancel_checkout", { checkout_id: made["id"] })).structured["checkout"]);
  expect(canceled).toMatchObject({ status: "canceled", items: made["items"] });
  expect(canceled).not.toHaveProperty("destinations");
  await town.close();
});
