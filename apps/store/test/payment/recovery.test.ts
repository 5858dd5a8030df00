import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { record } from "../stand-ins/record.ts";
import { createTown, type Town } from "../stand-ins/town.ts";

let town: Town;
beforeEach(async () => {
  town = await createTown();
});
afterEach(async () => {
  await town.close();
});

async function checkout(product: string): Promise<string> {
  const answer = await town.call("create_checkout", { items: [{ product_id: product, quantity: 1 }] });
  return String(record(answer.structured["checkout"])["id"]);
}

async function press(id: string): Promise<string> {
  return /payment:(\S+)/.exec((await town.call("pay", { checkout_id: id })).scope ?? "")?.[1] ?? "";
}

async function status(id: string): Promise<unknown> {
  return record((await town.call("get_checkout", { checkout_id: id })).structured["checkout"])["status"];
}

/** A checkout whose approved capture was sent, whose outcome is unknown and whose stored mandate cannot be opened any more. */
async function stuckCapture(): Promise<string> {
  const id = await checkout("stoneware-mug");
  const request = await press(id);
  town.bank.captureFaults.push("dropped", "dropped");
  await town.wallet.approve(request, "usr_1");
  await town.store.idle();
  const row = await town.db.sql.selectFrom("captures").select("body").where("checkout_id", "=", id).executeTakeFirstOrThrow();
  const body = JSON.stringify({ ...record(JSON.parse(row.body)), sealedMandate: "broken" });
  await town.db.sql.updateTable("captures").set({ body }).where("checkout_id", "=", id).execute();
  return id;
}

describe("recovery", () => {
  test("L02 P14 a capture without an answer is given up only when no bank can still be at it", async () => {
    const id = await checkout("stoneware-mug");
    const request = await press(id);
    town.bank.captureFaults.push(...Array.from({ length: 8 }, () => "dropped" as const));
    await town.wallet.approve(request, "usr_1");
    await town.store.idle();
    // The mandate's fifteen minutes, the bank's minute of skew and its two minutes for what runs then.
    town.clock.advance((15 + 1 + 2) * 60_000);
    await town.store.recover();
    expect(await status(id)).toBe("completing");
    town.clock.advance(2 * 60_000);
    await town.store.recover();
    expect(await status(id)).toBe("priced");
  });

  test("one capture that cannot go on keeps nothing else from being picked up", async () => {
    const stuck = await stuckCapture();
    const settling = await checkout("linen-towel");
    const request = await press(settling);
    town.bank.captureFaults.push("lost");
    town.bank.readFaults.push("unreachable");
    await town.wallet.approve(request, "usr_1");
    await town.store.idle();
    expect(await status(settling)).toBe("completing");
    const overdue = await checkout("field-notebook");
    town.clock.advance(31 * 60_000);
    await town.db.sql.updateTable("captures").set({ next_at: 0 }).where("checkout_id", "=", stuck).execute();
    // Still alive, so that the capture would be sent if its mandate could be opened.
    const row = await town.db.sql.selectFrom("captures").select("body").where("checkout_id", "=", stuck).executeTakeFirstOrThrow();
    const body = JSON.stringify({ ...record(JSON.parse(row.body)), mandateExpiresAt: town.clock.now() + 60_000 });
    await town.db.sql.updateTable("captures").set({ body }).where("checkout_id", "=", stuck).execute();

    await town.store.recover();
    expect(await status(settling)).toBe("completed");
    expect(await town.db.sql.selectFrom("checkouts").select("status").where("id", "=", overdue).executeTakeFirst()).toEqual({ status: "expired" });
    expect(await status(stuck)).toBe("completing");
    expect(town.events).toContain("work_failed");
  });

  test("P14 a payment whose request was lodged when the store died, and whose id it did not keep, is found and completed without anybody pressing again", async () => {
    const id = await checkout("stoneware-mug");
    const request = await press(id);
    await town.restart();
    await town.db.sql.updateTable("checkouts").set({ request_id: null }).where("id", "=", id).execute();
    await town.wallet.approve(request, "usr_1");
    await town.store.recover();
    await town.store.idle();
    expect(await status(id)).toBe("completed");
    expect(town.bank.captured).toHaveLength(1);
    expect([...town.wallet.requests.keys()]).toEqual([request]);
  });

  test("a request whose id was lost is looked for until the wallet is back", async () => {
    const id = await checkout("stoneware-mug");
    const request = await press(id);
    await town.restart();
    await town.db.sql.updateTable("checkouts").set({ request_id: null }).where("id", "=", id).execute();
    await town.wallet.approve(request, "usr_1");
    town.wallet.down = true;
    await town.store.recover();
    await town.store.idle();
    expect(await status(id)).toBe("awaiting_approval");
    town.wallet.down = false;
    town.clock.advance(60_000);
    await town.store.recover();
    await town.store.idle();
    expect(await status(id)).toBe("completed");
  });

  test("an approval that comes for a checkout that takes none is told, and nothing is captured", async () => {
    const id = await checkout("stoneware-mug");
    const request = await press(id);
    await town.db.sql.updateTable("checkouts").set({ status: "canceled" }).where("id", "=", id).execute();
    await town.wallet.approve(request, "usr_1");
    await town.store.idle();
    expect(town.events).toContain("approval_unused");
    expect(town.bank.captured).toEqual([]);
  });
});
