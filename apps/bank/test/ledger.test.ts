import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { availableOf, type TransferRequest, type TransferStatus, transferStatuses } from "../src/ledger.ts";
import { Book } from "./book.ts";
import { accountIds, someHistory, someMove, someResolution } from "./some-history.ts";
import { expectedLines, runTransferTable } from "./transfer-table.ts";
import { transferTables } from "./transfer-tables.ts";

describe("the ledger", () => {
  for (const [rule, table] of Object.entries(transferTables)) {
    test(rule, async () => {
      expect(await runTransferTable(table, new Book())).toBe(expectedLines(table));
    });
  }

  test("every status is given by some row of the tables", () => {
    const given = new Set(Object.values(transferTables).flatMap((table) => [...table.matchAll(/-> (\w+)$/gm)].map((match) => match[1])));
    expect(transferStatuses.filter((status) => !given.has(status))).toEqual([]);
  });
});

function newBook(): Book {
  const book = new Book();
  for (const id of accountIds) book.open(id, "EUR", id === "BANK");
  book.transfer(
    { kind: "single", id: "FUND", debitAccountId: "BANK", creditAccountId: "A", amount: 100, currency: "EUR", reference: "", expiresAt: null },
    0,
  );
  return book;
}

/** Plays a history with a clock that only goes forward, and shows each step to `watch`. */
function play(
  history: readonly (readonly [TransferRequest, number])[],
  watch: (book: Book, status: TransferStatus, request: TransferRequest, now: number) => void,
): Book {
  const book = newBook();
  let now = 0;
  for (const [request, elapsed] of history) {
    now += elapsed;
    watch(book, book.transfer(request, now), request, now);
  }
  return book;
}

describe("any history of transfers", () => {
  test("I1: debits equal credits, pending and posted", () => {
    fc.assert(
      fc.property(someHistory, (history) => {
        play(history, (book) => {
          const all = [...book.accounts.values()];
          const sum = (field: "debitsPending" | "debitsPosted" | "creditsPending" | "creditsPosted"): number =>
            all.reduce((total, account) => total + account[field], 0);
          expect(sum("debitsPosted")).toBe(sum("creditsPosted"));
          expect(sum("debitsPending")).toBe(sum("creditsPending"));
        });
      }),
    );
  });

  test("no account is overdrawn unless it may be, and no counter is negative", () => {
    fc.assert(
      fc.property(someHistory, (history) => {
        play(history, (book) => {
          for (const account of book.accounts.values()) {
            expect(account.mayOverdraw || availableOf(account) >= 0).toBe(true);
            expect(Math.min(account.debitsPending, account.debitsPosted, account.creditsPending, account.creditsPosted)).toBeGreaterThanOrEqual(0);
          }
        });
      }),
    );
  });

  test("a replay changes nothing and answers exists", () => {
    fc.assert(
      fc.property(someHistory, (history) => {
        play(history, (book, status, request, now) => {
          if (status !== "created") return;
          const before = book.snapshot();
          expect(book.transfer(request, now + 1_000)).toBe("exists");
          expect(book.snapshot()).toBe(before);
        });
      }),
    );
  });

  test("a refusal changes nothing", () => {
    fc.assert(
      fc.property(someHistory, someMove, someResolution, (history, move, resolution) => {
        const book = play(history, () => undefined);
        for (const request of [move, resolution]) {
          const before = book.snapshot();
          const status = book.transfer(request, 300);
          expect(book.snapshot() === before).toBe(status !== "created");
        }
      }),
    );
  });

  test("no pending transfer is resolved twice", () => {
    fc.assert(
      fc.property(someHistory, (history) => {
        const book = play(history, () => undefined);
        const resolved = [...book.journal.values()].flatMap((transfer) => transfer.pendingId ?? []);
        expect(new Set(resolved).size).toBe(resolved.length);
      }),
    );
  });
});
