import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { record } from "../stand-ins/record.ts";
import { type CallAnswer, createTown, type Town } from "../stand-ins/town.ts";

let town: Town;
beforeEach(async () => {
  town = await createTown();
});
afterEach(async () => {
  await town.close();
});

const mug = [{ product_id: "stoneware-mug", quantity: 2 }];

async function checkout(items: readonly object[] = mug): Promise<string> {
  const answer = await town.call("create_checkout", { items });
  return String(record(answer.structured["checkout"])["id"]);
}

function requestOf(answer: CallAnswer): string {
  return /payment:(\S+)/.exec(answer.scope ?? "")?.[1] ?? "";
}

/** Up to the point where the user has approved and the host comes back with the token; the watcher has not been heard. */
async function approved(id: string, subject = "usr_1"): Promise<{ readonly token: string; readonly jti: string; readonly request: string }> {
  const request = requestOf(await town.call("pay", { checkout_id: id }));
  const jti = await town.wallet.approve(request, subject);
  return { token: await town.wallet.token(subject, `payment:${request}`), jti, request };
}

async function status(id: string): Promise<unknown> {
  return record((await town.call("get_checkout", { checkout_id: id })).structured["checkout"])["status"];
}

async function stockOf(product: string): Promise<{ onHand: number; reserved: number }> {
  const row = await town.db.sql.selectFrom("stock").selectAll().where("product_id", "=", product).executeTakeFirstOrThrow();
  return { onHand: row.on_hand, reserved: row.reserved };
}

