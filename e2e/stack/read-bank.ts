import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** What the bank's own tables say, read beside the running bank. Amounts in minor units. */
export interface BankBooks {
  readonly payments: readonly {
    readonly id: string;
    readonly payee: string;
    readonly currency: string;
    readonly authorized: number;
    readonly captured: number;
    readonly refunded: number;
  }[];
  /** Sum of all posted credits less all posted debits, over all accounts. Zero, always (I1). */
  readonly imbalance: number;
}

/** Reads the books of a stack's bank from its data folder. */
export function readBank(folder: string): BankBooks {
  const db = new DatabaseSync(join(folder, "bank.sqlite"), { readOnly: true });
  try {
    const payments = db.prepare("select id, payee, currency, authorized, captured, refunded from payments order by created_at").all() as unknown[];
    const sum = db.prepare("select coalesce(sum(credits_posted), 0) - coalesce(sum(debits_posted), 0) as imbalance from accounts").get() as {
      imbalance: number;
    };
    return { payments: payments as BankBooks["payments"], imbalance: sum.imbalance };
  } finally {
    db.close();
  }
}
