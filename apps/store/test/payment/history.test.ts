import fc from "fast-check";
import { expect, test } from "vitest";
import { products, variants } from "../../src/catalogue/products.ts";
import type { CaptureFault, ReadFault } from "../stand-ins/bank.ts";
import { record } from "../stand-ins/record.ts";
import { createTown, type Town } from "../stand-ins/town.ts";

/** One thing that can happen. `at` names a checkout by its place in the history, modulo how many there are. */
type Happening =
  | { readonly type: "create"; readonly product: number; readonly quantity: number }
  | { readonly type: "pay"; readonly at: number; readonly times: number; readonly signedIn: boolean }
  | { readonly type: "approve" | "deny" | "expire" | "cancel"; readonly at: number }
  | { readonly type: "update"; readonly at: number; readonly quantity: number; readonly sent: boolean; readonly paying: boolean }
  | { readonly type: "capture_fault"; readonly fault: CaptureFault }
  | { readonly type: "read_fault"; readonly fault: ReadFault }
  | { readonly type: "wallet"; readonly down: boolean }
  | { readonly type: "advance"; readonly ms: number }
  /** From the shelf to an approved payment, with the bank failing as told just then. */
  | { readonly type: "buy"; readonly product: number; readonly fault: CaptureFault | undefined; readonly readFault: ReadFault | undefined }
  | { readonly type: "recover" }
  | { readonly type: "restart" };

const at = fc.nat(7);
const captureFault = fc.constantFrom<CaptureFault>("lost", "dropped", "status-500-after", "status-500-before", "decline", "garbage", "redirect");
const readFault = fc.constantFrom<ReadFault>("unreachable", "status-500", "plain-404");
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant("create" as const), product: fc.nat(products.length - 1), quantity: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("pay" as const), at, times: fc.integer({ min: 1, max: 3 }), signedIn: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("approve" as const), at }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom("deny" as const, "expire" as const), at }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("cancel" as const), at }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("update" as const),
      at,
      quantity: fc.integer({ min: 1, max: 4 }),
      sent: fc.boolean(),
      paying: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("capture_fault" as const), fault: captureFault }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("read_fault" as const), fault: readFault }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("buy" as const),
      product: fc.nat(products.length - 1),
      fault: fc.option(captureFault, { nil: undefined }),
      readFault: fc.option(readFault, { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("wallet" as const), down: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("advance" as const), ms: fc.constantFrom(1_000, 60_000, 11 * 60_000, 40 * 60_000) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("recover" as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("restart" as const) }) },
);

interface Known {
  readonly checkouts: string[];
  /** Payment request by checkout, as the challenges told. */
  readonly requests: Map<string, string>;
  /** Receipt by checkout: once given, always the same. */
  readonly receipts: Map<string, string>;
}

async function happen(town: Town, known: Known, event: Happening): Promise<void> {
  const id = "at" in event ? known.checkouts[event.at % Math.max(1, known.checkouts.length)] : undefined;
  switch (event.type) {
    case "create": {
      const answer = await town.call("create_checkout", { items: [{ product_id: products[event.product]?.id, quantity: event.quantity }] });
      const made = record(answer.structured["checkout"])["id"];
      if (typeof made === "string") known.checkouts.push(made);
      return;
    }
    case "buy":
      return buy(town, known, event);
    case "pay":
      return id === undefined ? undefined : pay(town, known, id, event.times, event.signedIn);
    case "approve":
    case "deny":
    case "expire": {
      const request = known.requests.get(id ?? "") ?? "";
      if (town.wallet.requests.get(request)?.status !== "created") return;
      if (event.type === "approve") await town.wallet.approve(request, "usr_1");
      else town.wallet[event.type](request);
      return;
    }
    case "cancel":
      if (id !== undefined) await town.call("cancel_checkout", { checkout_id: id });
      return;
    case "update":
      if (id !== undefined) await update(town, known, id, event);
      return;
    case "capture_fault":
      town.bank.captureFaults.push(event.fault);
      return;
    case "read_fault":
      town.bank.readFaults.push(event.fault);
      return;
    case "wallet":
      town.wallet.down = event.down;
      return;
    case "advance":
      return town.clock.advance(event.ms);
    case "recover":
      return town.store.recover();
    case "restart":
      return town.restart();
  }
}

/** A change, alone or at the same time as a press of the button. */
async function update(town: Town, known: Known, id: string, event: Extract<Happening, { type: "update" }>): Promise<void> {
  const items = [{ product_id: "stoneware-mug", quantity: event.quantity }];
  const address = { name: "A. Buyer", line1: "Main Street 1", postal_code: "97205", city: "Portland", region: "OR", country: "US" };
  const change = town.call("update_checkout", { checkout_id: id, items, ...(event.sent ? { address } : {}) });
  if (event.paying) await pay(town, known, id, 1, false);
  await change;
}

