import { describe, expect, it } from "vitest";
import { type Books, findBookFaults } from "../measure/books.ts";

const counters = { debits_pending: 0, debits_posted: 0, credits_pending: 0, credits_posted: 0 };

/** 1,000 put into an account, 250 of it captured for a payee. */
const sound = {
  accounts: [
    { ...counters, id: "opening", may_overdraw: 1, debits_posted: 1000 },
    { ...counters, id: "funds", may_overdraw: 0, credits_posted: 1000, debits_posted: 250 },
    { ...counters, id: "payable", may_overdraw: 0, credits_posted: 250 },
  ],
  transfers: [
    { debit_account_id: "opening", credit_account_id: "funds", amount: 1000 },
    { debit_account_id: "funds", credit_account_id: "payable", amount: 250 },
  ],
  payments: [{ id: "pay_1", authorized: 250, captured: 250, refunded: 0 }],
} satisfies Books;

function withAccount(at: number, change: Partial<Books["accounts"][number]>): Books {
  return { ...sound, accounts: sound.accounts.map((account, index) => (index === at ? { ...account, ...change } : account)) };
}

describe("the judge of a bank's books", () => {
  it("finds nothing in sound books", () => {
    expect(findBookFaults(sound, 1)).toEqual([]);
  });

  it("I1 finds a ledger that does not sum to zero, and the account that differs from its transfers", () => {
    expect(findBookFaults(withAccount(2, { credits_posted: 251 }), 1)).toEqual(["payable differs from its transfers", "the ledger sums to 1"]);
  });

  it("I1 finds an account that is overdrawn", () => {
    const books = { ...withAccount(1, { credits_posted: 0 }), transfers: sound.transfers.slice(1) };
    expect(findBookFaults(books, 1)).toContain("funds is overdrawn");
  });

  it("I1 finds what was captured beyond its authorization or refunded beyond its capture", () => {
    for (const change of [{ captured: 251 }, { refunded: 251 }]) {
      const payments = sound.payments.map((payment) => ({ ...payment, ...change }));
      expect(findBookFaults({ ...sound, payments }, 1)).toEqual(["pay_1 moved more than was authorized"]);
    }
  });

  it("I1 finds what is still pending", () => {
    expect(findBookFaults(withAccount(1, { debits_pending: 1 }), 1)).toContain("funds has something pending");
  });

  it("I2 finds an acknowledged capture that is not there, and one that nobody acknowledged", () => {
    expect(findBookFaults(sound, 2)).toEqual(["1 payments for 2 acknowledged captures"]);
    expect(findBookFaults(sound, 0)).toEqual(["1 payments for 0 acknowledged captures"]);
  });
});
