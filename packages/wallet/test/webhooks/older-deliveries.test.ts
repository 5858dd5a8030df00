import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "@countersign/storage/open";
import { deliveriesOf } from "@countersign/storage/deliveries";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { walletMigrations } from "../../src/migrations.ts";
import { webhookMigration } from "../../src/webhooks/deliveries.ts";

test("an event that waited in a wallet of an older version is still delivered", async () => {
  const folder = mkdtempSync(join(tmpdir(), "wallet-"));
  const url = `file:${join(folder, "wallet.sqlite")}`;
  const older = walletMigrations.slice(0, walletMigrations.indexOf(webhookMigration) + 1);
  const before = await openDatabase<unknown>({ url, schema: "wallet", migrations: older });
  await sql`insert into webhook_deliveries values ('evt_1', 'store', 'pr_1', 3, 'approved', 7, 2, 9)`.execute(before.sql);
  await before.close();
  const after = await openDatabase<unknown>({ url, schema: "wallet", migrations: walletMigrations });
  const waiting = {
    event_id: "evt_1",
    target_id: "store",
    subject_id: "pr_1",
    sequence: 3,
    status: "approved",
    event_at: 7,
    attempts: 2,
    next_at: 9,
  };
  expect(await deliveriesOf(after).readDue("store", 9, 10)).toEqual([waiting]);
  await after.close();
  rmSync(folder, { recursive: true, force: true });
});
