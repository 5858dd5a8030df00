import { record } from "@countersign/store/testing/stand-ins/record";
import type { Town } from "@countersign/store/testing/stand-ins/town";
import { type AcpAgentServer, type AcpExchange, otherAgentsKey } from "./acp-agent.ts";

/** One story of a session: what is sent, in order, and what the buyer, the wallet and the bank do in between. */
export interface AcpCase {
  readonly name: string;
  play(agent: AcpAgentServer, town: Town): Promise<void>;
}

const capabilities = { interventions: { supported: ["3ds"], display_context: "webview" } };
const times = (id: string, count: number): readonly object[] => Array.from({ length: count }, () => ({ id }));
const asked = (line_items: readonly object[]): object => ({ line_items, currency: "eur", capabilities });
const goods = asked([{ id: "stoneware-mug" }, { id: "field-notebook" }]);
const utrecht = { name: "Ada", line_one: "Kerkstraat 1", city: "Utrecht", state: "UT", country: "NL", postal_code: "3581 AA" };
const oakland = { name: "Ada", line_one: "Broadway 1", line_two: "", city: "Oakland", state: "CA", country: "US", postal_code: "94607" };
const sentTo = (address: object): object => ({ fulfillment_details: { name: "Ada", email: "ada@example.com", address } });
const chosen = (option_id: string): object => ({ selected_fulfillment_options: [{ type: "shipping", option_id, item_ids: ["stoneware-mug"] }] });
/** Over the whole time that a checkout can have. */
const dayMs = 86_400_000;

const requestOf = ({ answer }: AcpExchange): string => String(answer["continue_url"]).split("/").at(-1) ?? "";

async function create(agent: AcpAgentServer): Promise<string> {
  const { answer } = await agent.send("goods", "create", { body: goods });
  return String(answer["id"]);
}

function payment(token: string, more: object = {}): object {
  const instrument = { type: "wallet_approval", credential: { type: "checkout_session", token } };
  return { payment_data: { handler_id: "wallet", instrument, ...more } };
}

const ask = (agent: AcpAgentServer, id: string): Promise<AcpExchange> => agent.send("the buyer is asked", "complete", { id, body: payment(id) });

/** What every session that is over refuses. */
async function tryAll(agent: AcpAgentServer, name: string, id: string): Promise<void> {
  await agent.send(name, "get", { id });
  await agent.send(name, "update", { id, body: sentTo(utrecht) });
  await agent.send(name, "complete", { id, body: payment(id) });
  await agent.send(name, "cancel", { id, body: { intent_trace: { reason_code: "price_sensitivity" } } });
}

/** Every state that a session can have. */
const stories: readonly AcpCase[] = [
  {
    name: "a purchase that is shipped, and half of it refunded",
    async play(agent, town) {
      const buyer = { email: "ada@example.com", full_name: "Ada" };
      const { answer } = await agent.send("with an address", "create", {
        body: { ...goods, ...sentTo(utrecht), buyer, order_notes: "At the door." },
      });
      const id = String(answer["id"]);
      await agent.send("another way of shipping", "update", { id, body: chosen("express") });
      await agent.send("nothing that the shop uses", "update", { id, body: { buyer, discounts: { codes: ["SAVE20"] } } });
      const waiting = await ask(agent, id);
      await agent.send("waiting for the buyer", "get", { id });
      await town.wallet.approve(requestOf(waiting), "usr_1");
      const paid = await agent.send("after the approval", "complete", { id, body: payment(id, { billing_address: utrecht }) });
      await tryAll(agent, "paid", id);
      const order_id = String(record(paid.answer["order"])["id"]);
      await town.call("refund_order", { order_id, amount_minor: 500 }, await town.wallet.token("usr_1", "orders:write orders:read"));
      await agent.send("refunded in part", "get", { id });
    },
  },
  {
    name: "collected at the shop, then sent abroad, where tax is added",
    async play(agent) {
      const id = await create(agent);
      await agent.send("as it was made", "get", { id });
      await agent.send("abroad", "update", { id, body: sentTo(oakland) });
      await agent.send("other goods", "update", { id, body: { line_items: times("stoneware-mug", 3) } });
    },
  },
  {
    name: "the buyer says no, is asked again, and the terms change meanwhile",
    async play(agent, town) {
      const id = await create(agent);
      town.wallet.deny(requestOf(await ask(agent, id)));
      await town.store.idle();
      await agent.send("denied", "get", { id });
      await ask(agent, id);
      await agent.send("while the buyer is asked", "update", { id, body: { line_items: times("stoneware-mug", 2) } });
    },
  },
  {
    name: "a no that is told by completing",
    async play(agent, town) {
      const id = await create(agent);
      const waiting = await ask(agent, id);
      await town.restart();
      town.wallet.deny(requestOf(waiting));
      await agent.send("denied", "complete", { id, body: payment(id) });
    },
  },
  {
    name: "the buyer does not answer",
    async play(agent, town) {
      const id = await create(agent);
      const waiting = await ask(agent, id);
      town.clock.advance(dayMs);
      await agent.send("over, as far as the shop knows", "get", { id });
      town.wallet.expire(requestOf(waiting));
      await town.store.idle();
      await tryAll(agent, "not approved in time", id);
    },
  },
  {
    name: "never paid",
    async play(agent, town) {
      const id = await create(agent);
      town.clock.advance(dayMs);
      await tryAll(agent, "expired", id);
    },
  },
  {
    name: "given up",
    async play(agent, town) {
      const id = await create(agent);
      await agent.send("before it was paid", "cancel", { id });
      await tryAll(agent, "canceled", id);
      const other = await create(agent);
      await ask(agent, other);
      await agent.send("while the buyer is asked", "cancel", { id: other });
      await town.store.idle();
      await agent.send("given up while the buyer was asked", "get", { id: other });
    },
  },
  {
    name: "the bank does not answer",
    async play(agent, town) {
      const id = await create(agent);
      const waiting = await ask(agent, id);
      town.bank.captureFaults.push("lost", "lost");
      town.bank.readFaults.push("unreachable", "unreachable", "unreachable");
      await town.wallet.approve(requestOf(waiting), "usr_1");
      await town.store.idle();
      await tryAll(agent, "in progress", id);
    },
  },
  {
    name: "the bank says no",
    async play(agent, town) {
      const id = await create(agent);
      const waiting = await ask(agent, id);
      town.bank.captureFaults.push("decline");
      await town.wallet.approve(requestOf(waiting), "usr_1");
      await town.store.idle();
      await agent.send("declined", "get", { id });
    },
  },
  {
    name: "the goods are gone",
    async play(agent, town) {
      const id = await create(agent);
      await town.db.sql.updateTable("stock").set({ on_hand: 0 }).where("product_id", "=", "field-notebook").execute();
      await agent.send("not ready", "get", { id });
      await agent.send("not ready", "complete", { id, body: payment(id) });
    },
  },
];

