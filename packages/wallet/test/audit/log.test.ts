import { clientAddressHeader } from "@countersign/service/client-address";
import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { auditRetentionMs, listAudit, networkOf, writeAudit } from "../../src/audit/log.ts";
import { walletMigrations } from "../../src/migrations.ts";
import { sweep } from "../../src/sweep.ts";
import { type Engine, engines } from "../peers/engines.ts";

const now = 1_800_000_000_000;

describe.each(engines)("the audit log on %s", (_name, start) => {
  let engine: Engine;
  let database: Database<unknown>;
  beforeAll(async () => {
    engine = await start();
    database = await openDatabase<unknown>({ url: await engine.newDatabase(), schema: "wallet", migrations: walletMigrations });
  });
  afterAll(async () => {
    await database.close();
    await engine.close();
  });

  test("gives the entries of one account, newest first, page by page, each once", async () => {
    for (let index = 0; index < 120; index += 1) {
      await writeAudit(database, { accountId: "usr_a", at: now + index }, { type: "policy_made", policyId: `p${index}` });
      if (index % 10 === 0) await writeAudit(database, { accountId: "usr_b", at: now + index }, { type: "signed_in" });
    }
    const seen: number[] = [];
    const sizes: number[] = [];
    let after: string | undefined;
    do {
      const page = await listAudit(database, "usr_a", now, after);
      expect(page.entries.every((entry) => entry.accountId === "usr_a")).toBe(true);
      seen.push(...page.entries.map((entry) => entry.at));
      sizes.push(page.entries.length);
      after = page.next;
    } while (after !== undefined);
    expect(sizes).toEqual([50, 50, 20]);
    expect(seen).toEqual(Array.from({ length: 120 }, (__, index) => now + 119 - index));
  });

  test("a position that somebody made up gives no entry of another account", async () => {
    await writeAudit(database, { accountId: "usr_c", at: now }, { type: "signed_in" });
    for (const after of ["0", "", "zzz", "../..", "x".repeat(600), "0000\0"]) {
      for (const entry of (await listAudit(database, "usr_c", now, after)).entries) expect(entry.accountId).toBe("usr_c");
    }
  });

  test("an entry is there only if the transaction of its fact is", async () => {
    const failed = database.transaction(async (tx) => {
      await writeAudit(tx, { accountId: "usr_tx", at: now }, { type: "name_changed" });
      throw new Error("undone");
    });
    await expect(failed).rejects.toThrow("undone");
    expect((await listAudit(database, "usr_tx", now)).entries).toEqual([]);
    await database.transaction((tx) => writeAudit(tx, { accountId: "usr_tx", at: now }, { type: "name_changed" }));
    expect((await listAudit(database, "usr_tx", now)).entries).toHaveLength(1);
  });

  test("an entry goes when it is 400 days old", async () => {
    await writeAudit(database, { accountId: "usr_old", at: now }, { type: "signed_in" });
    expect((await listAudit(database, "usr_old", now + auditRetentionMs - 1)).entries).toHaveLength(1);
    await sweep(database, now + auditRetentionMs);
    expect((await listAudit(database, "usr_old", now)).entries).toEqual([]);
  });

  test("an entry keeps the network of its request, not the address, and no field that its type does not have", async () => {
    const request = new Request("http://localhost/", { headers: { [clientAddressHeader]: "203.0.113.77", cookie: "wallet_session=canary" } });
    const event = { type: "signed_in", token: "canary" } as const;
    await writeAudit(database, { accountId: "usr_n", at: now, request }, event);
    const { entries } = await listAudit(database, "usr_n", now);
    expect(entries).toEqual([{ accountId: "usr_n", at: now, event: { type: "signed_in" }, from: "203.0.113.0/24" }]);
  });
});

test.each([
  ["203.0.113.77", "203.0.113.0/24"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["unknown", undefined],
  ["", undefined],
])("the network of %s is %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});