describe("paying", () => {
  test("without a token is challenged by 401, with one by 403, for the scope of exactly this payment", async () => {
    const id = await checkout();
    const anonymous = await town.call("pay", { checkout_id: id });
    const signedIn = await town.call("pay", { checkout_id: id }, await town.wallet.token("usr_1", "orders:read"));
    expect(anonymous.status).toBe(401);
    expect(signedIn.status).toBe(403);
    expect(anonymous.scope).toMatch(/^payment:pr_[0-9a-f]{32}$/);
    expect(signedIn.scope).toBe(anonymous.scope);
    expect(town.wallet.requests.size).toBe(1);
  });

  test("of a version that is not the checkout's any more is refused before anybody is asked; a paid one gives its receipt whatever was seen", async () => {
    const id = await checkout();
    await town.call("update_checkout", { checkout_id: id, items: [{ product_id: "stoneware-mug", quantity: 3 }] });
    const old = await town.call("pay", { checkout_id: id, version: 1 });
    expect(old).toMatchObject({ isError: true, structured: { error: { code: "conflict" } } });
    expect(town.wallet.requests.size).toBe(0);
    expect(await status(id)).toBe("priced");
    const request = requestOf(await town.call("pay", { checkout_id: id, version: 2 }));
    expect(request).not.toBe("");
    await town.wallet.approve(request, "usr_1");
    const token = await town.wallet.token("usr_1", `payment:${request}`);
    expect(await town.call("pay", { checkout_id: id, version: 2 }, token)).toMatchObject({ structured: { order: { checkout_id: id } } });
    expect(await town.call("pay", { checkout_id: id, version: 1 }, token)).toMatchObject({ structured: { order: { checkout_id: id } } });
    expect(town.bank.captured).toHaveLength(1);
  });

  test("that meets a change of the checkout is a conflict, also when somebody pays the new version by then", async () => {
    const id = await checkout();
    const sign = crypto.subtle.sign.bind(crypto.subtle);
    vi.spyOn(crypto.subtle, "sign").mockImplementationOnce(async (...args) => {
      await town.call("update_checkout", { checkout_id: id, items: [{ product_id: "stoneware-mug", quantity: 3 }] });
      expect(requestOf(await town.call("pay", { checkout_id: id, version: 2 }))).not.toBe("");
      return sign(...args);
    });
    const late = await town.call("pay", { checkout_id: id, version: 1 });
    expect(late).toMatchObject({ isError: true, structured: { error: { code: "conflict" } } });
    expect(town.wallet.requests.size).toBe(1);
    expect(await status(id)).toBe("awaiting_approval");
  });

  test("after the approval gives the order and its receipt, and the bank captured once", async () => {
    const id = await checkout();
    const { token, jti } = await approved(id);
    const paid = await town.call("pay", { checkout_id: id }, token);
    expect(paid).toMatchObject({
      status: 200,
      isError: false,
      structured: {
        order: { checkout_id: id, status: "complete", total: { amount: 3780, currency: "EUR" }, payment: { id: `pay_${jti}`, status: "captured" } },
        receipt: {
          payee: "Harbour Goods",
          total: { amount: 3780, currency: "EUR" },
          payment_id: `pay_${jti}`,
          paid_with: "Account 4821",
          human_present: true,
        },
      },
    });
    expect(town.bank.captured).toHaveLength(1);
    expect(await stockOf("stoneware-mug")).toEqual({ onHand: 46, reserved: 0 });
  });

  test("L12 gives the receipt at once to a user whose policy approves, and again when they ask again, and to nobody else", async () => {
    town.wallet.policies.add("usr_1");
    const id = await checkout();
    const paid = await town.call("pay", { checkout_id: id }, await town.wallet.token("usr_1", "orders:read"));
    expect(paid).toMatchObject({ status: 200, isError: false, structured: { order: { checkout_id: id, status: "complete" } } });
    const again = await town.call("pay", { checkout_id: id }, await town.wallet.token("usr_1", "orders:read"));
    expect(again.structured).toEqual(paid.structured);
    expect((await town.call("pay", { checkout_id: id }, await town.wallet.token("usr_2", "orders:read"))).code).toBe("not_found");
    expect((await town.call("pay", { checkout_id: id })).status).toBe(401);
    expect(town.bank.captured).toHaveLength(1);
  });

  test("marks what a policy approved in receipt, order, text and event, and what a person approved as that", async () => {
    for (const [by, isPresent] of [
      ["person", true],
      ["policy", false],
    ] as const) {
      const subject = `usr_${by}`;
      if (by === "policy") town.wallet.policies.add(subject);
      const id = await checkout();
      const token = by === "policy" ? await town.wallet.token(subject, "orders:read") : (await approved(id, subject)).token;
      const paid = await town.call("pay", { checkout_id: id }, token);
      expect(paid.structured).toMatchObject({ receipt: { human_present: isPresent }, order: { payment: { human_present: isPresent } } });
      expect(JSON.stringify(paid.raw).includes("they were not asked")).toBe(!isPresent);
      const reader = await town.wallet.token(subject, "orders:read");
      const { orders } = (await town.call("list_orders", {}, reader)).structured;
      expect(orders).toMatchObject([{ checkout_id: id, payment: { human_present: isPresent } }]);
      expect(town.reported.findLast((event) => event.event === "order_completed")).toMatchObject({ approvedBy: by });
    }
  });

  test("L02 L22 completes by the server alone when nobody comes back", async () => {
    const id = await checkout();
    await approved(id);
    await town.store.idle();
    expect(await status(id)).toBe("completed");
    expect(town.bank.captured).toHaveLength(1);
  });

  test("ends back at priced with the goods returned when the user denies, and can be tried again for new terms", async () => {
    const id = await checkout();
    const first = requestOf(await town.call("pay", { checkout_id: id }));
    expect(await stockOf("stoneware-mug")).toEqual({ onHand: 48, reserved: 2 });
    town.wallet.deny(first);
    await town.store.idle();
    const view = record((await town.call("get_checkout", { checkout_id: id })).structured["checkout"]);
    expect(view).toMatchObject({ status: "priced", version: 2, last_refusal: "payment_denied" });
    expect(await stockOf("stoneware-mug")).toEqual({ onHand: 48, reserved: 0 });
    const { token, request } = await approved(id);
    expect(request).not.toBe(first);
    expect((await town.call("pay", { checkout_id: id }, token)).isError).toBe(false);
    expect(town.bank.captured).toHaveLength(1);
  });

  test("L07 nothing that model or widget sees holds a mandate, a token or the signed terms", async () => {
    const id = await checkout();
    const challenged = await town.call("pay", { checkout_id: id });
    const request = town.wallet.requests.get(requestOf(challenged));
    await town.wallet.approve(request?.id ?? "", "usr_1");
    const token = await town.wallet.token("usr_1", `orders:read payment:${request?.id}`);
    const paid = await town.call("pay", { checkout_id: id }, token);
    const listed = await town.call("list_orders", {}, token);
    const seen = JSON.stringify([challenged.raw, paid.raw, listed.raw, (await town.call("get_checkout", { checkout_id: id })).raw]);
    expect(paid.isError).toBe(false);
    expect(request?.mandate).toMatch(/^ey/);
    for (const secret of [token, request?.jwt ?? "", request?.mandate ?? ""]) expect(seen).not.toContain(secret);
    expect(seen).not.toMatch(/eyJ[\w-]{10,}\.[\w-]/);
    expect(JSON.stringify(await town.db.sql.selectFrom("captures").selectAll().execute())).not.toMatch(/eyJ[\w-]{10,}\.[\w-]/);
  });
});

