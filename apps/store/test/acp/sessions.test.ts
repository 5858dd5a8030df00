import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { record } from "../stand-ins/record.ts";
import { createTown, storeUrl, type Town } from "../stand-ins/town.ts";
import { type AgentAnswer, agents, apiKey, create, home, open, otherApiKey, payment, send } from "./agent.ts";
import { faultsOf } from "./contract.ts";

let town: Town;
beforeEach(async () => {
  town = await createTown({ agents });
});
afterEach(async () => {
  await town.close();
});

const sessions = "/checkout_sessions";
const read = (id: string, by = apiKey): Promise<AgentAnswer> => send(town, `${sessions}/${id}`, { method: "GET", apiKey: by });
const update = (id: string, body: unknown): Promise<AgentAnswer> => send(town, `${sessions}/${id}`, { body });
const complete = (id: string, key?: string): Promise<AgentAnswer> =>
  send(town, `${sessions}/${id}/complete`, { body: payment(id), ...(key && { key }) });
const cancel = (id: string): Promise<AgentAnswer> => send(town, `${sessions}/${id}/cancel`);

function totalsIn(answer: AgentAnswer): Record<string, number> {
  const list = answer.body["totals"];
  const entries = Array.isArray(list) ? list.map((each) => record(each)) : [];
  return Object.fromEntries(entries.map((each) => [String(each["type"]), Number(each["amount"])]));
}

function messagesIn(answer: AgentAnswer): readonly Record<string, unknown>[] {
  const list = answer.body["messages"];
  return Array.isArray(list) ? list.map((each) => record(each)) : [];
}

/** The request at the wallet that a session's link is for. */
function requestOf(answer: AgentAnswer): string {
  return String(answer.body["continue_url"]).split("/").at(-1) ?? "";
}

async function reserved(variant: string): Promise<number> {
  const row = await town.db.sql.selectFrom("stock").select("reserved").where("product_id", "=", variant).executeTakeFirstOrThrow();
  return row.reserved;
}

describe("discovery", () => {
  test("tells anybody the release, the address and the currencies, for an hour", async () => {
    const response = await town.store.fetch(new Request(`${storeUrl}/.well-known/acp.json`));
    const document = record(await response.json());
    expect(faultsOf("discovery", document)).toEqual([]);
    expect(document).toMatchObject({
      protocol: { name: "acp", version: "2026-04-17", supported_versions: ["2026-04-17"] },
      api_base_url: `${storeUrl}/acp`,
      transports: ["rest"],
      capabilities: { services: ["checkout"], supported_currencies: ["eur"] },
    });
    expect(response.headers.get("cache-control")).toBe("public, max-age=3600");
    expect(JSON.stringify(document)).not.toContain("first");
  });

  test("is not there, like everything of ACP, while no agent is known", async () => {
    const without = await createTown();
    try {
      for (const path of ["/.well-known/acp.json", "/acp/checkout_sessions", "/acp/handlers/wallet"]) {
        expect((await town.store.fetch(new Request(storeUrl + path, { headers: { host: "store.test" } }))).status).not.toBe(404);
        expect((await without.store.fetch(new Request(storeUrl + path, { headers: { host: "store.test" } }))).status).toBe(404);
      }
    } finally {
      await without.close();
    }
  });

  test("the payment handler's addresses hold its description and schemas", async () => {
    const made = await send(town, sessions, { body: create });
    const [handler] = [record(record(made.body["capabilities"])["payment"])["handlers"]].flat().map((each) => record(each));
    expect(handler).toMatchObject({ id: "wallet", requires_delegate_payment: false, requires_pci_compliance: false });
    const addresses = [handler?.["spec"], handler?.["config_schema"], [handler?.["instrument_schemas"]].flat()[0]].map(String);
    for (const address of addresses) expect((await town.store.fetch(new Request(address))).status).toBe(200);
    const schema = record(await (await town.store.fetch(new Request(String(addresses[2])))).json());
    expect(schema).toMatchObject({ properties: { type: { const: "wallet_approval" } } });
  });
});

