import { usePostgres } from "@countersign/storage/testing/postgres";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { record } from "../stand-ins/record.ts";
import { type CallAnswer, createTown, type Town } from "../stand-ins/town.ts";

interface Engine {
  newDatabase(): Promise<string>;
  close(): Promise<void>;
}

async function sqlite(): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-store-"));
  let count = 0;
  return {
    newDatabase: async () => {
      count += 1;
      return pathToFileURL(join(folder, `store-${count}.sqlite`)).href;
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function postgres(): Promise<Engine> {
  const server = await usePostgres(process.env["DATABASE_URL"], { isDurable: false });
  return { newDatabase: () => server.createDatabase(), close: () => server.stop() };
}

const rounds = 12;
const statusOf = (answer: CallAnswer): unknown => record(answer.structured["checkout"])["status"];
const requestOf = (answer: CallAnswer): string | undefined => /payment:(\S+)/.exec(answer.scope ?? "")?.[1];

describe.each([
  ["SQLite", sqlite],
  ["PostgreSQL", postgres],
])("at the same time, on %s", (_name, start) => {
  let engine: Engine;
  let town: Town;
  beforeAll(async () => {
    engine = await start();
    town = await createTown({}, await engine.newDatabase());
  }, 120_000);
  afterAll(async () => {
    await town.close();
    await engine.close();
  });

  async function awaiting(): Promise<{ readonly id: string; readonly request: string }> {
    const made = await town.call("create_checkout", { items: [{ product_id: "beeswax-candle", quantity: 1 }] });
    const id = String(record(made.structured["checkout"])["id"]);
    return { id, request: requestOf(await town.call("pay", { checkout_id: id })) ?? "" };
  }

  /** Nothing reserved, nothing to withdraw, and every capture is an order of exactly its sum. */
  async function checkBooks(): Promise<void> {
    for (const request of town.wallet.requests.values()) if (request.status === "created") town.wallet.deny(request.id);
    await town.store.idle();
    await town.store.recover();
    await town.store.idle();
    const orders = await town.db.sql.selectFrom("orders").selectAll().execute();
    const sums = orders.map((order) => `${order.payment_id} ${String(record(record(JSON.parse(order.body))["total"])["amount"])}`);
    const charged = town.bank.captured.map((payment) => `${payment.id} ${payment.amount}`);
    expect(charged.toSorted()).toEqual(sums.toSorted());
    expect(await town.db.sql.selectFrom("stock").selectAll().where("reserved", ">", 0).execute()).toEqual([]);
    expect(await town.db.sql.selectFrom("withdrawals").selectAll().execute()).toEqual([]);
  }

  test("P05 P12 a change and an approval: either the old terms are charged, or the new ones stand and nothing is", async () => {
    for (let round = 0; round < rounds; round += 1) {
      const { id, request } = await awaiting();
      const token = await town.wallet.token("usr_1", `payment:${request}`);
      const before = town.bank.captured.length;
      await town.wallet.approve(request, "usr_1");
      const items = [{ product_id: "wall-clock", quantity: 1 }];
      const [paid, changed] = await Promise.all([
        town.call("pay", { checkout_id: id }, token),
        town.call("update_checkout", { checkout_id: id, items }),
      ]);
      await checkBooks();
      const made = town.bank.captured.slice(before);
      expect(made.map((payment) => payment.amount)).toEqual(changed.isError ? [1680] : []);
      expect(paid.isError || paid.status !== 200).toBe(!changed.isError);
      expect(statusOf(await town.call("get_checkout", { checkout_id: id }))).toBe(changed.isError ? "completed" : "priced");
    }
  }, 120_000);

  test("P05 P16 giving up and an approval: exactly one of them happens", async () => {
    for (let round = 0; round < rounds; round += 1) {
      const { id, request } = await awaiting();
      const before = town.bank.captured.length;
      await town.wallet.approve(request, "usr_1");
      const canceled = await town.call("cancel_checkout", { checkout_id: id });
      await checkBooks();
      expect(town.bank.captured.length - before).toBe(canceled.isError ? 1 : 0);
      expect(statusOf(await town.call("get_checkout", { checkout_id: id }))).toBe(canceled.isError ? "completed" : "canceled");
      expect(town.wallet.requests.get(request)?.status).toBe(canceled.isError ? "approved" : "revoked");
    }
  }, 120_000);

  test("P12 a change and a first press: no request for what the checkout was is left open", async () => {
    for (let round = 0; round < rounds; round += 1) {
      const made = await town.call("create_checkout", { items: [{ product_id: "beeswax-candle", quantity: 1 }] });
      const id = String(record(made.structured["checkout"])["id"]);
      const items = [{ product_id: "linen-towel", quantity: 1 }];
      await Promise.all([
        town.call("pay", { checkout_id: id }),
        town.call("update_checkout", { checkout_id: id, items }),
        town.call("pay", { checkout_id: id }),
      ]);
      await town.store.recover();
      const view = record((await town.call("get_checkout", { checkout_id: id })).structured["checkout"]);
      await vi.waitFor(() => {
        const open = [...town.wallet.requests.values()].filter((each) => each.status === "created");
        expect(open.length).toBeLessThanOrEqual(view["status"] === "awaiting_approval" ? 1 : 0);
      }, 15_000);
      await checkBooks();
    }
  }, 120_000);

  test("P05 ten changes of one version: one of them counts", async () => {
    const made = await town.call("create_checkout", { items: [{ product_id: "beeswax-candle", quantity: 1 }] });
    const id = String(record(made.structured["checkout"])["id"]);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        town.call("update_checkout", { checkout_id: id, version: 1, items: [{ product_id: "beeswax-candle", quantity: index + 1 }] }),
      ),
    );
    expect(answers.filter((answer) => !answer.isError)).toHaveLength(1);
    expect(answers.filter((answer) => answer.code === "conflict")).toHaveLength(9);
    expect(record((await town.call("get_checkout", { checkout_id: id })).structured["checkout"])["version"]).toBe(2);
  });
});