describe("exactly once", () => {
  test("P04 P15 paying again with the same or another token gives the same receipt and no second capture", async () => {
    const id = await checkout();
    const { token } = await approved(id);
    const first = await town.call("pay", { checkout_id: id }, token);
    const again = await town.call("pay", { checkout_id: id }, token);
    const later = await town.call("pay", { checkout_id: id }, await town.wallet.token("usr_1", "orders:read"));
    expect(first.isError).toBe(false);
    expect(again.structured).toEqual(first.structured);
    expect(later.structured).toEqual(first.structured);
    expect(town.bank.captured).toHaveLength(1);
    expect(town.bank.requests).toEqual(["POST /payments"]);
  });

  test("P05 twenty parallel pays and the watcher make one capture and one receipt", async () => {
    const id = await checkout();
    const { token } = await approved(id);
    const answers = await Promise.all(Array.from({ length: 20 }, () => town.call("pay", { checkout_id: id }, token)));
    await town.store.idle();
    expect(new Set(answers.map((answer) => JSON.stringify(answer.structured["receipt"]))).size).toBe(1);
    expect(answers.every((answer) => !answer.isError && answer.status === 200)).toBe(true);
    expect(town.bank.captured).toHaveLength(1);
  });

  test("L04 P05 twenty parallel first presses lodge one payment request and reserve once", async () => {
    const id = await checkout();
    const answers = await Promise.all(Array.from({ length: 20 }, () => town.call("pay", { checkout_id: id })));
    expect(new Set(answers.map((answer) => answer.scope)).size).toBe(1);
    expect(answers.every((answer) => answer.status === 401)).toBe(true);
    expect(town.wallet.requests.size).toBe(1);
    expect(await stockOf("stoneware-mug")).toEqual({ onHand: 48, reserved: 2 });
  });

  test.each(["lost", "status-500-after", "hang"] as const)("L24 P14 a capture whose answer is %s is read, not sent again", async (fault) => {
    await town.close();
    town = await createTown({ captureMsMax: 20 });
    town.bank.captureFaults.push(fault);
    const id = await checkout();
    const { token } = await approved(id);
    expect((await town.call("pay", { checkout_id: id }, token)).isError).toBe(false);
    expect(town.bank.captured).toHaveLength(1);
    expect(town.bank.requests).toEqual(["POST /payments", "GET /payments/:id"]);
  });

  test.each(["dropped", "status-500-before", "garbage", "redirect"] as const)(
    "P14 a capture that %s is sent again under the same key only after a read",
    async (fault) => {
      town.bank.captureFaults.push(fault);
      const id = await checkout();
      const { token } = await approved(id);
      expect((await town.call("pay", { checkout_id: id }, token)).isError).toBe(false);
      expect(town.bank.captured).toHaveLength(1);
      expect(town.bank.requests).toEqual(["POST /payments", "GET /payments/:id", "POST /payments"]);
      expect(new Set(town.bank.keys).size).toBe(1);
    },
  );

  test.each(["unreachable", "status-500", "plain-404"] as const)(
    "P14 while the bank cannot be read (%s) the outcome is unknown, never failed, and settles later",
    async (fault) => {
      town.bank.captureFaults.push("lost");
      town.bank.readFaults.push(fault);
      const id = await checkout();
      const { token } = await approved(id);
      const unsure = await town.call("pay", { checkout_id: id }, token);
      expect(unsure).toMatchObject({ isError: true, code: "payment_outcome_unknown" });
      expect(await status(id)).toBe("completing");
      expect(await stockOf("stoneware-mug")).toEqual({ onHand: 48, reserved: 2 });
      town.clock.advance(5_000);
      await town.store.recover();
      expect(await status(id)).toBe("completed");
      expect(town.bank.captured).toHaveLength(1);
      expect(town.bank.requests.filter((request) => request.startsWith("POST"))).toHaveLength(1);
    },
  );

  test("P10 a store that stops between sending and recording settles after its restart, without a second capture", async () => {
    town.bank.captureFaults.push("lost");
    town.bank.readFaults.push("unreachable");
    const id = await checkout();
    const { token } = await approved(id);
    await town.call("pay", { checkout_id: id }, token);
    await town.restart();
    town.clock.advance(5_000);
    await town.store.recover();
    expect(await status(id)).toBe("completed");
    expect((await town.call("pay", { checkout_id: id }, token)).isError).toBe(false);
    expect(town.bank.captured).toHaveLength(1);
  });

  test("a store that restarts while the user decides takes up the watch and completes", async () => {
    const id = await checkout();
    const request = requestOf(await town.call("pay", { checkout_id: id }));
    await town.restart();
    await town.store.recover();
    await town.wallet.approve(request, "usr_1");
    await town.store.idle();
    expect(await status(id)).toBe("completed");
    expect(town.bank.captured).toHaveLength(1);
  });

  test("L26 P11 a payment that is not the one ordered never completes an order", async () => {
    const changes: readonly Record<string, unknown>[] = [
      { amount: 1 },
      { currency: "USD" },
      { captured: 0 },
      { id: "pay_other" },
      { mandate_jti: "other" },
      { status: "voided" },
    ];
    for (const change of changes) {
      town.bank.tamper = (payment) => ({ ...payment, ...change });
      const id = await checkout([{ product_id: "linen-towel", quantity: 1 }]);
      const { token } = await approved(id);
      expect(await town.call("pay", { checkout_id: id }, token)).toMatchObject({ isError: true, code: "payment_outcome_unknown" });
      expect(await status(id)).toBe("completing");
    }
    expect(town.events).toContain("capture_mismatch");
    town.bank.tamper = undefined;
    town.clock.advance(120_000);
    await town.store.recover();
    expect(await town.db.sql.selectFrom("orders").selectAll().execute()).toHaveLength(changes.length);
  });
});

