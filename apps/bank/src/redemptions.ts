import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import type { BankTables, RedemptionRow } from "./tables.ts";

/**
 * What the bank may have redeemed at a wallet and has not brought to an end: written before the wallet is asked, gone in the transaction that captures, and
 * declined otherwise. A row that is declined is voided at the wallet, or settled when some of it was captured, and no capture takes it any more.
 */
export type Redemption = Omit<RedemptionRow, "state" | "next_at" | "captured">;

/** Notes that a mandate is about to be redeemed. `known`: that was noted before. `declined`: it was given up since, and is being voided. */
export async function startRedemption(database: Database<BankTables>, redemption: Redemption): Promise<"new" | "known" | "declined"> {
  const noted = await database.sql
    .insertInto("redemptions")
    .values({ ...redemption, state: "started", next_at: redemption.ends_at, captured: 0 })
    .onConflict((conflict) => conflict.doNothing())
    .returning("payment_id")
    .executeTakeFirst();
  if (noted !== undefined) return "new";
  return (await isDeclined(database, redemption.payment_id)) ? "declined" : "known";
}

/** Whether a redemption was given up. */
export async function isDeclined(database: Database<BankTables>, paymentId: string): Promise<boolean> {
  const row = await database.sql.selectFrom("redemptions").select("state").where("payment_id", "=", paymentId).executeTakeFirst();
  return row?.state === "declined";
}

/** Ends a redemption by the capture that it was for. False when it is not there, or declined: then nothing may be captured. */
export async function takeRedemption(tx: Database<BankTables>, paymentId: string): Promise<boolean> {
  const taken = await tx.sql
    .deleteFrom("redemptions")
    .where("payment_id", "=", paymentId)
    .where("state", "=", "started")
    .returning("payment_id")
    .executeTakeFirst();
  return taken !== undefined;
}

/** Gives a redemption up because of the state of the books; it is voided from now on. */
export async function declineRedemption(tx: Database<BankTables>, paymentId: string, now: EpochMs): Promise<void> {
  await tx.sql
    .updateTable("redemptions")
    .set({ state: "declined", next_at: now })
    .where("payment_id", "=", paymentId)
    .where("state", "=", "started")
    .execute();
}

/** Notes that no more than `captured` comes of a payment whose mandate was redeemed; its wallet is told from now on. */
export async function endMadeRedemption(tx: Database<BankTables>, redemption: Redemption, captured: number, now: EpochMs): Promise<void> {
  const ended = { state: "declined", next_at: now, captured } as const;
  await tx.sql
    .insertInto("redemptions")
    .values({ ...redemption, ...ended })
    .onConflict((conflict) => conflict.column("payment_id").doUpdateSet(ended))
    .execute();
}

/** Forgets a redemption: the wallet refused it, or has heard its end. */
export async function forgetRedemption(database: Database<BankTables>, paymentId: string): Promise<void> {
  await database.sql.deleteFrom("redemptions").where("payment_id", "=", paymentId).execute();
}

/**
 * Sorts what a crash or a silent wallet left behind: those started for payments that were made are dropped, those whose mandate nobody can use any more are declined.
 * Each in one statement, so that a capture that runs at the same time either finds its row or does not happen.
 */
export async function sortRedemptions(database: Database<BankTables>, now: EpochMs): Promise<void> {
  await database.sql
    .deleteFrom("redemptions")
    .where("state", "=", "started")
    .where("payment_id", "in", (query) => query.selectFrom("payments").select("id"))
    .execute();
  await database.sql
    .updateTable("redemptions")
    .set({ state: "declined", next_at: now })
    .where("state", "=", "started")
    .where("ends_at", "<=", now)
    .where("payment_id", "not in", (query) => query.selectFrom("payments").select("id"))
    .execute();
}

/** Declined redemptions of which their wallets are to be told, the longest due first. */
export async function readDeclined(database: Database<BankTables>, now: EpochMs, limit: number): Promise<readonly RedemptionRow[]> {
  return database.sql
    .selectFrom("redemptions")
    .selectAll()
    .where("state", "=", "declined")
    .where("next_at", "<=", now)
    .orderBy("next_at")
    .limit(limit)
    .execute();
}

export async function postponeEnd(database: Database<BankTables>, paymentId: string, nextAt: EpochMs): Promise<void> {
  await database.sql.updateTable("redemptions").set({ next_at: nextAt }).where("payment_id", "=", paymentId).execute();
}
