import { availableOf, type TransferRequest } from "../src/ledger.ts";
import { Book } from "./book.ts";

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
export function runTransferTable(table: string): string {
  const book = new Book();
  let now = 0;
  const lines = table.split("\n").map((line) => line.trim());
  const out = lines
    .filter((line) => line !== "")
    .map((line) => {
      const [left = ""] = line.split("->");
      const words = left.trim().split(/\s+/);
      const [verb = "", first = ""] = words;
      if (verb === "at") {
        now = Number(first);
        return left.trim();
      }
      if (verb === "account") {
        book.open(first, words[2] ?? "", words[3] === "overdraw");
        return left.trim();
      }
      return `${left.trim()} -> ${verb === "balance" ? balanceLine(book, first) : book.transfer(parseTransfer(words), now)}`;
    });
  return out.join("\n");
}

/** The table as the runner prints it: one space around nothing but words. */
export function expectedLines(table: string): string {
  const lines = table.split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "")
    .map((line) => line.replace(/\s+->\s+/, " -> "))
    .join("\n");
}

function balanceLine(book: Book, id: string): string {
  const a = book.accounts.get(id);
  if (a === undefined) return "no such account";
  return `debits ${a.debitsPending}+${a.debitsPosted} credits ${a.creditsPending}+${a.creditsPosted} available ${availableOf(a)}`;
}

function parseTransfer(words: readonly string[]): TransferRequest {
  const [verb, quotedId = "", second = "", third = ""] = words;
  const id = quotedId === '""' ? "" : quotedId;
  const reference = after(words, "for") ?? "";
  const until = after(words, "until");
  const expiresAt = until === undefined ? null : Number(until);
  switch (verb) {
    case "single":
    case "pending":
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
    case "post":
    case "void":
    case "expire":
      return { kind: verb, id, pendingId: second, amount: third === "" || third === "for" ? null : Number(third), reference };
    default:
      throw new Error(`unknown verb in the table: ${verb}`);
  }
}

function after(words: readonly string[], word: string): string | undefined {
  const at = words.indexOf(word);
  return at < 0 ? undefined : words[at + 1];
}