describe("a definite no of the bank", () => {
  test.each([
    ["decline", "payment_declined"],
    ["spent", "mandate_spent"],
  ] as const)("%s gives the goods back and needs a new approval of new terms", async (fault, code) => {
    town.bank.captureFaults.push(fault);
    const id = await checkout();
    const first = await approved(id);
    expect(await town.call("pay", { checkout_id: id }, first.token)).toMatchObject({ isError: true, code });
    expect(await stockOf("stoneware-mug")).toEqual({ onHand: 48, reserved: 0 });
    const retried = await town.call("pay", { checkout_id: id }, first.token);
    expect(retried.status).toBe(403);
    expect(retried.scope).not.toContain(first.request);
    const request = requestOf(retried);
    await town.wallet.approve(request, "usr_1");
    expect((await town.call("pay", { checkout_id: id }, await town.wallet.token("usr_1", `payment:${request}`))).isError).toBe(false);
    expect(town.bank.captured).toHaveLength(1);
  });

  test("P10 counts only when no payment is there: a first refusal of a mandate that was redeemed completes the order", async () => {
    town.bank.captureFaults.push("spent-after");
    const id = await checkout();
    const { token } = await approved(id);
    expect((await town.call("pay", { checkout_id: id }, token)).isError).toBe(false);
    expect(await status(id)).toBe("completed");
    expect(town.bank.captured).toHaveLength(1);
  });

  test("is confirmed by a read when an earlier sending may have worked", async () => {
    town.bank.captureFaults.push("lost", "spent");
    town.bank.readFaults.push("unreachable");
    const id = await checkout();
    const { token } = await approved(id);
    await town.call("pay", { checkout_id: id }, token);
    town.clock.advance(5_000);
    await town.store.recover();
    expect(await status(id)).toBe("completed");
    expect(town.bank.captured).toHaveLength(1);
  });

  test("a mandate that nobody can redeem any more ends as declined, after a read that finds no payment", async () => {
    town.bank.captureFaults.push("dropped", "dropped");
    const id = await checkout();
    const { token } = await approved(id);
    expect(await town.call("pay", { checkout_id: id }, token)).toMatchObject({ code: "payment_outcome_unknown" });
    town.clock.advance(20 * 60_000);
    await town.store.recover();
    expect(await status(id)).not.toBe("completing");
    expect(town.bank.captured).toHaveLength(0);
    expect(await stockOf("stoneware-mug")).toEqual({ onHand: 48, reserved: 0 });
  });
});

