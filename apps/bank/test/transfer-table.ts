import type { EpochMs } from "@countersign/protocol/brand";
import { type Account, availableOf, type TransferRequest, type TransferStatus } from "../src/ledger.ts";

/** Anything that keeps books. */
export interface Books {
  open(id: string, currency: string, mayOverdraw: boolean): Promise<void> | void;
  transfer(request: TransferRequest, now: EpochMs): Promise<TransferStatus> | TransferStatus;
  account(id: string): Promise<Account | undefined> | Account | undefined;
}

/**
 * Runs a table of bookkeeping in text and returns it with what really happened in the last column, so that a test compares two texts.
 *
 *     account  BANK EUR overdraw
 *     at       1000
 *     single   T1 BANK A 100 EUR            -> created
 *     pending  T2 A B 30 EUR until 2000     -> created
 *     post     T3 T2 20                     -> created
 *     void     T4 T2                        -> pending_transfer_already_posted
 *     balance  A                            -> debits 0+20 credits 0+100 available 80
 *
 * `debits 0+20` reads: nothing pending, 20 posted. An optional `for <reference>` ends a transfer.
 */
export async function runTransferTable(table: string, books: Books): Promise<string> {
  let now = 0;
  const out: string[] = [];
  for (const line of linesOf(table)) {
    const left = (line.split("->", 1)[0] ?? "").trim();
    const words = left.split(/\s+/);
    const [verb = "", first = "", second = ""] = words;
    if (verb === "at") {
      now = Number(first);
      out.push(left);
    } else if (verb === "account") {
      await books.open(first, second, words[3] === "overdraw");
      out.push(left);
    } else {
      out.push(`${left} -> ${verb === "balance" ? balanceLine(await books.account(first)) : await books.transfer(parseTransfer(words), now)}`);
    }
  }
  return out.join("\n");
}

/** The table as the runner prints it: one space around nothing but words. */
export function expectedLines(table: string): string {
  return linesOf(table)
    .map((line) => line.replace(/\s+->\s+/, " -> "))
    .join("\n");
}

function linesOf(table: string): readonly string[] {
  return table
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

function balanceLine(a: Account | undefined): string {
  if (a === undefined) return "no such account";
  return `debits ${a.debitsPending}+${a.debitsPosted} credits ${a.creditsPending}+${a.creditsPosted} available ${availableOf(a)}`;
}

function parseTransfer(words: readonly string[]): TransferRequest {
  const [verb, quotedId = "", second = "", third = ""] = words;
  const id = quotedId === '""' ? "" : quotedId;
  const reference = after(words, "for") ?? "";
  const until = after(words, "until");
  const expiresAt = until === undefined ? null : Number(until);
  if (verb === "single" || verb === "pending") {
    return {
      kind: verb,
      id,
      debitAccountId: second,
      creditAccountId: third,
      amount: Number(words[4]),
      currency: words[5] ?? "",
      reference,
      expiresAt,
    };
  }
  if (verb === "post" || verb === "void" || verb === "expire") {
    return { kind: verb, id, pendingId: second, amount: third === "" || third === "for" ? null : Number(third), reference };
  }
  throw new Error(`unknown verb in the table: ${verb}`);
}

function after(words: readonly string[], word: string): string | undefined {
  const at = words.indexOf(word);
  return at < 0 ? undefined : words[at + 1];
}
