import type { EpochMs } from "@countersign/protocol/brand";
import type { Secret } from "@countersign/protocol/secret";
import { createLogger } from "@countersign/service/log";
import type { Database } from "@countersign/storage/database";
import { type Bank, createBank } from "../src/bank.ts";
import type { BankTables } from "../src/tables.ts";
import { expectSoundBooks } from "../test/sql-books.ts";

export interface TownBankOptions {
  readonly url: string;
  readonly databaseUrl: string;
  readonly sealingKey: Secret;
  readonly payee: { readonly clientId: string; readonly jwksUri: string };
  readonly wallet: { readonly issuer: string; readonly mandatesUri: string };
  readonly openingBalance: number;
  readonly fetch: typeof fetch;
  readonly now: () => EpochMs;
}

/** A bank for one payee and one wallet, without a port. */
export function openTownBank(options: TownBankOptions): Promise<Bank> {
  const { payee, wallet } = options;
  return createBank({
    url: options.url,
    databaseUrl: options.databaseUrl,
    sealingKey: options.sealingKey,
    openingBalance: options.openingBalance,
    clients: [
      { clientId: payee.clientId, jwksUri: payee.jwksUri, role: "payee" },
      { clientId: wallet.issuer, jwksUri: `${wallet.issuer}/jwks`, role: "wallet", mandatesUri: wallet.mandatesUri },
    ],
    fetch: options.fetch,
    clock: options.now,
    logger: createLogger("bank", { level: "silent" }),
  });
}

/** What a bank does by itself, until nothing is left to do or nothing can be done now. */
export async function keepBank(bank: Bank): Promise<void> {
  await bank.sweep();
  for (let round = 0; round < 5; round += 1) {
    if ((await bank.expireHolds()) + (await bank.settleRedemptions()) === 0) return;
  }
}

/** A payment as the books have it; amounts in minor units. */
export interface PaymentFact {
  readonly id: string;
  readonly mandate: string;
  readonly captured: number;
  readonly refunded: number;
  readonly held: number;
}

/** The payments of one account, and what it has left. */
export async function readAccount(
  database: Database<BankTables>,
  holder: string,
): Promise<{ readonly available: number | undefined; readonly payments: readonly PaymentFact[] }> {
  const account = await database.sql.selectFrom("accounts").selectAll().where("subject", "=", holder).executeTakeFirst();
  if (account === undefined) return { available: undefined, payments: [] };
  const rows = await database.sql.selectFrom("payments").selectAll().where("payer_account_id", "=", account.id).execute();
  return {
    available: account.credits_posted - account.debits_posted - account.debits_pending,
    payments: rows.map(({ id, mandate_jti: mandate, captured, refunded, held }) => ({ id, mandate, captured, refunded, held })),
  };
}

export { expectSoundBooks };