describe("whose payment", () => {
  test("P12 a token with the approval of one checkout does not pay another", async () => {
    const cheap = await checkout([{ product_id: "field-notebook", quantity: 1 }]);
    const dear = await checkout([{ product_id: "desk-lamp", quantity: 1 }]);
    const { token } = await approved(cheap);
    const answer = await town.call("pay", { checkout_id: dear }, token);
    expect(answer.status).toBe(403);
    expect(town.bank.captured.map((capture) => capture.amount)).not.toContain(11900);
    expect((await town.call("pay", { checkout_id: cheap }, token)).isError).toBe(false);
  });

  test("P09 another user's token does not see the receipt, and a caller without one is asked to sign in", async () => {
    const id = await checkout();
    const { token } = await approved(id);
    expect((await town.call("pay", { checkout_id: id }, token)).isError).toBe(false);
    const stranger = await town.call("pay", { checkout_id: id }, await town.wallet.token("usr_2", "orders:read"));
    expect(stranger).toMatchObject({ isError: true, code: "not_found" });
    expect(await town.call("pay", { checkout_id: id })).toMatchObject({ status: 401, scope: "orders:read" });
    expect((await town.call("list_orders", {}, await town.wallet.token("usr_2", "orders:read"))).structured).toEqual({ orders: [] });
    const mine = await town.call("list_orders", {}, await town.wallet.token("usr_1", "orders:read"));
    expect(mine.structured["orders"]).toHaveLength(1);
  });

  test.each(["deny", "expire"] as const)("P16 a request that ended by %s pays nothing", async (end) => {
    const id = await checkout();
    const request = requestOf(await town.call("pay", { checkout_id: id }));
    town.wallet[end](request);
    await town.store.idle();
    const answer = await town.call("pay", { checkout_id: id }, await town.wallet.token("usr_1", `payment:${request}`));
    expect(answer.isError || answer.status === 403).toBe(true);
    expect(town.bank.captured).toHaveLength(0);
  });
});

describe("stock and time", () => {
  test("what is reserved cannot be bought by another checkout, and comes back when the time is over", async () => {
    const clocks = [{ product_id: "wall-clock", quantity: 6 }];
    const first = await checkout(clocks);
    const second = await checkout([{ product_id: "wall-clock", quantity: 1 }]);
    expect((await town.call("pay", { checkout_id: first })).status).toBe(401);
    expect(await town.call("pay", { checkout_id: second })).toMatchObject({
      isError: true,
      code: "out_of_stock",
      structured: { error: { message: "There is not enough left of Quiet wall clock.", variant_id: "wall-clock" } },
    });
    town.wallet.expire([...town.wallet.requests.keys()][0] ?? "");
    await town.store.idle();
    expect(await status(first)).toBe("expired");
    expect((await town.call("pay", { checkout_id: second })).status).toBe(401);
  });

  test("an unpaid checkout expires after 30 minutes", async () => {
    const id = await checkout();
    town.clock.advance(30 * 60_000 - 1);
    expect(await status(id)).toBe("priced");
    town.clock.advance(1);
    expect(await status(id)).toBe("expired");
    expect(await town.call("pay", { checkout_id: id })).toMatchObject({ isError: true, code: "checkout_expired" });
    await town.store.recover();
    const row = await town.db.sql.selectFrom("checkouts").select("status").where("id", "=", id).executeTakeFirstOrThrow();
    expect(row.status).toBe("expired");
  });

  test("a wallet that cannot be reached is a typed refusal, and the next press works", async () => {
    town.wallet.down = true;
    const id = await checkout();
    const refused = await town.call("pay", { checkout_id: id });
    expect(refused).toMatchObject({ isError: true, code: "authorization_server_unreachable" });
    town.wallet.down = false;
    town.clock.advance(10_000);
    expect((await town.call("pay", { checkout_id: id })).status).toBe(401);
  });
});