describe("a session", () => {
  test("is made with prices of the shop alone, and collected without an address", async () => {
    expect(faultsOf("create", create)).toEqual([]);
    const made = await send(town, sessions, { body: { ...create, line_items: [{ id: "stoneware-mug", unit_amount: 1 }] } });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      status: "ready_for_payment",
      currency: "eur",
      protocol: { version: "2026-04-17" },
      line_items: [{ id: "stoneware-mug", quantity: 1, unit_amount: 1890 }],
      selected_fulfillment_options: [{ type: "pickup", option_id: "collect", item_ids: ["stoneware-mug"] }],
      messages: [],
    });
    expect(totalsIn(made)).toEqual({ items_base_amount: 1890, subtotal: 1890, fulfillment: 0, total: 1890 });
    expect((await read(String(made.body["id"]))).body).toEqual(made.body);
  });

  test("takes lines in each of the forms that the release's documents show", async () => {
    const forms = [
      { line_items: [{ id: "stoneware-mug" }, { id: "stoneware-mug" }] },
      { line_items: [{ id: "stoneware-mug", quantity: 2 }] },
      { line_items: [{ id: "line_1", item: { id: "stoneware-mug" }, quantity: 2, totals: [] }] },
      { items: [{ id: "stoneware-mug", quantity: 2 }] },
    ];
    for (const form of forms) {
      const made = await send(town, sessions, { body: form });
      expect(made.body["line_items"]).toMatchObject([{ id: "stoneware-mug", quantity: 2 }]);
      expect(totalsIn(made)["total"]).toBe(3780);
    }
  });

  test("is sent to an address the cheapest way, then the chosen way, and the figures follow", async () => {
    const id = await open(town);
    const body = { fulfillment_details: { name: "Ada", email: "ada@example.com", address: home } };
    expect(faultsOf("update", body)).toEqual([]);
    const sent = await update(id, body);
    expect(sent.body).toMatchObject({
      fulfillment_details: { name: "Ada Lovelace", address: { line_one: "Kerkstraat 1", state: "UT", country: "NL" } },
      selected_fulfillment_options: [{ type: "shipping", option_id: "standard" }],
    });
    expect(totalsIn(sent)).toMatchObject({ subtotal: 3140, fulfillment: 495, total: 3635 });
    const choice = { selected_fulfillment_options: [{ type: "shipping", option_id: "express", item_ids: ["stoneware-mug", "field-notebook"] }] };
    expect(faultsOf("update", choice)).toEqual([]);
    expect(totalsIn(await update(id, choice))).toMatchObject({ fulfillment: 1295, total: 4435 });
    const nested = { selected_fulfillment_options: [{ type: "shipping", shipping: { option_id: "standard", item_ids: [] } }] };
    expect(totalsIn(await update(id, nested))).toMatchObject({ fulfillment: 495, total: 3635 });
  });

  test("shows a tax that is added as a figure that adds up, and one that is included beside the total", async () => {
    const included = await send(town, sessions, { body: create });
    expect(totalsIn(included)["tax"]).toBeUndefined();
    expect(included.text).toMatch(/Includes [0-9.]+ EUR VAT at 21 % \(NL\)/);
    const address = { ...home, city: "San Francisco", state: "CA", country: "US", postal_code: "94131" };
    const added = totalsIn(await send(town, sessions, { body: { ...create, fulfillment_details: { address } } }));
    expect(added["tax"]).toBeGreaterThan(0);
    expect(added["total"]).toBe(Number(added["subtotal"]) + Number(added["fulfillment"]) + Number(added["tax"]));
  });

  test("keeps the figures where a change cannot be sold, and says why and where", async () => {
    const id = await open(town);
    const before = await read(id);
    const tooMany = await update(id, { line_items: [{ id: "field-notebook" }, { id: "enamel-kettle", quantity: 19 }] });
    expect(tooMany.status).toBe(200);
    expect(messagesIn(tooMany)).toMatchObject([{ type: "error", code: "out_of_stock", resolution: "recoverable", param: "$.line_items[1]" }]);
    const unknown = await update(id, { line_items: [{ id: "no-such-thing" }] });
    expect(messagesIn(unknown)).toMatchObject([{ code: "not_found", param: "$.line_items[0].id" }]);
    const nowhere = await update(id, { fulfillment_details: { address: { ...home, country: "AQ" } } });
    expect(messagesIn(nowhere)).toMatchObject([{ code: "invalid" }]);
    const noWay = await update(id, { selected_fulfillment_options: [{ type: "shipping", option_id: "drone", item_ids: [] }] });
    expect(messagesIn(noWay)).toMatchObject([{ code: "invalid" }]);
    expect((await read(id)).body).toEqual(before.body);
  });

  test("a change of what the shop does not use changes nothing, and discount codes are said to be none", async () => {
    const id = await open(town);
    const before = await read(id);
    expect((await update(id, { buyer: { email: "ada@example.com" } })).body).toEqual(before.body);
    const codes = await update(id, { discounts: { codes: ["SAVE20"] } });
    expect(messagesIn(codes)).toMatchObject([{ type: "warning", code: "discount_code_invalid" }]);
    expect(totalsIn(codes)).toEqual(totalsIn(before));
    expect(JSON.stringify(await town.db.sql.selectFrom("checkouts").selectAll().execute())).not.toContain("ada@example.com");
  });

  test("is not ready while its goods are gone, and is again when they are back", async () => {
    const id = await open(town);
    await town.db.sql.updateTable("stock").set({ on_hand: 0 }).where("product_id", "=", "field-notebook").execute();
    const gone = await read(id);
    expect(gone.body["status"]).toBe("not_ready_for_payment");
    expect(messagesIn(gone)).toMatchObject([{ code: "out_of_stock", param: "$.line_items[1]" }]);
    const tried = await complete(id);
    expect(tried.status).toBe(200);
    expect(messagesIn(tried)).toMatchObject([{ code: "out_of_stock", param: "$.line_items[1]" }]);
    expect(await reserved("stoneware-mug")).toBe(0);
    await town.db.sql.updateTable("stock").set({ on_hand: 80 }).where("product_id", "=", "field-notebook").execute();
    expect((await read(id)).body["status"]).toBe("ready_for_payment");
  });

  test("expires by the clock", async () => {
    const id = await open(town);
    town.clock.advance(31 * 60_000);
    const over = await read(id);
    expect(over.body["status"]).toBe("expired");
    expect(messagesIn(over)).toMatchObject([{ code: "expired" }]);
    expect((await update(id, { line_items: [{ id: "stoneware-mug" }] })).body["code"]).toBe("checkout_expired");
    expect((await complete(id)).status).toBe(409);
  });
});

