import { type Refusal, refuse } from "@countersign/protocol/errors";
import { mandateClaims, mandateEndsAt } from "@countersign/protocol/mandate";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import { findFundsAccount, openFundsAccount, viewAccount } from "../../src/accounts.ts";
import type { BankClient } from "../../src/clients.ts";
import { digestOf } from "../../src/digest.ts";
import { expireHolds } from "../../src/expire-holds.ts";
import type { FaultPoint } from "../../src/fault-point.ts";
import { recallAnswer, type WriteOutcome } from "../../src/idempotency.ts";
import { readPayment } from "../../src/make-payment.ts";
import { movePayment } from "../../src/move-payment.ts";
import { type PaymentView, viewPayment } from "../../src/payment.ts";
import { createRedemptions, type Redemptions } from "../../src/redeem-at-wallet.ts";
import { type RedeemParts, redeemMandate } from "../../src/redeem-mandate.ts";
import { sweep } from "../../src/sweep.ts";
import { type BankTables, migrations } from "../../src/tables.ts";
import type { WalletClient } from "../../src/wallet-client.ts";
import type { Ask } from "./model.ts";
import type { Fault } from "./some-history.ts";

const wallet = "https://wallet.test";
const payee: BankClient = { clientId: "store", jwksUri: "https://store.test/jwks", role: "payee" };
const clients: readonly BankClient[] = [payee, { clientId: wallet, jwksUri: `${wallet}/jwks`, role: "wallet", mandatesUri: `${wallet}/mandates` }];

/** A process died here. */
class Crash extends Error {}

/** A bank without its door: signatures are believed and everything behind them is real. It can be ended at any point and started again on its database. */
export class Stage {
  readonly #url: string;
  #database: Database<BankTables>;
  #parts: RedeemParts;
  #redemptions: Redemptions;
  now: number;
  fault: Fault | null = null;
  /** Redemptions at the wallet by request id. */
  readonly redeemed: Map<string, { reference: string; voided: boolean; captured?: number }> = new Map();