/** Every kind of refusal. */
const refusals: readonly AcpCase[] = [
  {
    name: "what cannot be sold so",
    async play(agent) {
      const id = await create(agent);
      const wrong: readonly (readonly [string, object])[] = [
        ["goods that are not sold", { line_items: [{ id: "moon-rock" }] }],
        ["more than there is", { line_items: times("wall-clock", 7) }],
        ["a country that is not reached", sentTo({ ...oakland, country: "AQ" })],
        ["an address without a street", sentTo({ ...oakland, line_one: "" })],
        ["a way that there is not", chosen("drone")],
        ["several places", { fulfillment_groups: [{ id: "g1", item_ids: ["stoneware-mug"], destination_type: "shipping" }] }],
      ];
      for (const [name, body] of wrong) await agent.send(name, "update", { id, body });
      for (const [name, body] of wrong) {
        const isCreate = !("selected_fulfillment_options" in body);
        await agent.send(name, "create", { body: { ...goods, ...body }, ...(isCreate ? {} : { isWrong: true }) });
      }
      await agent.send("another currency", "create", { body: { ...goods, currency: "usd" } });
      await agent.send("a card", "complete", {
        id,
        body: { payment_data: { handler_id: "card", instrument: { type: "card", credential: { type: "spt", token: "t" } } } },
      });
      await agent.send("the approval of another session", "complete", { id, body: payment(`chk_${"A".repeat(22)}`) });
    },
  },
  {
    name: "nobody's session, and another agent's",
    async play(agent) {
      const own = await create(agent);
      for (const [name, id, apiKey] of [
        ["nobody's", `chk_${"A".repeat(22)}`, undefined],
        ["another agent's", own, otherAgentsKey],
      ] as const) {
        const by = apiKey === undefined ? {} : { apiKey };
        await agent.send(name, "get", { id, ...by });
        await agent.send(name, "update", { id, body: sentTo(utrecht), ...by });
        await agent.send(name, "complete", { id, body: payment(id), ...by });
        await agent.send(name, "cancel", { id, ...by });
      }
    },
  },
  {
    name: "requests that are refused at the door",
    async play(agent, town) {
      const key = agent.newKey();
      await agent.send("no API key", "create", { body: goods, apiKey: null });
      await agent.send("no version", "create", { body: goods, version: null });
      await agent.send("another version", "create", { body: goods, version: "2025-09-29" });
      await agent.send("no idempotency key", "create", { body: goods, key: null });
      await agent.send("another method", "create", { method: "PUT", body: goods });
      await agent.send("no JSON", "create", { body: "{", isWrong: true });
      await agent.send("too long", "create", { body: JSON.stringify({ order_notes: "x".repeat(70_000) }), isWrong: true });
      await agent.send("no lines", "create", { body: {}, isWrong: true });
      await agent.send("a key", "create", { body: goods, key });
      await agent.send("the same again", "create", { body: goods, key });
      await agent.send("the key with another body", "create", { body: { ...goods, ...sentTo(utrecht) }, key });
      const twice = agent.newKey();
      await Promise.all([1, 2].map((each) => agent.send(`twice at once, ${each}`, "create", { body: goods, key: twice })));
      const id = await create(agent);
      await agent.send("no payment", "complete", { id, body: {}, isWrong: true });
      town.wallet.down = true;
      await agent.send("the wallet does not answer", "complete", { id, body: payment(id) });
      town.wallet.down = false;
    },
  },
];

export const acpCases: readonly AcpCase[] = [...stories, ...refusals];