describe("paying", () => {
  test("asks for the buyer's approval by a link, completes by itself, and gives the order", async () => {
    const id = await open(town);
    expect(faultsOf("complete", payment(id))).toEqual([]);
    const asked = await complete(id);
    expect(asked.status).toBe(200);
    expect(asked.body).toMatchObject({
      status: "requires_escalation",
      messages: [{ type: "error", code: "approval_required", resolution: "requires_buyer_review" }],
    });
    expect(asked.body["continue_url"]).toMatch(/^https:\/\/wallet\.test\/approve\/pr_/);
    expect(asked.body["order"]).toBeUndefined();
    expect(await reserved("stoneware-mug")).toBe(1);
    expect((await read(id)).body).toMatchObject({ status: "requires_escalation", continue_url: asked.body["continue_url"] });
    expect((await complete(id)).body["continue_url"]).toBe(asked.body["continue_url"]);
    await town.wallet.approve(requestOf(asked), "usr_1");
    await town.store.idle();
    const paid = await read(id);
    expect(paid.body).toMatchObject({
      status: "completed",
      order: { type: "order", checkout_session_id: id, status: "confirmed", line_items: [{ id: "stoneware-mug" }, { id: "field-notebook" }] },
    });
    expect(paid.body["continue_url"]).toBeUndefined();
    const order = record(paid.body["order"]);
    expect((await complete(id)).body).toMatchObject({ status: "completed", order: { id: order["id"] } });
    const page = await town.store.fetch(new Request(String(order["permalink_url"])));
    expect(await page.text()).toContain(String(order["order_number"]));
    expect(town.bank.captured).toHaveLength(1);
    expect(await reserved("stoneware-mug")).toBe(0);
  });

  test("after the approval completing again gives the order at once", async () => {
    const id = await open(town);
    await town.wallet.approve(requestOf(await complete(id)), "usr_1");
    const paid = await complete(id);
    expect(paid.body).toMatchObject({ status: "completed", order: { checkout_session_id: id } });
    expect(town.bank.captured).toHaveLength(1);
  });

  test("a no of the buyer opens the session again, for new terms and one charge", async () => {
    const id = await open(town);
    const asked = await complete(id);
    town.wallet.deny(requestOf(asked));
    await town.store.idle();
    const denied = await read(id);
    expect(denied.body["status"]).toBe("ready_for_payment");
    expect(messagesIn(denied)).toMatchObject([{ code: "payment_declined", resolution: "recoverable" }]);
    expect(await reserved("stoneware-mug")).toBe(0);
    const again = await complete(id);
    expect(requestOf(again)).not.toBe(requestOf(asked));
    await town.wallet.approve(requestOf(again), "usr_1");
    await town.store.idle();
    expect((await read(id)).body["status"]).toBe("completed");
    expect(town.bank.captured).toHaveLength(1);
  });

  test("P16 a no that the store has not heard of yet is told by the next completion, without the address of what is over", async () => {
    const id = await open(town);
    const asked = await complete(id);
    await town.restart();
    town.wallet.deny(requestOf(asked));
    expect((await read(id)).body["status"]).toBe("requires_escalation");
    const told = await complete(id);
    expect([told.body["status"], told.body["continue_url"], await reserved("stoneware-mug")]).toEqual(["ready_for_payment", undefined, 0]);
    expect(messagesIn(told)).toMatchObject([{ code: "payment_declined" }]);
  });

  test("a wallet that does not answer is told as such, and nobody is sent to an address that there is not", async () => {
    const id = await open(town);
    town.wallet.down = true;
    expect((await send(town, `${sessions}/${id}/complete`, { body: payment(id) })).status).toBe(503);
    for (const _ of ["before", "after the recovery"]) {
      const between = await read(id);
      expect([between.body["status"], messagesIn(between)]).toEqual(["ready_for_payment", []]);
      town.wallet.down = false;
      town.clock.advance(60_000);
      await town.store.recover();
    }
    expect(town.wallet.requests.size).toBe(1);
    expect(requestOf(await complete(id))).toMatch(/^pr_/);
    expect(town.wallet.requests.size).toBe(1);
  });

  test("P14 a bank that does not answer leaves the session in progress, and nothing is charged twice", async () => {
    const id = await open(town);
    const asked = await complete(id);
    town.bank.captureFaults.push("lost");
    town.bank.readFaults.push("unreachable");
    await town.wallet.approve(requestOf(asked), "usr_1");
    await town.store.idle();
    const open_ = await read(id);
    expect(open_.body["status"]).toBe("complete_in_progress");
    expect(messagesIn(open_)).toMatchObject([{ type: "info" }]);
    town.clock.advance(5_000);
    await town.store.recover();
    expect((await read(id)).body["status"]).toBe("completed");
    expect(town.bank.captured).toHaveLength(1);
  });

  test("a bank that declines opens the session again with its word", async () => {
    const id = await open(town);
    const asked = await complete(id);
    town.bank.captureFaults.push("decline");
    await town.wallet.approve(requestOf(asked), "usr_1");
    await town.store.idle();
    const declined = await read(id);
    expect(declined.body["status"]).toBe("ready_for_payment");
    expect(messagesIn(declined)).toMatchObject([{ code: "payment_declined" }]);
  });

  test("P16 a change while the buyer is asked withdraws what they were asked", async () => {
    const id = await open(town);
    const asked = await complete(id);
    const changed = await update(id, { line_items: [{ id: "stoneware-mug" }] });
    await town.store.idle();
    expect(changed.body["status"]).toBe("ready_for_payment");
    expect(town.wallet.requests.get(requestOf(asked))?.status).toBe("canceled");
  });

  test("is never by a credential of the agent's: only the session's own id is taken", async () => {
    const id = await open(town);
    const other = await open(town);
    const wrong: readonly [object, string][] = [
      [{ handler_id: "card" }, "$.payment_data.handler_id"],
      [{ instrument: { type: "card", credential: { type: "spt", token: "spt_1" } } }, "$.payment_data.instrument.type"],
      [{ instrument: { type: "wallet_approval", credential: { type: "spt", token: id } } }, "$.payment_data.instrument.credential.type"],
      [record(payment(other)["payment_data"]), "$.payment_data.instrument.credential.token"],
    ];
    for (const [change, param] of wrong) {
      const data = { ...record(payment(id)["payment_data"]), ...change };
      const refused = await send(town, `${sessions}/${id}/complete`, { body: { payment_data: data } });
      expect(refused).toMatchObject({ status: 400, body: { type: "invalid_request", param } });
    }
    expect(town.wallet.requests.size).toBe(0);
    expect((await complete(id)).body["status"]).toBe("requires_escalation");
  });

  test("nothing that the agent sees holds a mandate, a token, the signed terms or the buyer's account", async () => {
    const id = await open(town);
    const asked = await complete(id);
    const request = town.wallet.requests.get(requestOf(asked));
    await town.wallet.approve(requestOf(asked), "usr_1");
    const paid = await complete(id);
    expect(request?.mandate).toMatch(/^ey/);
    const seen = [asked.text, paid.text, (await read(id)).text].join();
    for (const secret of [request?.jwt ?? "", request?.mandate ?? "", "usr_1"]) expect(seen).not.toContain(secret);
    // Whole words only: an id may hold any four digits.
    expect(seen).not.toMatch(/eyJ[\w-]{10,}\.[\w-]|Account|(?<![\w-])4821(?![\w-])/);
  });
});

