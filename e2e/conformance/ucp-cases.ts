import { record } from "@countersign/store/testing/stand-ins/record";
import type { Town } from "@countersign/store/testing/stand-ins/town";
import type { Exchange, UcpPlatform } from "./ucp-platform.ts";

/** One story of a checkout session: what is sent, in order, and what the buyer, the wallet and the bank do in between. */
export interface UcpCase {
  readonly name: string;
  play(platform: UcpPlatform, town: Town): Promise<void>;
}

const lines = [{ item: { id: "stoneware-mug-sand" }, quantity: 2 }];
const mugs = { line_items: lines };
const oakland = {
  first_name: "A.",
  last_name: "Buyer",
  street_address: "Broadway 1",
  postal_code: "94607",
  address_locality: "Oakland",
  address_region: "CA",
  address_country: "US",
};
const amsterdam = {
  first_name: "Prince",
  street_address: "Herengracht 1",
  extended_address: "2nd floor",
  postal_code: "1015 BA",
  address_locality: "Amsterdam",
  address_country: "NL",
};
const shipped = (destination: object, items: readonly object[] = lines): object => ({
  line_items: items,
  fulfillment: { methods: [{ type: "shipping", destinations: [destination] }] },
});
/** Over the whole time that a checkout can have. */
const dayMs = 86_400_000;

const idOf = ({ answer }: Exchange): string => String(answer?.["id"]);
const requestOf = ({ answer }: Exchange): string => String(answer?.["continue_url"]).split("/").at(-1) ?? "";
const paid = { payment: { instruments: [{ id: "i1", handler_id: "wallet", type: "wallet_approval" }] } };

async function create(platform: UcpPlatform, checkout: object = mugs): Promise<string> {
  return idOf(await platform.send("goods", "create", { checkout }));
}

/** A change as UCP has it: all of it, by the ids that the answer gave. */
function changed({ answer }: Exchange, option: string): object {
  const items = answer?.["line_items"];
  const [method] = listOf(record(answer?.["fulfillment"])["methods"]);
  const [group] = listOf(method?.["groups"]);
  return {
    line_items: listOf(items).map(({ id, item, quantity }) => ({ id, item: { id: record(item)["id"] }, quantity })),
    fulfillment: {
      methods: [
        {
          id: method?.["id"],
          type: method?.["type"],
          line_item_ids: method?.["line_item_ids"],
          selected_destination_id: method?.["selected_destination_id"],
          groups: [{ id: group?.["id"], selected_option_id: option }],
        },
      ],
    },
  };
}

function listOf(value: unknown): readonly Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(record) : [];
}

async function ask(platform: UcpPlatform, id: string): Promise<Exchange> {
  return await platform.send("the buyer is asked", "complete", { id, checkout: paid });
}

