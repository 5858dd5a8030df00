import { type BankTables, migrations } from "@countersign/bank/tables";
import { openDatabase } from "@countersign/storage/open";
import { findBookFaults } from "../../measure/books.ts";

/** Reads a bank's books beside the bank and says what is wrong with them, after so many captures were acknowledged. */
export async function judgeBank(databaseUrl: string, acknowledged: number): Promise<readonly string[]> {
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