describe("the end of the time to approve", () => {
  test("leaves the session in progress, without its link, until the wallet's last word", async () => {
    const id = await open(town);
    const asked = await complete(id);
    town.clock.advance(26 * 60_000);
    const over = await read(id);
    expect(over.body["status"]).toBe("complete_in_progress");
    expect(over.body["continue_url"]).toBeUndefined();
    town.wallet.expire(requestOf(asked));
    await town.store.idle();
    expect((await read(id)).body["status"]).toBe("expired");
  });
});

describe("giving up", () => {
  test("cancels a session once, withdraws the request, and is 405 after that and after paying", async () => {
    const id = await open(town);
    const asked = await complete(id);
    const canceled = await cancel(id);
    expect(canceled.body["status"]).toBe("canceled");
    await town.store.idle();
    expect(town.wallet.requests.get(requestOf(asked))?.status).toBe("canceled");
    expect(await reserved("stoneware-mug")).toBe(0);
    const again = await cancel(id);
    expect(again.status).toBe(405);
    expect(again.headers.get("allow")).toBe("GET");
    const paid = await open(town);
    await town.wallet.approve(requestOf(await complete(paid)), "usr_1");
    await town.store.idle();
    expect((await cancel(paid)).status).toBe(405);
    expect((await read(paid)).body["status"]).toBe("completed");
    expect((await complete(id)).status).toBe(409);
    expect((await update(id, { line_items: [{ id: "stoneware-mug" }] })).status).toBe(409);
  });

  test("takes a reason and does not need one", async () => {
    const reason = await open(town);
    const body = { intent_trace: { reason_code: "shipping_cost", trace_summary: "too dear" } };
    expect((await send(town, `${sessions}/${reason}/cancel`, { body })).body["status"]).toBe("canceled");
  });
});

