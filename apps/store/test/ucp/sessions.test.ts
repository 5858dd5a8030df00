import { Secret } from "@countersign/protocol/secret";
import { createSealer } from "@countersign/storage/sealed";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { checkoutMsMax } from "../../src/checkout/checkout.ts";
import { createCheckout } from "../../src/checkout/create.ts";
import { createKeyedAnswers, runMsMax } from "../../src/keyed-answers.ts";
import { record } from "../stand-ins/record.ts";
import { createTown, type Town } from "../stand-ins/town.ts";
import { overMcp, overRest, type Platform, type Told } from "./platform.ts";

const mugs = { line_items: [{ item: { id: "stoneware-mug-sand" }, quantity: 2 }] };
const oakland = {
  first_name: "A.",
  last_name: "Buyer",
  street_address: "Broadway 1",
  postal_code: "94607",
  address_locality: "Oakland",
  address_region: "CA",
  address_country: "US",
};
const amsterdam = { ...oakland, address_region: undefined, address_locality: "Amsterdam", postal_code: "1012 AB", address_country: "NL" };
const sent = (destination: object, option?: string): object => ({
  ...mugs,
  fulfillment: {
    methods: [{ type: "shipping", destinations: [destination], ...(option === undefined ? {} : { groups: [{ selected_option_id: option }] }) }],
  },
});

let keys = 0;
const newKey = (): string => `key-of-the-test-run-${String((keys += 1)).padStart(6, "0")}`;
const codesOf = ({ body }: Told): unknown[] => (Array.isArray(body["messages"]) ? body["messages"].map((each) => record(each)["code"]) : []);
const totalOf = ({ body }: Told): unknown =>
  Array.isArray(body["totals"]) ? record(body["totals"].find((each) => record(each)["type"] === "total"))["amount"] : undefined;
const linkOf = ({ body }: Told): string => String(body["continue_url"]);
const requestOf = (told: Told): string => linkOf(told).split("/").at(-1) ?? "";

