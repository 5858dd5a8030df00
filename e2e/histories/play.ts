import { keepBank } from "@countersign/bank/testing/town-bank";
import { ProcessDied } from "@countersign/storage/testing/mortal-database";
import { refillStore } from "@countersign/store/testing/town-store";
import { forgetRequests } from "@countersign/wallet/testing/town-books";
import { callTool, type Heard } from "./buyer.ts";
import { type Find, judgeAlways, judgeInTheEnd, judgeSoon, readBooks } from "./findings.ts";
import { type Act, productIds, type Step } from "./some-history.ts";
import { turn } from "./stillness.ts";
import { storeUrl, type Town } from "./town.ts";

const unitsEach = 4;
const pausesMax = 8;
const policy = { ceiling: 60_00, budget: 150_00 };
const home = { name: "Ada Day", lines: ["Keizersgracht 1"], city: "Amsterdam", postal_code: "1015 CN", country: "NL" };

/** What the buyers of one history know. */
interface Memory {
  readonly person: string;
  readonly checkouts: string[];
  /** Payment requests by checkout, as challenges told. */
  readonly requests: Map<string, string[]>;
  /** Receipt by checkout: once told, always the same. */
  readonly receipts: Map<string, string>;
}

/** Plays one history and gives what was found after each step and in the end. `number` names its person. */
export async function play(town: Town, history: readonly Step[], number: number): Promise<readonly string[]> {
  const findings: string[] = [];
  const memory: Memory = { person: `usr_${number}`, checkouts: [], requests: new Map(), receipts: new Map() };
  await open(town, memory);
  for (const [index, step] of history.entries()) {
    await take(town, memory, step, (what) => findings.push(`step ${index}: ${what}`));
    if (findings.length > 0) break;
  }
  await close(town, memory, (what) => findings.push(what));
  return findings;
}

async function open(town: Town, { person }: Memory): Promise<void> {
  await refillStore(town.store.ground.look(), productIds, unitsEach);
  await forgetRequests(town.wallet.ground.look());
  await raise(town);
  await town.wallet.running?.addPerson(person);
}

/** Whoever is dead comes back. */
async function raise(town: Town): Promise<void> {
  for (const party of town.parties) if (party.running === undefined) await party.restart();
}

async function take(town: Town, memory: Memory, step: Step, find: Find): Promise<void> {
  const { acts, gap, lost, death } = step;
  town.network.begin(lost);
  if (death !== null) town[death.party].ground.life.endAfter(death.after);
  const running = new Set<Act>();
  const failures: unknown[] = [];
  for (const act of acts) {
    running.add(act);
    void perform(town, memory, act, find)
      .catch((error: unknown) => failures.push(error))
      .finally(() => running.delete(act));
    for (let turns = 0; turns < gap && acts.length > 1; turns += 1) await turn();
  }
  await town.still();
  for (let pauses = 0; pauses < pausesMax && running.size > 0; pauses += 1) {
    // Who waits before asking again is at it still.
    town.wait(16_000);
    await town.still();
  }
  for (const { type } of running) find(`${type} never ends`);
  if (failures.length > 0) throw failures[0];
  town.network.begin(null);
  if (death !== null) town[death.party].ground.life.endAfter(Number.POSITIVE_INFINITY);
  const books = await readBooks(town, memory.person);
  judgeAlways(books, unitsEach * productIds.length, find);
  for (const id of memory.receipts.keys()) {
    if (!books.store.orders.some((order) => order.checkoutId === id)) find("a receipt was given for what is no order");
  }
}

async function perform(town: Town, memory: Memory, act: Act, find: Find): Promise<void> {
  try {
    await performAlive(town, memory, act, find);
  } catch (error) {
    // Whoever waited for it waits in vain.
    if (!(error instanceof ProcessDied)) throw error;
  }
}

async function performAlive(town: Town, memory: Memory, act: Act, find: Find): Promise<void> {
  const checkout = "at" in act ? memory.checkouts[act.at % Math.max(1, memory.checkouts.length)] : undefined;
  switch (act.type) {
    case "create":
      await create(town, memory, act);
      return;
    case "buy":
      return buy(town, memory, act, find);
    case "pay":
      return checkout === undefined ? undefined : pay(town, memory, checkout, act.as, find);
    case "update": {
      const items = [{ product_id: productIds[0], quantity: act.quantity }];
      await callTool(town, "update_checkout", { checkout_id: checkout, items, ...(act.sent ? { address: home } : {}) });
      return;
    }
    case "cancel":
      await callTool(town, "cancel_checkout", { checkout_id: checkout });
      return;
    case "approve":
    case "deny":
    case "take-back":
    case "hint":
      return decide(town, memory, requestOf(memory, checkout, act.which), act.type);
    case "refund":
      return refund(town, memory, act);
    case "policy":
      if (act.on) await town.wallet.running?.signPolicy(memory.person, policy);
      else await town.wallet.running?.endPolicies(memory.person);
      return;
    case "upkeep":
      return keep(town, act.party);
    case "restart":
      return town[act.party].restart();
    case "arrive":
      return town.network.deliverLate();
    case "wait":
      return town.wait(act.ms);
  }
}

