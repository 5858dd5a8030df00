import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import * as fc from "fast-check";
import { CompiledQuery } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { journalTransfer, moveMoney, readAccount } from "../src/journal.ts";
import { RaceLost } from "../src/race-lost.ts";
import { type BankTables, migrations } from "../src/tables.ts";
import { Book } from "./book.ts";
import { type Engine, engines } from "./engines.ts";
import { accountIds, someHistory } from "./some-history.ts";
import { expectSoundBooks, SqlBooks } from "./sql-books.ts";
import { expectedLines, runTransferTable } from "./transfer-table.ts";
import { transferTables } from "./transfer-tables.ts";

describe.each(engines)("the journal on %s", (_, start) => {
  let engine: Engine;
  let database: Database<BankTables>;
  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.close());

  async function inNewDatabase(work: (database: Database<BankTables>) => Promise<void>): Promise<void> {
    database = await openDatabase<BankTables>({ url: await engine.newDatabase(), schema: "bank", migrations });
    try {
      await work(database);
    } finally {
      await database.close();
    }
  }

  test.each(Object.entries(transferTables))("%s", async (__, table) => {
    await inNewDatabase(async (db) => {
      expect(await runTransferTable(table, new SqlBooks(db))).toBe(expectedLines(table));
      await expectSoundBooks(db);
    });
  });

  test("any history is answered as by the books in memory, and leaves sound books", async () => {
    await fc.assert(
      fc.asyncProperty(someHistory, async (history) => {
        await inNewDatabase(async (db) => {
          const [sql, memory] = [new SqlBooks(db), new Book()];
          for (const id of accountIds) {
            memory.open(id, "EUR", id === "BANK");
            await sql.open(id, "EUR", id === "BANK");
          }
          let now = 0;
          for (const [request, elapsed] of history) {
            now += elapsed;
            expect(await sql.transfer(request, now)).toBe(memory.transfer(request, now));
          }
          for (const id of accountIds) expect(await sql.account(id)).toEqual(memory.account(id));
          await expectSoundBooks(db);
        });
      }),
      { numRuns: 8 },
    );
  });

  test("50 parallel transfers from one account stop at its last unit", async () => {
    await inNewDatabase(async (db) => {
      const books = new SqlBooks(db);
      await runTransferTable("account BANK EUR overdraw\naccount A EUR\nsingle T BANK A 10 EUR -> created", books);
      const moves = Array.from({ length: 50 }, (__, n) =>
        books.transfer(
          { kind: "single", id: `T${n}`, debitAccountId: "A", creditAccountId: "BANK", amount: 1, currency: "EUR", reference: "", expiresAt: null },
          1,
        ),
      );
      const statuses = await Promise.all(moves);
      expect(statuses.filter((status) => status === "created")).toHaveLength(10);
      expect(statuses.filter((status) => status === "exceeds_available")).toHaveLength(40);
      await expectSoundBooks(db);
    });
  });

  test("50 parallel resolutions of one pending transfer are one", async () => {
    await inNewDatabase(async (db) => {
      const books = new SqlBooks(db);
      await runTransferTable("account BANK EUR overdraw\naccount A EUR\nsingle T BANK A 10 EUR\npending P A BANK 10 EUR until 100", books);
      const kinds = ["post", "void"] as const;
      const tries = Array.from({ length: 50 }, (__, n) => {
        const kind = kinds[n % 2] ?? "post";
        return books.transfer({ kind, id: `R${n}`, pendingId: "P", amount: kind === "post" ? 10 : null, reference: "" }, 1);
      });
      const statuses = await Promise.all(tries);
      expect(statuses.filter((status) => status === "created")).toHaveLength(1);
      expect(new Set(statuses).size).toBe(2);
      await expectSoundBooks(db);
    });
  });

  test.each([
    ["credits", { credits_posted: Number.MAX_SAFE_INTEGER }, "B"],
    ["debits", { debits_posted: 10 }, "A"],
    ["nothing", {}, undefined],
  ] as const)(
    "an account that is not held and was given %s since the decision cannot take an entry beyond its bounds",
    async (__, change, changed) => {
      await inNewDatabase(async (db) => {
        await runTransferTable(
          "account BANK EUR overdraw\naccount A EUR\naccount B EUR\nsingle T BANK A 10 EUR\nsingle U BANK B 10 EUR",
          new SqlBooks(db),
        );
        const [a, b] = [await readAccount(db, "A"), await readAccount(db, "B")];
        if (a === undefined || b === undefined) throw new Error("two accounts were opened");
        const request = {
          kind: "single",
          debitAccountId: "A",
          creditAccountId: "B",
          amount: 1,
          currency: "EUR",
          reference: "",
          expiresAt: null,
        } as const;
        const work = db.transaction(async (tx) => {
          const outcome = await journalTransfer(tx, { ...request, id: "V" }, 1, [a, b]);
          if (outcome.status !== "created") throw new Error(outcome.status);
          if (changed !== undefined) await tx.sql.updateTable("accounts").set(change).where("id", "=", changed).execute();
          await moveMoney(tx, outcome.entries);
        });
        const [ended] = await Promise.allSettled([work]);
        expect(ended.status === "rejected" && ended.reason instanceof RaceLost).toBe(changed !== undefined);
        const lines = await db.sql.selectFrom("transfers").select("id").where("id", "=", "V").execute();
        expect(lines).toHaveLength(changed === undefined ? 1 : 0);
        await expectSoundBooks(db);
      });
    },
  );

  test.each([
    ["an overdrawn account", "update accounts set debits_posted = 1 where id = 'A'"],
    ["a negative counter", "update accounts set credits_pending = -1 where id = 'BANK'"],
    ["more captured than authorized (P06)", "update payments set captured = 11"],
    ["captured and voided over authorized (P06)", "update payments set voided = 1"],
    ["less held than is left (P06)", "update payments set captured = 9"],
    ["money set aside without a hold (P06)", "update payments set captured = 9, held = 1"],
    ["a hold of nothing", "update payments set hold_id = 'h'"],
    ["more refunded than captured (P07)", "update payments set refunded = 11"],
    [
      "a mandate spent twice (P04)",
      "insert into payments (id, mandate_issuer, mandate_jti, request_digest, payee, payer_account_id, currency, checkout_hash, authorized, captured, voided, refunded, created_at) select 'p2', mandate_issuer, mandate_jti, request_digest, payee, payer_account_id, currency, checkout_hash, authorized, captured, voided, refunded, created_at from payments",
    ],
    ["a transfer to itself", "update transfers set credit_account_id = debit_account_id"],
    ["a transfer of nothing", "update transfers set amount = 0"],
  ])("%s is refused by the database itself", async (__, statement) => {
    await inNewDatabase(async (db) => {
      await runTransferTable("account BANK EUR overdraw\naccount A EUR\naccount B EUR\nsingle T BANK B 10 EUR", new SqlBooks(db));
      const payment = {
        id: "p1",
        mandate_issuer: "w",
        mandate_jti: "j",
        request_digest: "d",
        payee: "store",
        payer_account_id: "A",
        currency: "EUR",
        checkout_hash: "h",
        created_at: 0,
        held: 0,
        hold_id: null,
        expires_at: null,
        closed_by: null,
        changes: 0,
        mandate_request_id: null,
        payee_name: null,
        agent: null,
        human_present: null,
      };
      await db.sql
        .insertInto("payments")
        .values({ ...payment, authorized: 10, captured: 10, voided: 0, refunded: 0 })
        .execute();
      await expect(db.sql.executeQuery(CompiledQuery.raw(statement))).rejects.toMatchObject({ code: expect.stringMatching(/^(constraint|unique)$/) });
    });
  });
});