describe("whose session it is", () => {
  test("an agent sees, changes and pays its own sessions and nobody else's, as if they were not there", async () => {
    const id = await open(town);
    expect((await read(id)).status).toBe(200);
    const others = [
      await read(id, otherApiKey),
      await send(town, `${sessions}/${id}`, { body: { line_items: [{ id: "stoneware-mug" }] }, apiKey: otherApiKey }),
      await send(town, `${sessions}/${id}/complete`, { body: payment(id), apiKey: otherApiKey }),
      await send(town, `${sessions}/${id}/cancel`, { apiKey: otherApiKey }),
    ];
    const missing = await read(`chk_${"A".repeat(22)}`);
    for (const refused of others) expect(refused).toMatchObject({ status: 404, body: missing.body });
    expect((await town.call("get_checkout", { checkout_id: id })).code).toBe("not_found");
    expect((await read(id)).body["status"]).toBe("ready_for_payment");
    expect(town.wallet.requests.size).toBe(0);
  });

  test("an agent does not see what was made over MCP", async () => {
    const made = await town.call("create_checkout", { items: [{ product_id: "stoneware-mug", quantity: 1 }] });
    const id = String(record(made.structured["checkout"])["id"]);
    expect((await town.call("get_checkout", { checkout_id: id })).isError).toBe(false);
    expect((await read(id)).status).toBe(404);
  });
});