  private constructor(url: string, database: Database<BankTables>, now: number) {
    this.#url = url;
    this.#database = database;
    this.now = now;
    [this.#parts, this.#redemptions] = this.#assemble();
  }

  static async open(url: string, now: number): Promise<Stage> {
    return new Stage(url, await openDatabase<BankTables>({ url, schema: "bank", migrations }), now);
  }

  /** A database in memory outlives the process that it stands for; any other one is opened anew. */
  async restart(): Promise<void> {
    if (this.#url !== "memory:") {
      await this.#database.close();
      this.#database = await openDatabase<BankTables>({ url: this.#url, schema: "bank", migrations });
    }
    [this.#parts, this.#redemptions] = this.#assemble();
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  get database(): Database<BankTables> {
    return this.#database;
  }

  async openAccount(id: string, openingBalance: number): Promise<void> {
    const opened = await openFundsAccount(
      this.#database,
      { id, currency: "EUR", holder: id, subject: undefined, owner: wallet, openingBalance },
      this.now,
    );
    if (!opened.ok) throw new Error(opened.error.code);
  }

  async available(id: string): Promise<number> {
    const account = await findFundsAccount(this.#database, wallet, id);
    if (account === undefined) throw new Error("the account is gone");
    return viewAccount(account).available;
  }

  async payment(id: string): Promise<PaymentView | undefined> {
    const row = await readPayment(this.#database, id);
    return row && viewPayment(row, [], this.now);
  }

  /** Undefined when the process died of it, or the answer was lost. */
  async ask(
    ask: Ask,
    named: { readonly account: string; readonly mandate: string; readonly key: string; readonly issuedAt: number },
  ): Promise<string | undefined> {
    const paymentId = `pay_${named.mandate}`;
    const path = ask.kind === "pay" ? "/payments" : `/payments/${paymentId}/${ask.kind}`;
    const body = bodyOf(ask, named);
    const claim = { clientId: payee.clientId, key: named.key, digest: digestOf({ method: "POST", path, body }) };
    try {
      const recalled = await recallAnswer(this.#database, claim);
      if (!recalled.ok) return recalled.error.code;
      if (recalled.value !== undefined) return toldBy(ok({ outcome: "replayed", answer: recalled.value }));
      const outcome =
        ask.kind === "pay"
          ? await redeemMandate(this.#parts, { claim, body }, { client: payee, keyThumbprint: "k".repeat(43) }, this.now)
          : await movePayment(this.#parts, { claim, paymentId, move: moveOf(ask), currency: ask.kind === "void" ? undefined : "EUR" }, this.now);
      return this.fault === "reply" ? undefined : toldBy(outcome);
    } catch (error) {
      if (error instanceof Crash) return undefined;
      throw error;
    }
  }

  /** What a bank does by itself, until nothing is left to do. */
  async upkeep(): Promise<void> {
    await sweep(this.#database, this.now);
    for (;;) {
      const done = (await expireHolds(this.#parts, this.now, () => undefined)) + (await this.#redemptions.settle(this.now));
      if (done === 0) return;
    }
  }

  #assemble(): [RedeemParts, Redemptions] {
    const reach = (point: FaultPoint): void => {
      if (this.fault === point) throw new Crash(point);
    };
    const redemptions = createRedemptions({ database: this.#database, clients, wallet: this.#wallet(), reach });
    const mandates = {
      verify: async ({ mandate }: { readonly mandate: string }) => {
        const claims: ReturnType<typeof mandateClaims> = JSON.parse(mandate);
        return this.now >= mandateEndsAt(claims.iat) ? err(refuse("mandate_invalid", "expired")) : ok(claims);
      },
    };
    return [{ database: this.#database, reach, announce: async () => undefined, mandates, redemptions }, redemptions];
  }

  #wallet(): WalletClient {
    const away = err(refuse("unavailable"));
    return {
      redeem: async (_, { mandate, reference }) => {
        if (this.fault === "wallet-away") return away;
        const claims: { request_id: string } = JSON.parse(mandate);
        const known = this.redeemed.get(claims.request_id);
        if (known !== undefined && (known.voided || known.reference !== reference)) return err(refuse("mandate_spent"));
        this.redeemed.set(claims.request_id, { reference, voided: false });
        return this.fault === "wallet" ? away : ok(undefined);
      },
      void: async (_, { requestId, reference }) => {
        const known = this.redeemed.get(requestId);
        if (known?.reference === reference) known.voided = true;
        return ok(undefined);
      },
      settle: async (_, { requestId, reference, captured }) => {
        const known = this.redeemed.get(requestId);
        if (known === undefined || known.reference !== reference || known.voided || (known.captured ?? captured) !== captured) {
          throw new Error(`${captured} of ${requestId} is no end of ${JSON.stringify(known)}`);
        }
        known.captured = captured;
        return ok(undefined);
      },
    };
  }
}

function toldBy(outcome: Result<WriteOutcome, Refusal>): string {
  if (!outcome.ok) return outcome.error.code;
  const { status, body } = outcome.value.answer;
  const read: { code?: string } = JSON.parse(body);
  return read.code ?? String(status);
}

function moveOf(ask: Exclude<Ask, { kind: "pay" }>): Parameters<typeof movePayment>[1]["move"] {
  if (ask.kind === "captures") return { kind: "capture", amount: ask.amount, isFinal: ask.final };
  return ask.kind === "refunds" ? { kind: "refund", amount: ask.amount } : { kind: "void" };
}

function bodyOf(ask: Ask, named: { readonly account: string; readonly mandate: string; readonly issuedAt: number }): unknown {
  if (ask.kind !== "pay") return ask;
  const { amount, capture } = ask;
  const checkout = "h".repeat(43);
  const claims = mandateClaims({
    issuer: wallet,
    bank: "https://bank.test",
    subject: "usr_1",
    jti: named.mandate,
    issuedAt: named.issuedAt,
    keyThumbprint: "k".repeat(43),
    details: {
      type: "payment",
      payee: { id: payee.clientId, name: "Harbour Goods", website: "https://store.test" },
      amount,
      currency: "EUR",
      items: [{ name: "Mug", quantity: 1, amount }],
      checkout_id: "chk_1",
      checkout_version: 1,
      checkout_hash: checkout,
      payment_instrument: { type: "bank_account", id: named.account, description: "Bank account" },
    },
    evidence: "e".repeat(43),
    humanPresent: true,
    requestId: `pr_${named.mandate}`,
  });
  return { id: `pay_${named.mandate}`, mandate: JSON.stringify(claims), amount, currency: "EUR", checkout_hash: checkout, capture };
}