describe.each([
  ["over REST", overRest],
  ["over MCP", overMcp],
])("%s", (transport, connect) => {
  let town: Town;
  let call: Platform;
  beforeEach(async () => {
    town = await createTown();
    call = connect(town);
  });
  afterEach(async () => {
    await town.close();
  });

  const create = async (body: object = mugs): Promise<string> => String((await call("create", { body })).body["id"]);
  const complete = (id: string): Promise<Told> => call("complete", { id, key: newKey(), body: {} });
  const read = (id: string): Promise<Told> => call("get", { id });
  const reserved = async (): Promise<number> =>
    (await town.db.sql.selectFrom("stock").select("reserved").where("product_id", "=", "stoneware-mug-sand").executeTakeFirstOrThrow()).reserved;

  test("a purchase goes from goods to a shipped order: priced, approved by the buyer on the wallet's page, charged once", async () => {
    const created = await call("create", { body: mugs, key: newKey() });
    expect(created).toMatchObject({ status: 201, body: { status: "ready_for_complete", fulfillment: { methods: [{ type: "pickup" }] } } });
    const id = String(created.body["id"]);
    const shipped = await call("update", { id, body: sent(amsterdam, "express") });
    expect(shipped.body).toMatchObject({
      fulfillment: { methods: [{ destinations: [{ address_locality: "Amsterdam" }], groups: [{ selected_option_id: "express" }] }] },
    });
    expect([totalOf(created), totalOf(shipped)]).toEqual([3780, 3780 + 1295]);
    expect(await reserved()).toBe(0);

    const asked = await complete(id);
    expect(asked.body).toMatchObject({ status: "requires_escalation", continue_url: expect.stringContaining("https://wallet.test/approve/") });
    expect(codesOf(asked)).toContain("approval_required");
    expect(await reserved()).toBe(2);
    expect((await read(id)).body).toEqual(asked.body);

    await town.wallet.approve(requestOf(asked), "usr_1");
    await vi.waitFor(async () => expect((await read(id)).body["status"]).toBe("completed"), 15_000);
    const done = await complete(id);
    expect(done.body).toMatchObject({ status: "completed", order: { id: expect.stringMatching(/^ord_/) } });
    expect(town.bank.captured).toMatchObject([{ amount: 5075 }]);
    expect((await town.call("list_orders", {}, await town.wallet.token("usr_1", "orders:read"))).structured).toMatchObject({
      orders: [{ id: record(done.body["order"])["id"], total: { amount: 5075 } }],
    });
    expect(JSON.stringify([asked.text, done.text])).not.toMatch(/eyJ[\w-]{10,}\.[\w-]|mandate|usr_1|Account 4821|pr_[0-9a-f]{32}"/);
  });

  test("completing after the approval charges at once when the store has not heard of it yet", async () => {
    const id = await create();
    const asked = await complete(id);
    await town.wallet.approve(requestOf(asked), "usr_1");
    expect((await complete(id)).body["status"]).toBe("completed");
    expect(town.bank.captured).toHaveLength(1);
  });

  test("P05 two that complete at the same time are given one request, and the buyer is charged once", async () => {
    const id = await create();
    const [one, two] = await Promise.all([complete(id), complete(id)]);
    expect(linkOf(one)).toBe(linkOf(two));
    await town.wallet.approve(requestOf(one), "usr_1");
    await Promise.all([complete(id), complete(id), complete(id)]);
    await town.store.idle();
    expect(town.bank.captured).toHaveLength(1);
  });

  test("P16 what the buyer said no to is told as a failed payment, and completing again asks anew", async () => {
    const id = await create();
    const asked = await complete(id);
    town.wallet.deny(requestOf(asked));
    await town.store.idle();
    const told = await read(id);
    expect([told.body["status"], codesOf(told)[0]]).toEqual(["ready_for_complete", "payment_failed"]);
    expect(await reserved()).toBe(0);
    const again = await complete(id);
    expect(again.body["status"]).toBe("requires_escalation");
    expect(linkOf(again)).not.toBe(linkOf(asked));
    expect(town.bank.captured).toEqual([]);
  });

  test("P16 a no that the store has not heard of yet is told by the next request", async () => {
    const id = await create();
    const asked = await complete(id);
    await town.restart();
    town.wallet.deny(requestOf(asked));
    expect((await read(id)).body["status"]).toBe("requires_escalation");
    const told = await complete(id);
    expect([told.body["status"], codesOf(told)[0], await reserved()]).toEqual(["ready_for_complete", "payment_failed", 0]);
  });

  test("P12 a change while the buyer is asked ends that request; a request that changes nothing leaves it alone", async () => {
    const id = await create(sent(oakland));
    const asked = await complete(id);
    expect((await call("update", { id, body: sent(oakland) })).body).toEqual(asked.body);
    expect(town.wallet.requests.get(requestOf(asked))?.status).toBe("created");
    const changed = await call("update", { id, body: mugs });
    expect(changed.body).toMatchObject({ status: "ready_for_complete", fulfillment: { methods: [{ type: "pickup" }] } });
    await town.store.idle();
    expect(town.wallet.requests.get(requestOf(asked))?.status).toBe("canceled");
    expect(changed.text).not.toContain("Broadway");
  });

  test("P14 while the bank has not said, it is in progress: nothing can be changed, and the order completes later", async () => {
    const id = await create();
    const asked = await complete(id);
    town.bank.captureFaults.push("lost", "lost");
    town.bank.readFaults.push("unreachable", "unreachable", "unreachable");
    await town.wallet.approve(requestOf(asked), "usr_1");
    await vi.waitFor(async () => expect((await read(id)).body["status"]).toBe("complete_in_progress"), 15_000);
    const refused = await call("update", { id, body: sent(oakland) });
    expect(refused.body).toMatchObject({ status: "complete_in_progress", messages: [{ code: "checkout_not_open", severity: "recoverable" }, {}] });
    town.bank.readFaults.length = 0;
    town.clock.advance(120_000);
    await town.store.recover();
    expect((await read(id)).body["status"]).toBe("completed");
    expect(town.bank.captured).toHaveLength(1);
  });

  test("canceling gives the goods back and withdraws the request; a paid one stays paid", async () => {
    const id = await create();
    const asked = await complete(id);
    const key = newKey();
    const canceled = await call("cancel", { id, key });
    expect([canceled.body["status"], codesOf(canceled)]).toEqual(["canceled", ["tax_included"]]);
    expect((await call("cancel", { id, key })).body).toEqual(canceled.body);
    const again = await call("cancel", { id, key: newKey() });
    expect([again.body["status"], codesOf(again)[0]]).toEqual(["canceled", "checkout_not_open"]);
    await town.store.idle();
    expect([await reserved(), town.wallet.requests.get(requestOf(asked))?.status]).toEqual([0, "canceled"]);
    expect(codesOf(await complete(id))).toContain("checkout_not_open");

    const paid = await create();
    await town.wallet.approve(requestOf(await complete(paid)), "usr_1");
    await complete(paid);
    const refused = await call("cancel", { id: paid, key: newKey() });
    expect([refused.body["status"], codesOf(refused)[0]]).toEqual(["completed", "checkout_not_open"]);
  });

  test("P16 what was not approved in time, as far as the store knows, is in progress until the wallet's last word", async () => {
    const id = await create();
    const asked = await complete(id);
    town.clock.advance(checkoutMsMax);
    expect((await read(id)).body).toMatchObject({ status: "complete_in_progress", line_items: [{}] });
    town.wallet.expire(requestOf(asked));
    await town.store.idle();
    expect([(await read(id)).body["status"], await reserved()]).toEqual(["canceled", 0]);
  });

  test("what is not paid in time is canceled", async () => {
    const id = await create();
    town.clock.advance(checkoutMsMax + 1);
    expect((await read(id)).body["status"]).toBe("canceled");
    const told = await complete(id);
    expect([told.body["status"], codesOf(told)[0]]).toEqual(["canceled", "checkout_expired"]);
    expect((await call("update", { id, body: sent(oakland) })).body["status"]).toBe("canceled");
  });

  test.each<[string, object, string]>([
    ["goods that are not sold", { line_items: [{ item: { id: "moon-rock" }, quantity: 1 }] }, "item_unavailable"],
    ["more than there is", { line_items: [{ item: { id: "wall-clock" }, quantity: 7 }] }, "out_of_stock"],
    [
      "one line twice, over the bound",
      { line_items: [mugs.line_items[0], { item: { id: "stoneware-mug-sand" }, quantity: 20 }] },
      "invalid_quantity",
    ],
    ["a country that is not reached", sent({ ...oakland, address_country: "AQ" }), "address_undeliverable"],
    ["a state whose tax is not known", sent({ ...oakland, address_region: "AK" }), "address_undeliverable"],
    ["an address without a street", sent({ ...oakland, street_address: undefined }), "invalid_address"],
    ["nobody's name", sent({ ...oakland, first_name: undefined, last_name: undefined }), "invalid_address"],
    ["hidden text in an address", sent({ ...oakland, street_address: "Broadway\u202e1" }), "invalid_address"],
    ["shipping to nowhere", { ...mugs, fulfillment: { methods: [{ type: "shipping" }] } }, "missing"],
    ["a way of shipping that does not go there", sent(oakland, "express"), "invalid_fulfillment_option"],
    ["collecting as a way of shipping", sent(oakland, "collect"), "invalid_fulfillment_option"],
    ["a drone", { ...mugs, fulfillment: { methods: [{ type: "drone" }] } }, "invalid_fulfillment_method"],
  ])("says what to put right about %s, makes nothing of it and changes nothing", async (_name, body, code) => {
    const none = await call("create", { body });
    expect([none.status, none.body["id"], codesOf(none)[0]]).toEqual([200, undefined, code]);
    const id = await create();
    const asked = await complete(id);
    const told = await call("update", { id, body });
    expect(codesOf(told)[0]).toBe(code);
    expect([told.body["status"], totalOf(told), linkOf(told)]).toEqual(["requires_escalation", 3780, linkOf(asked)]);
  });

  test("the buyer's name is the recipient's where the address has none", async () => {
    const unnamed = { ...oakland, first_name: undefined, last_name: undefined };
    const told = await call("create", { body: { ...sent(unnamed), buyer: { first_name: "Prince", email: "p@example.com" } } });
    expect(told.body).toMatchObject({ fulfillment: { methods: [{ destinations: [{ first_name: "Prince" }] }] } });
    expect(told.text).not.toContain("p@example.com");
  });

  test("a destination that was given before is kept by a method without one", async () => {
    const id = await create(sent(oakland));
    const told = await call("update", {
      id,
      body: {
        line_items: [{ item: { id: "wall-clock" }, quantity: 1 }],
        fulfillment: { methods: [{ id: "shipping", selected_destination_id: "destination" }] },
      },
    });
    expect(told.body).toMatchObject({
      line_items: [{ item: { id: "wall-clock" } }],
      fulfillment: { methods: [{ destinations: [{ postal_code: "94607" }] }] },
    });
  });

  test.each<[string, object]>([
    ["no lines", {}],
    ["an empty list", { line_items: [] }],
    ["half a piece", { line_items: [{ item: { id: "wall-clock" }, quantity: 0.5 }] }],
    ["none of it", { line_items: [{ item: { id: "wall-clock" }, quantity: 0 }] }],
    ["an id with a path in it", { line_items: [{ item: { id: "../wall-clock" }, quantity: 1 }] }],
    ["two methods", { ...mugs, fulfillment: { methods: [{ type: "pickup" }, { type: "shipping" }] } }],
    ["more lines than a checkout has", { line_items: Array.from({ length: 21 }, () => mugs.line_items[0]) }],
  ])("refuses %s before anything is done", async (_name, body) => {
    expect((await call("create", { body })).refusal).toMatch(/^invalid_/);
    expect(await town.db.sql.selectFrom("checkouts").select("id").execute()).toEqual([]);
  });

  test("P03 a price of the platform's is not read", async () => {
    const cheap = {
      line_items: [{ item: { id: "wall-clock", price: 1 }, quantity: 1, totals: [{ type: "total", amount: 1 }] }],
      totals: [],
      currency: "JPY",
    };
    const told = await call("create", { body: cheap });
    expect([totalOf(told), told.body["currency"]]).toEqual([8400, "EUR"]);
  });

  test("P08 P10 a key stands for one request: the same again is the same answer, another is refused, and the first result stays", async () => {
    const key = newKey();
    const first = await call("create", { body: mugs, key });
    expect((await call("create", { body: mugs, key })).body).toEqual(first.body);
    expect((await call("create", { body: sent(oakland), key })).refusal).toBe("idempotency_conflict");
    expect((await call("create", { body: mugs, key })).body).toEqual(first.body);
    expect(await town.db.sql.selectFrom("checkouts").select("id").execute()).toHaveLength(1);
    await town.restart();
    expect((await call("create", { body: mugs, key })).body).toEqual(first.body);
    const id = String(first.body["id"]);
    expect((await call("cancel", { id, key })).body["status"]).toBe("canceled");
  });

  test("P09 a key counts for one operation", async () => {
    const id = await create();
    const key = newKey();
    const asked = await call("complete", { id, key });
    const canceled = await call("cancel", { id, key });
    expect([asked.body["status"], canceled.body["status"]]).toEqual(["requires_escalation", "canceled"]);
  });

  test("P10 of two requests with one key at the same time one runs", async () => {
    const key = newKey();
    const both = await Promise.all([call("create", { body: mugs, key }), call("create", { body: mugs, key })]);
    const ids = new Set(both.map((each) => each.body["id"]).filter((id) => id !== undefined));
    expect(ids.size).toBe(1);
    for (const each of both) expect([undefined, "idempotency_in_flight"]).toContain(each.refusal);
    expect(await town.db.sql.selectFrom("checkouts").select("id").execute()).toHaveLength(1);
  });

  test("P10 a run that its process has left behind is in flight, and then taken up", async () => {
    const key = newKey();
    const sealer = createSealer({ current: "k1", keys: { k1: new Secret(Buffer.alloc(32, 7).toString("base64url")) } });
    const payload = transport === "over MCP" ? JSON.stringify(mugs) : Buffer.from(JSON.stringify(mugs)).toString("base64");
    const left = { principal: "ucp", path: "create ", key, body: payload };
    expect((await createKeyedAnswers(town.db, sealer, town.clock.now).claim(left)).outcome).toBe("mine");
    expect((await call("create", { body: mugs, key })).refusal).toBe("idempotency_in_flight");
    town.clock.advance(runMsMax);
    expect((await call("create", { body: mugs, key })).status).toBe(201);
    expect(await town.db.sql.selectFrom("checkouts").select("id").execute()).toHaveLength(1);
  });

  test("P10 what cannot be written with its answer is not made", async () => {
    const key = newKey();
    await town.db.sql.schema.alterTable("checkouts").renameTo("checkouts_away").execute();
    expect((await call("create", { body: mugs, key })).refusal).toBe("internal_error");
    await town.db.sql.schema.alterTable("checkouts_away").renameTo("checkouts").execute();
    expect((await call("create", { body: mugs, key })).status).toBe(201);
  });

  test.each([undefined, "short", "with a space in the middle", "x".repeat(256)])(
    "paying needs a key that nobody guesses: %j is refused",
    async (key) => {
      const id = await create();
      const told = await call("complete", { id, body: {}, ...(key === undefined ? {} : { key }) });
      expect(told.refusal).toMatch(/^(invalid_|idempotency_key_required)/);
      expect((await read(id)).body["status"]).toBe("ready_for_complete");
    },
  );

  test("a wallet that does not answer is no answer of the shop's, and the same request works later", async () => {
    const id = await create();
    const key = newKey();
    town.wallet.down = true;
    expect((await call("complete", { id, key, body: {} })).refusal).toBe("authorization_server_unreachable");
    town.wallet.down = false;
    town.clock.advance(60_000);
    expect((await call("complete", { id, key, body: {} })).body["status"]).toBe("requires_escalation");
  });

  test("an instrument of another handler is refused; a credential is neither read nor told", async () => {
    const id = await create();
    const instrument = { id: "i", type: "wallet_approval", credential: { type: "token", token: "tok_secret_4242" } };
    const other = await call("complete", { id, key: newKey(), body: { payment: { instruments: [{ ...instrument, handler_id: "card" }] } } });
    expect([other.body["status"], codesOf(other)[0]]).toEqual(["ready_for_complete", "invalid_handler_id"]);
    const ours = await call("complete", { id, key: newKey(), body: { payment: { instruments: [{ ...instrument, handler_id: "wallet" }] } } });
    expect(ours.body["status"]).toBe("requires_escalation");
    const kept = await town.db.sql.selectFrom("checkouts").selectAll().execute();
    expect(JSON.stringify([ours.text, kept])).not.toContain("tok_secret_4242");
  });

  test("a request that waits for a user by name is not handed on", async () => {
    const id = await create();
    await town.call("pay", { checkout_id: id }, await town.wallet.token("usr_1", "orders:read"));
    expect((await read(id)).body["status"]).toBe("ready_for_complete");
    const told = await complete(id);
    expect([told.body["continue_url"], codesOf(told)[0]]).toEqual([undefined, "claimed_elsewhere"]);
    expect(told.text).not.toContain("/approve/");
  });

  test("a guest's request at the shop's own view is the same request here", async () => {
    const id = await create();
    const scope = (await town.call("pay", { checkout_id: id })).scope ?? "";
    const told = await complete(id);
    expect(`payment:${requestOf(told)}`).toBe(scope);
    expect((await read(id)).body).toEqual(told.body);
  });

  test("nobody reads what is not there, or what an agent has for itself", async () => {
    const made = await createCheckout(
      { db: town.db, clock: town.clock.now, report: () => undefined, randomId: () => "B".repeat(22) },
      { items: [{ product_id: "wall-clock", quantity: 1 }], address: null, option: undefined },
      "agent_1",
    );
    expect(made.ok).toBe(true);
    for (const id of [`chk_${"A".repeat(22)}`, `chk_${"B".repeat(22)}`]) {
      for (const verb of ["get", "update", "complete", "cancel"] as const) {
        const told = await call(verb, { id, key: newKey(), ...(verb === "update" ? { body: mugs } : {}) });
        expect([verb, told.status, codesOf(told)]).toEqual([verb, 404, ["not_found"]]);
      }
      expect(await town.call("get_checkout", { checkout_id: id })).toMatchObject({ code: "not_found" });
    }
  });

  test.each([
    null,
    "",
    "platform",
    "http://platform.test/profile",
    "https://user:secret@platform.test/",
    `https://platform.test/${"x".repeat(2048)}`,
  ])("a platform says who it is by an HTTPS address: %j is refused", async (profile) => {
    expect((await call("create", { body: mugs, profile })).refusal).toMatch(/^invalid_/);
  });

  test(`works ${transport} for a shop that was closed in between`, async () => {
    const id = await create();
    const asked = await complete(id);
    await town.restart();
    await town.wallet.approve(requestOf(asked), "usr_1");
    await town.store.recover();
    await town.store.idle();
    expect((await read(id)).body["status"]).toBe("completed");
  });
});
