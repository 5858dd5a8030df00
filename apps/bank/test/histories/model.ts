import { mandateEndsAt } from "@countersign/protocol/mandate";

/** A write that a payee asks for. `order` is one of a history's mandates. */
export type Ask =
  | { readonly kind: "pay"; readonly order: number; readonly amount: number; readonly capture: boolean }
  | { readonly kind: "captures"; readonly order: number; readonly amount: number; readonly final: boolean }
  | { readonly kind: "refunds"; readonly order: number; readonly amount: number }
  | { readonly kind: "void"; readonly order: number };

/** `201` and `200`: done now or before. Everything else is a refusal's code. */
export type Told = string;

/** The sums of a payment as a person would keep them on paper. */
export interface PaperPayment {
  readonly amount: number;
  readonly capture: boolean;
  readonly endsAt: number;
  captured: number;
  refunded: number;
  held: number;
}

interface PaperOrder {
  payment: PaperPayment | undefined;
  /** Its payment was declined by the books, and its mandate is given up. */
  isDead: boolean;
}

const holdMs = 7 * 86_400_000;
const answerMs = 72 * 3_600_000;

/** What a bank must say and hold, kept in the simplest way: one purse, some orders, the answers by key. It shares no code with the bank. */
export class Paper {
  purse: number;
  readonly orders: readonly PaperOrder[];
  readonly #answers: Map<string, { ask: string; told: Told; at: number }> = new Map();
  /** The key of a move that was made, with the order's number before it: known for ever. */
  readonly #moves: Map<string, string> = new Map();
  readonly #issuedAt: number;

  constructor(purse: number, orderCount: number, issuedAt: number) {
    this.purse = purse;
    this.orders = Array.from({ length: orderCount }, () => ({ payment: undefined, isDead: false }));
    this.#issuedAt = issuedAt;
  }

  /** What the bank must answer, having done what it says. */
  ask(ask: Ask, key: string, now: number): Told {
    this.expire(now);
    const known = this.#answers.get(key);
    if (known !== undefined) return known.ask === JSON.stringify(ask) ? known.told : "idempotency_conflict";
    const move = this.#moves.get(`${ask.order} ${key}`);
    if (move !== undefined && ask.kind !== "pay") return move === JSON.stringify(ask) ? "200" : "idempotency_conflict";
    const order = this.orders[ask.order];
    if (order === undefined) throw new Error("no such order");
    const isJudged = order.payment !== undefined || (ask.kind === "pay" && !order.isDead && now < mandateEndsAt(this.#issuedAt));
    const told = ask.kind === "pay" ? this.#pay(order, ask, now) : this.#move(order.payment, ask);
    // What was refused before the books were looked at is not kept.
    if (isJudged) this.#answers.set(key, { ask: JSON.stringify(ask), told, at: now });
    if (told === "200") this.#moves.set(`${ask.order} ${key}`, JSON.stringify(ask));
    return told;
  }

  /** Answers older than 72 hours are no longer kept. */
  sweep(now: number): void {
    for (const [key, { at }] of this.#answers) if (at <= now - answerMs) this.#answers.delete(key);
  }

  /** What is due is over, whether or not anybody says so. */
  expire(now: number): void {
    for (const { payment } of this.orders) {
      if (payment === undefined || now < payment.endsAt) continue;
      this.purse += payment.held;
      payment.held = 0;
    }
  }

  #pay(order: PaperOrder, ask: Extract<Ask, { kind: "pay" }>, now: number): Told {
    const { payment } = order;
    if (payment !== undefined) return payment.amount === ask.amount && payment.capture === ask.capture ? "201" : "mandate_spent";
    if (now >= mandateEndsAt(this.#issuedAt)) return "mandate_invalid";
    if (order.isDead) return "mandate_spent";
    if (ask.amount > this.purse) {
      order.isDead = true;
      return "insufficient_funds";
    }
    this.purse -= ask.amount;
    const { amount, capture } = ask;
    order.payment = { amount, capture, endsAt: now + holdMs, captured: capture ? amount : 0, refunded: 0, held: capture ? 0 : amount };
    return "201";
  }

  #move(payment: PaperPayment | undefined, ask: Exclude<Ask, { kind: "pay" }>): Told {
    if (payment === undefined) return "unknown_payment";
    if (ask.kind === "refunds") {
      const left = payment.captured - payment.refunded;
      if (ask.amount > left) return left === 0 ? "payment_closed" : "exceeds_payment";
      payment.refunded += ask.amount;
      this.purse += ask.amount;
      return "200";
    }
    if (payment.held === 0) return "payment_closed";
    const amount = ask.kind === "captures" ? ask.amount : 0;
    if (amount > payment.held) return "exceeds_payment";
    payment.captured += amount;
    payment.held -= amount;
    if (ask.kind === "void" || ask.final) {
      this.purse += payment.held;
      payment.held = 0;
    }
    return "200";
  }
}
