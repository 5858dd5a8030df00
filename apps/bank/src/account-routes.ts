import { refuse } from "@countersign/protocol/errors";
import { exponentOf } from "@countersign/protocol/money";
import { err, ok } from "@countersign/protocol/result";
import { readJson } from "@countersign/service/body";
import { respondJson } from "@countersign/service/respond";
import type { Database } from "@countersign/storage/database";
import type { Hono } from "hono";
import { findFundsAccount, openFundsAccount, parseAccountRequest, viewAccount } from "./accounts.ts";
import type { Door } from "./door.ts";
import { readAccount } from "./journal.ts";
import { payableAccount } from "./move-names.ts";
import { readStatement } from "./statement.ts";
import type { BankTables } from "./tables.ts";

/** A wallet's accounts, opened, read, and their statements; and the statement of what the bank owes a payee. */
export function routeAccounts(app: Hono, door: Door, database: Database<BankTables>, openingBalance: number): void {
  app.put("/accounts/:id", (c) =>
    door(c.req.raw, "wallet", async (visit) => {
      const body = await readJson(visit.request);
      const request = body.ok ? parseAccountRequest(c.req.param("id"), body.value) : body;
      if (!request.ok) return request;
      const owner = visit.caller.client.clientId;
      const opened = await openFundsAccount(database, { ...request.value, owner, openingBalance }, visit.now);
      if (!opened.ok) return opened;
      visit.report({ event: "account_opened", clientId: owner, accountId: opened.value.id });
      return ok(respondJson(200, opened.value));
    }),
  );
  app.get("/accounts/:id", (c) =>
    door(c.req.raw, "wallet", async (visit) => {
      const row = await findFundsAccount(database, visit.caller.client.clientId, c.req.param("id"));
      return row === undefined ? err(refuse("unknown_account")) : ok(respondJson(200, viewAccount(row)));
    }),
  );
  app.get("/accounts/:id/statement", (c) =>
    door(c.req.raw, "wallet", async (visit) => {
      const row = await findFundsAccount(database, visit.caller.client.clientId, c.req.param("id"));
      return row === undefined
        ? err(refuse("unknown_account"))
        : ok(respondJson(200, await readStatement(database, row, visit.now, c.req.query("before"))));
    }),
  );
  app.get("/payable/:currency/statement", (c) =>
    door(c.req.raw, "payee", async (visit) => {
      const currency = c.req.param("currency");
      if (exponentOf(currency) === undefined) return err(refuse("unknown_account"));
      const empty = payableAccount(visit.caller.client.clientId, currency, visit.now);
      const row = (await readAccount(database, empty.id)) ?? empty;
      return ok(respondJson(200, await readStatement(database, row, visit.now, c.req.query("before"))));
    }),
  );
}