async function buy(town: Town, known: Known, event: Extract<Happening, { type: "buy" }>): Promise<void> {
  const before = known.checkouts.length;
  await happen(town, known, { type: "create", product: event.product, quantity: 1 });
  if (known.checkouts.length === before) return;
  await happen(town, known, { type: "pay", at: before, times: 1, signedIn: false });
  if (event.fault !== undefined) town.bank.captureFaults.unshift(event.fault);
  if (event.readFault !== undefined) town.bank.readFaults.unshift(event.readFault);
  await happen(town, known, { type: "approve", at: before });
  await happen(town, known, { type: "pay", at: before, times: 2, signedIn: false });
}

async function pay(town: Town, known: Known, id: string, times: number, signedIn: boolean): Promise<void> {
  const request = known.requests.get(id);
  const token =
    signedIn || request !== undefined ? await town.wallet.token("usr_1", request === undefined ? "orders:read" : `payment:${request}`) : undefined;
  const answers = await Promise.all(Array.from({ length: times }, () => town.call("pay", { checkout_id: id }, token)));
  for (const answer of answers) {
    const challenged = /payment:(\S+)/.exec(answer.scope ?? "")?.[1];
    if (challenged !== undefined) known.requests.set(id, challenged);
    if (answer.structured["receipt"] !== undefined) {
      const receipt = JSON.stringify(answer.structured["receipt"]);
      expect(known.receipts.get(id) ?? receipt).toBe(receipt);
      known.receipts.set(id, receipt);
    }
  }
}

/** What must hold after every single step. */
async function check(town: Town, known: Known): Promise<void> {
  const captures = await town.db.sql.selectFrom("captures").selectAll().execute();
  const orders = await town.db.sql.selectFrom("orders").selectAll().execute();
  const checkoutOf = new Map(captures.map((row) => [row.payment_id, row.checkout_id]));
  const charged = town.bank.captured.map((payment) => checkoutOf.get(payment.id));
  expect(new Set(charged).size, "a checkout was captured twice").toBe(charged.length);
  expect(town.bank.sentBlindly, "a capture was sent again without a read").toEqual([]);
  for (const order of orders) {
    const payment = town.bank.captured.find((each) => each.id === order.payment_id);
    const total = record(record(JSON.parse(order.body))["total"]);
    expect(payment?.amount, "an order without its payment").toBe(total["amount"]);
  }
  for (const id of known.receipts.keys()) expect(orders.some((order) => order.checkout_id === id)).toBe(true);
  const stock = await town.db.sql.selectFrom("stock").selectAll().execute();
  const sold = orders.length === 0 ? 0 : orders.reduce((sum, order) => sum + quantityOf(order.body), 0);
  const opening = variants.reduce((sum, variant) => sum + variant.openingStock, 0);
  expect(stock.reduce((sum, row) => sum + row.on_hand, 0)).toBe(opening - sold);
}

function quantityOf(body: string): number {
  const lines = record(JSON.parse(body))["lines"];
  return Array.isArray(lines) ? lines.reduce((sum: number, line) => sum + Number(record(line)["quantity"]), 0) : 0;
}

/** Everything works again and time passes: then nothing may be left hanging. */
async function heal(town: Town): Promise<void> {
  town.wallet.down = false;
  town.bank.captureFaults.length = 0;
  town.bank.readFaults.length = 0;
  for (const request of town.wallet.requests.values()) if (request.status === "created") town.wallet.expire(request.id);
  for (let round = 0; round < 4; round += 1) {
    town.clock.advance(31 * 60_000);
    await town.restart();
    await town.store.recover();
    await town.store.idle();
  }
}

test("L02 L24 whatever happens in whatever order, each checkout is captured at most once, and in the end money and orders agree (P05 P10 P11 P14 P15, I3)", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 3, maxLength: 30, size: "max" }), async (history) => {
      const town = await createTown();
      const known: Known = { checkouts: [], requests: new Map(), receipts: new Map() };
      try {
        for (const event of history) {
          await happen(town, known, event);
          await check(town, known);
        }
        await heal(town);
        await check(town, known);
        const orders = await town.db.sql.selectFrom("orders").select("payment_id").execute();
        expect(orders.map((order) => order.payment_id).sort()).toEqual(town.bank.captured.map((payment) => payment.id).sort());
        const open = await town.db.sql
          .selectFrom("checkouts")
          .select("status")
          .where("status", "not in", ["completed", "expired", "canceled"])
          .execute();
        expect(open).toEqual([]);
        expect(await town.db.sql.selectFrom("withdrawals").selectAll().execute()).toEqual([]);
        const reserved = await town.db.sql.selectFrom("stock").select("product_id").where("reserved", ">", 0).execute();
        expect(reserved).toEqual([]);
      } finally {
        await town.close();
      }
    }),
    { numRuns: 60 },
  );
}, 120_000);
