import { readAccount } from "@countersign/bank/testing/town-bank";
import { readStore, type StoreFacts } from "@countersign/store/testing/town-store";
import { readLimits, readRequests, type RequestFact } from "@countersign/wallet/testing/town-books";
import { purse, type Town } from "./town.ts";

/** What was found that must not be, each a sentence. */
export type Find = (what: string) => void;

/** What the three parties have in their books at a moment when nobody is at work. */
export interface Books {
  readonly store: StoreFacts;
  readonly requests: readonly RequestFact[];
  readonly account: Awaited<ReturnType<typeof readAccount>>;
  readonly limits: Awaited<ReturnType<typeof readLimits>>;
}

/** Reads all books, past whoever is dead. */
export async function readBooks(town: Town, person: string): Promise<Books> {
  const wallet = town.wallet.ground.look<unknown>();
  return {
    store: await readStore(town.store.ground.look()),
    requests: await readRequests(wallet, Date.now()),
    account: await readAccount(town.bank.ground.look(), person),
    limits: await readLimits(wallet, person),
  };
}

const holdsGoods: ReadonlySet<string> = new Set(["awaiting_approval", "authorized", "completing"]);

/** What must hold at every moment. */
export function judgeAlways({ store, requests, account, limits }: Books, units: number, find: Find): void {
  const paid = account.payments.filter((payment) => payment.captured > 0);
  const charged = paid.map(({ id }) => store.captures.find((capture) => capture.paymentId === id)?.checkoutId);
  if (charged.includes(undefined)) find("the bank was paid for something that the store does not know of");
  if (new Set(charged).size < charged.length) find("a checkout was charged twice");
  if (new Set(account.payments.map(({ mandate }) => mandate)).size < account.payments.length) find("a mandate made two payments");
  for (const { id } of paid) {
    const redeemed = requests.find((request) => request.reference === id);
    if (redeemed?.written !== "redeemed") find(`${id} was charged and its mandate is ${redeemed?.written ?? "not redeemed for it"}`);
  }
  for (const order of store.orders) {
    const payment = paid.find(({ id }) => id === order.paymentId);
    if (payment?.captured !== order.total) find(`${order.id} over ${order.total} has ${payment?.captured ?? "nothing"} paid`);
  }
  if (new Set(store.orders.map(({ checkoutId }) => checkoutId)).size < store.orders.length) find("a checkout became two orders");
  const taken = account.payments.reduce((sum, { captured, refunded, held }) => sum + captured - refunded + held, 0);
  if (account.available !== undefined && account.available !== purse - taken)
    find(`the purse has ${account.available} after ${taken} of ${purse} went`);
  for (const { id, refunded } of paid) {
    const done = sumOf(store.refunds, id, ["done"]);
    const begun = sumOf(store.refunds, id, ["done", "pending"]);
    if (refunded < done || refunded > begun) find(`${refunded} were given back of ${id}, where ${done} were settled and ${begun} begun`);
  }
  judgeShelf(store, units, find);
  judgeLimits(requests, limits, find);
}

function sumOf(refunds: StoreFacts["refunds"], paymentId: string, states: readonly string[]): number {
  return refunds.reduce((sum, refund) => (refund.paymentId === paymentId && states.includes(refund.state) ? sum + refund.amount : sum), 0);
}

/** Stock is what there was, without what was sold and what waits in baskets. */
function judgeShelf({ stock, orders, checkouts, holding }: StoreFacts, units: number, find: Find): void {
  const sold = orders.reduce((sum, order) => sum + order.units, 0);
  if (stock.onHand !== units - sold) find(`${stock.onHand} units are there of ${units} after ${sold} were sold`);
  if (stock.reserved !== stock.held) find(`${stock.reserved} units are reserved, and baskets hold ${stock.held}`);
  for (const { id, status } of checkouts) {
    if (holdsGoods.has(status) !== holding.has(id)) find(`a checkout that is ${status} ${holding.has(id) ? "holds" : "lacks"} its goods`);
  }
}

/** Limits count what is approved or redeemed, and nothing else. */
function judgeLimits(requests: readonly RequestFact[], limits: Books["limits"], find: Find): void {
  for (const { written, reserved, amount } of requests) {
    const counts = written === "approved" || written === "redeemed";
    if (reserved !== (counts ? amount : 0)) find(`a request over ${amount} that is ${written} holds ${reserved} of the limits`);
  }
  for (const { bucket, used, reserved } of limits) if (used !== reserved) find(`${bucket} counts ${used}, and reservations add up to ${reserved}`);
}

/**
 * What must hold soon after everybody works again, while approvals are still good: who said yes to terms that the store still wants has an order, or a refusal,
 * and nobody is asked for what it does not want. `told`: requests that anybody outside heard of; one whose id was lost with the answer ends by itself.
 */
export function judgeSoon({ store, requests }: Books, told: ReadonlySet<string>, find: Find): void {
  for (const { id: requestId, checkoutId, checkoutHash, status } of requests) {
    const checkout = store.checkouts.find(({ id }) => id === checkoutId);
    const isWanted = checkout?.status === "awaiting_approval" && checkout.signedHash === checkoutHash;
    if (status === "approved" && isWanted) find("a payment was approved and nobody takes it");
    if ((status === "created" || status === "approved") && !isWanted && told.has(requestId))
      find(`a request that no checkout wants is left ${status}`);
  }
}

/** What must hold when everybody works again and time has passed. */
export function judgeInTheEnd({ store, requests, account }: Books, find: Find): void {
  for (const { status } of store.checkouts) if (!/^(?:completed|expired|canceled)$/.test(status)) find(`a checkout is left ${status}`);
  for (const { state } of store.captures) if (state === "pending") find("a capture is left pending");
  for (const { state } of store.refunds) if (state === "pending") find("a refund is left pending");
  for (const { id, paymentId, refunded } of store.orders) {
    const given = account.payments.find((payment) => payment.id === paymentId)?.refunded;
    if (refunded !== given) find(`${id} says ${refunded} were given back, and the bank gave ${given}`);
  }
  for (const request of store.withdrawals) find(`${request} is left to be withdrawn`);
  if (store.stock.reserved > 0) find(`${store.stock.reserved} units are left reserved`);
  for (const { written } of requests) if (written === "created" || written === "approved") find(`a request is left ${written}`);
  const paid = account.payments.filter(({ captured }) => captured > 0).map(({ id }) => id);
  const redeemed = requests.filter(({ written }) => written === "redeemed").map(({ reference }) => reference ?? "");
  const ordered = store.orders.map(({ paymentId }) => paymentId);
  for (const id of redeemed) if (!paid.includes(id)) find(`${id} is redeemed at the wallet and was not charged`);
  for (const { id, captured, refunded } of account.payments) {
    if (captured > refunded && !ordered.includes(id)) find(`${id} was charged and is neither an order nor given back`);
  }
  for (const { held } of account.payments) if (held > 0) find(`${held} are left set aside`);
}
