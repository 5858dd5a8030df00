import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** How many of the wallet's payment requests are in each state, and how many other things a user has agreed to. */
export interface WalletBooks {
  /** Lodged by a shop: nobody has decided. */
  readonly undecided: number;
  readonly approved: number;
  readonly denied: number;
  readonly consents: number;
}

/** Reads a stack's wallet from its data folder, beside the running wallet. */
export function readWallet(folder: string): WalletBooks {
  const db = new DatabaseSync(join(folder, "wallet.sqlite"), { readOnly: true });
  try {
    const count = db.prepare(
      "select count(*) as count from records where kind = 'payment-request' and coalesce(json_extract(value, '$.decision.status'), 'undecided') = ?",
    );
    const of = (status: string): number => Number(count.get(status)?.["count"]);
    const consents = db.prepare("select count(*) as count from records where kind = 'consent'").get();
    return { undecided: of("undecided"), approved: of("approved"), denied: of("denied"), consents: Number(consents?.["count"]) };
  } finally {
    db.close();
  }
}
