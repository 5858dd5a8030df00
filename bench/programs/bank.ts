// The bank as a process, with the keys of its clients at hand instead of on a network.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { start } from "@countersign/bank/main";
import { type BankTables, migrations } from "@countersign/bank/tables";
import { Secret } from "@countersign/protocol/secret";
import { member } from "@countersign/protocol/shape";
import { openDatabase } from "@countersign/storage/open";
import { findBookFaults } from "../measure/books.ts";
import { keysUrl, payeeId } from "../measure/payment-parties.ts";
import { runProgram } from "../measure/program.ts";
import { listen } from "./parts/listen.ts";

const openingBalance = 1_000_000_000;

async function judgeBooks(databaseUrl: string, acknowledged: number): Promise<readonly string[]> {
  const database = await openDatabase<BankTables>({ url: databaseUrl, schema: "bank", migrations });
  try {
    const [accounts, transfers, payments] = await Promise.all([
      database.sql.selectFrom("accounts").selectAll().execute(),
      database.sql.selectFrom("transfers").selectAll().execute(),
      database.sql.selectFrom("payments").selectAll().execute(),
    ]);
    return findBookFaults({ accounts, transfers, payments }, acknowledged);
  } finally {
    await database.close();
  }
}

await runProgram(async (options) => {
  const databaseUrl = String(options["databaseUrl"]);
  const server = createServer();
  const origin = await listen(server);
  const bank = await start({
    url: origin,
    listen: server,
    databaseUrl,
    sealingKey: new Secret(randomBytes(32).toString("base64url")),
    openingBalance,
    clients: [
      { clientId: payeeId, jwksUri: keysUrl(payeeId), role: "payee" },
      { clientId: String(options["walletIssuer"]), jwksUri: keysUrl("wallet"), role: "wallet" },
    ],
    fetch: async (input) => Response.json(member(options["keySets"], new Request(input).url)),
  });
  return {
    facts: { url: origin },
    perform: (task) => judgeBooks(databaseUrl, Number(member(task, "acknowledged"))),
    stop: () => bank.stop(),
  };
});