async function create(town: Town, memory: Memory, wish: { readonly product: number; readonly quantity: number }): Promise<string | undefined> {
  const items = [{ product_id: productIds[wish.product], quantity: wish.quantity }];
  const made = await callTool(town, "create_checkout", { items });
  if (made?.checkoutId !== undefined) memory.checkouts.push(made.checkoutId);
  return made?.checkoutId;
}

async function buy(town: Town, memory: Memory, wish: Extract<Act, { type: "buy" }>, find: Find): Promise<void> {
  const checkout = await create(town, memory, wish);
  if (checkout === undefined) return;
  if (wish.by === "policy") await town.wallet.running?.signPolicy(memory.person, policy);
  await pay(town, memory, checkout, "person", find);
  await decide(town, memory, requestOf(memory, checkout, "newest"), "approve");
}

function requestOf(memory: Memory, checkout: string | undefined, which: "newest" | "first"): string | undefined {
  const known = memory.requests.get(checkout ?? "") ?? [];
  return known.at(which === "first" ? 0 : -1);
}

async function decide(town: Town, { person }: Memory, request: string | undefined, how: "approve" | "deny" | "take-back" | "hint"): Promise<void> {
  const wallet = town.wallet.running;
  if (wallet === undefined || request === undefined) return;
  if (how === "approve") await wallet.approve(request, person);
  if (how === "deny") await wallet.deny(request, person);
  if (how === "take-back") await wallet.takeBack(request, person);
  const event = how === "hint" ? await wallet.event(request) : undefined;
  if (event === undefined) return;
  const headers = { "content-type": "application/secevent+jwt" };
  await town.store.fetch(new Request(`${storeUrl}/webhooks/wallet`, { method: "POST", headers, body: event })).catch(() => undefined);
}

async function pay(town: Town, memory: Memory, checkout: string, as: "person" | "guest", find: Find): Promise<void> {
  const token = as === "person" ? await town.wallet.running?.token(memory.person) : undefined;
  const heard: Heard | undefined = await callTool(town, "pay", { checkout_id: checkout }, token);
  if (heard?.requestId !== undefined) {
    const known = memory.requests.get(checkout) ?? [];
    if (!known.includes(heard.requestId)) memory.requests.set(checkout, [...known, heard.requestId]);
  }
  if (heard?.receipt === undefined) return;
  if ((memory.receipts.get(checkout) ?? heard.receipt) !== heard.receipt) find("a checkout has two receipts");
  memory.receipts.set(checkout, heard.receipt);
}

async function refund(town: Town, memory: Memory, wish: Extract<Act, { type: "refund" }>): Promise<void> {
  const token = await town.wallet.running?.token(memory.person);
  const listed = await callTool(town, "list_orders", {}, token);
  const order = listed?.orders[wish.at % Math.max(1, listed.orders.length)];
  if (order === undefined) return;
  await callTool(town, "refund_order", { order_id: order, ...(wish.amount === null ? {} : { amount_minor: wish.amount }) }, token);
}

async function keep(town: Town, party: "store" | "bank" | "wallet"): Promise<void> {
  if (party === "store") await town.store.running?.recover();
  if (party === "wallet") await town.wallet.running?.upkeep();
  if (party === "bank" && town.bank.running !== undefined) await keepBank(town.bank.running);
}

/** Everybody works again: first for a few minutes, in which what can still be finished is, and then for as long as anything could have an end. */
async function close(town: Town, memory: Memory, find: Find): Promise<void> {
  town.network.begin(null);
  await town.network.deliverLate();
  await raise(town);
  await pass(town, 0);
  for (let round = 0; round < 3; round += 1) await pass(town, 61_000);
  judgeSoon(await readBooks(town, memory.person), new Set([...memory.requests.values()].flat()), find);
  for (const minutes of [20, 50, 1]) await pass(town, minutes * 60_000);
  const books = await readBooks(town, memory.person);
  judgeAlways(books, unitsEach * productIds.length, find);
  judgeInTheEnd(books, find);
}

async function pass(town: Town, ms: number): Promise<void> {
  town.wait(ms);
  await town.still();
  for (const party of ["wallet", "bank", "store"] as const) {
    await keep(town, party);
    await town.still();
  }
}
