// What the books of one capture cost the bare engine: the rows that an exactly-once capture cannot do without, in the bank's own tables.
import { createHash, randomUUID } from "node:crypto";
import { type BankTables, migrations } from "@countersign/bank/tables";
import { type JsonObject, member } from "@countersign/protocol/shape";
import { openDatabase } from "@countersign/storage/open";
import { runInside } from "../measure/inside.ts";
import { runProgram } from "../measure/program.ts";
import type { Sample } from "../measure/rounds.ts";
import { openRawDatabase, type RawDatabase, type Statement } from "./parts/raw-database.ts";

const amount = 1250;
const payers = 64;
const payable = "payable_EUR_store";

function openAccounts(): readonly Statement[] {
  const open = (id: string, kind: string, credit: number): Statement => ({
    text: `insert into accounts (id, kind, owner, holder, currency, may_overdraw, debits_pending, debits_posted, credits_pending, credits_posted, created_at)
      values (?, ?, 'bench', 'bench', 'EUR', 0, 0, 0, 0, ?, 0)`,
    values: [id, kind, credit],
  });
  return [open(payable, "payable", 0), ...Array.from({ length: payers }, (_, at) => open(`acc_${at}`, "funds", 1_000_000_000))];
}

function useAssertion(jti: string): Statement {
  return {
    text: "insert into client_assertions (client_id, jti, expires_at) values ('store', ?, ?) on conflict do nothing returning jti",
    values: [jti, Date.now() + 60_000],
  };
}

function bookCapture(jti: string, payer: string): readonly Statement[] {
  const now = Date.now();
  const digest = createHash("sha256").update(jti).digest("base64url");
  const body = JSON.stringify({
    id: `pay_${jti}`,
    status: "captured",
    amount,
    currency: "EUR",
    captured: amount,
    refunded: 0,
    payee: "store",
    created_at: now,
  });
  return [
    {
      text: "update accounts set debits_posted = debits_posted + ? where id = ? and credits_posted - debits_posted - debits_pending >= ? returning id",
      values: [amount, payer, amount],
    },
    {
      text: `insert into transfers (id, kind, debit_account_id, credit_account_id, amount, currency, pending_id, expires_at, reference, created_at)
        values (?, 'single', ?, ?, ?, 'EUR', null, null, ?, ?)`,
      values: [`capture_${jti}`, payer, payable, amount, jti, now],
    },
    {
      text: `insert into payments (id, mandate_issuer, mandate_jti, request_digest, payee, payer_account_id, currency, checkout_hash, authorized, captured, voided, refunded, created_at)
        values (?, 'wallet', ?, ?, 'store', ?, 'EUR', ?, ?, ?, 0, 0, ?)`,
      values: [`pay_${jti}`, jti, digest, payer, digest, amount, amount, now],
    },
    {
      text: "insert into idempotency_keys (client_id, key, request_digest, status, body, created_at) values ('store', ?, ?, 201, ?, ?)",
      values: [jti, digest, body, now],
    },
    // Last, because every capture for one payee meets in this row.
    { text: "update accounts set credits_posted = credits_posted + ? where id = ? returning id", values: [amount, payable] },
  ];
}

function measure(database: RawDatabase, task: JsonObject): Promise<Sample> {
  const durationMs = Number(member(task, "durationMs"));
  const inFlight = Number(member(task, "inFlight"));
  if (member(task, "operation") === "ping") {
    return runInside(durationMs, 1, async () => (await database.run({ text: "select 1 as one", values: [] })).length === 1);
  }
  let count = 0;
  return runInside(durationMs, inFlight, async () => {
    const jti = randomUUID();
    await database.run(useAssertion(jti));
    await database.transact(bookCapture(jti, `acc_${count++ % payers}`));
    return true;
  });
}

await runProgram(async (options) => {
  const url = String(options["databaseUrl"]);
  const database = await openDatabase<BankTables>({ url, schema: "bank", migrations });
  await database.close();
  const bare = openRawDatabase(url, "bank");
  await bare.transact(openAccounts());
  return { facts: {}, perform: (task) => measure(bare, task), stop: () => bare.close() };
});