/** Every state that a session can have, and every kind of refusal of the shop. */
export const ucpCases: readonly UcpCase[] = [
  {
    name: "a purchase that is shipped",
    async play(platform, town) {
      const made = await platform.send("with an address and a key", "create", {
        checkout: { ...shipped(amsterdam), buyer: { email: "p@example.com" } },
        key: platform.newKey(),
      });
      const id = idOf(made);
      const express = changed(made, "express");
      const chosen = await platform.send("another way of shipping", "update", { id, checkout: express });
      await platform.send("nothing new", "update", { id, checkout: changed(chosen, "express") });
      const asked = await ask(platform, id);
      await platform.send("waiting for the buyer", "get", { id });
      await town.wallet.approve(requestOf(asked), "usr_1");
      await platform.send("after the approval", "complete", { id, checkout: paid });
      await town.store.idle();
      await platform.send("completed", "get", { id });
      await platform.send("what is paid", "cancel", { id });
      await platform.send("what is paid", "update", { id, checkout: express });
      await platform.send("what is paid", "complete", { id, checkout: paid });
    },
  },
  {
    name: "collected at the shop, then sent abroad, where tax is added",
    async play(platform) {
      const id = await create(platform);
      await platform.send("as it was made", "get", { id });
      const update = { line_items: lines, fulfillment: { methods: [{ type: "shipping", line_item_ids: [], destinations: [oakland] }] } };
      await platform.send("with an address", "update", { id, checkout: update });
      const items = [...lines, { item: { id: "wall-clock" }, quantity: 1 }];
      const collected = { line_items: items, fulfillment: { methods: [{ type: "pickup", line_item_ids: [] }] } };
      await platform.send("two things, collected", "update", { id, checkout: collected });
    },
  },
  {
    name: "the buyer says no",
    async play(platform, town) {
      const id = await create(platform);
      town.wallet.deny(requestOf(await ask(platform, id)));
      await town.store.idle();
      await platform.send("denied", "get", { id });
      await ask(platform, id);
    },
  },
  {
    name: "a no that is told by completing",
    async play(platform, town) {
      const id = await create(platform);
      const asked = await ask(platform, id);
      await town.restart();
      town.wallet.deny(requestOf(asked));
      await platform.send("denied", "complete", { id, checkout: paid });
    },
  },
  {
    name: "the buyer does not answer",
    async play(platform, town) {
      const id = await create(platform);
      const asked = await ask(platform, id);
      town.clock.advance(dayMs);
      await platform.send("over, as far as the shop knows", "get", { id });
      town.wallet.expire(requestOf(asked));
      await town.store.idle();
      await platform.send("expired", "get", { id });
      await platform.send("expired", "cancel", { id });
    },
  },
  {
    name: "never paid",
    async play(platform, town) {
      const id = await create(platform);
      town.clock.advance(dayMs);
      await platform.send("expired", "get", { id });
      await platform.send("expired", "complete", { id, checkout: paid });
      await platform.send("expired", "update", { id, checkout: mugs });
    },
  },
  {
    name: "given up",
    async play(platform, town) {
      const id = await create(platform);
      await platform.send("before it was paid", "cancel", { id });
      await platform.send("canceled", "get", { id });
      await platform.send("canceled", "complete", { id, checkout: paid });
      const other = await create(platform);
      await ask(platform, other);
      await platform.send("while the buyer is asked", "cancel", { id: other });
      await town.store.idle();
    },
  },
  {
    name: "the bank does not answer",
    async play(platform, town) {
      const id = await create(platform);
      town.bank.captureFaults.push("lost", "lost");
      town.bank.readFaults.push("unreachable", "unreachable", "unreachable");
      await town.wallet.approve(requestOf(await ask(platform, id)), "usr_1");
      await town.store.idle();
      await platform.send("in progress", "complete", { id, checkout: paid });
      await platform.send("in progress", "update", { id, checkout: mugs });
      await platform.send("in progress", "cancel", { id });
    },
  },
  {
    name: "what cannot be sold so",
    async play(platform) {
      const id = await create(platform);
      const wrong: readonly (readonly [string, object])[] = [
        ["goods that are not sold", { line_items: [{ item: { id: "moon-rock" }, quantity: 1 }] }],
        ["more than there is", { line_items: [{ item: { id: "wall-clock" }, quantity: 7 }] }],
        ["more than a basket holds", { line_items: [...lines, { item: { id: "stoneware-mug-sand" }, quantity: 20 }] }],
        ["a country that is not reached", shipped({ ...oakland, address_country: "AQ" })],
        ["an address without a street", shipped({ ...oakland, street_address: "" })],
        ["a drone", { ...mugs, fulfillment: { methods: [{ type: "drone" }] } }],
        ["no address", { ...mugs, fulfillment: { methods: [{ type: "shipping" }] } }],
      ];
      for (const [name, checkout] of wrong) {
        await platform.send(name, "create", { checkout });
        await platform.send(name, "update", { id, checkout, isWrong: true });
      }
      const card = { payment: { instruments: [{ id: "i1", handler_id: "card", type: "card" }] } };
      await platform.send("another handler", "complete", { id, checkout: card });
    },
  },
  {
    name: "nobody's checkout, and requests that cannot be processed",
    async play(platform, town) {
      const nobody = `chk_${"A".repeat(22)}`;
      await platform.send("nobody's", "get", { id: nobody });
      await platform.send("nobody's", "update", { id: nobody, checkout: mugs });
      await platform.send("nobody's", "complete", { id: nobody, checkout: paid });
      await platform.send("nobody's", "cancel", { id: nobody });
      await platform.send("half a piece", "create", { checkout: { line_items: [{ item: { id: "wall-clock" }, quantity: 0.5 }] }, isWrong: true });
      await platform.send("no lines", "create", { checkout: {}, isWrong: true });
      const id = await create(platform);
      await platform.send("a short key", "complete", { id, key: "short", checkout: paid, isWrong: true });
      const key = platform.newKey();
      await platform.send("a key", "create", { checkout: mugs, key });
      await platform.send("the same again", "create", { checkout: mugs, key });
      await platform.send("the key with another body", "create", { checkout: shipped(oakland), key });
      town.wallet.down = true;
      await platform.send("the wallet does not answer", "complete", { id, checkout: paid });
      town.wallet.down = false;
    },
  },
  {
    name: "asked at the shop's own view",
    async play(platform, town) {
      const id = await create(platform);
      await town.call("pay", { checkout_id: id }, await town.wallet.token("usr_1", "orders:read"));
      await platform.send("a user by name is asked", "get", { id });
      await platform.send("a user by name is asked", "complete", { id, checkout: paid });
    },
  },
];
