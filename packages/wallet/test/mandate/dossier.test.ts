import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Secret } from "@countersign/protocol/secret";
import { openDatabase } from "@countersign/storage/open";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCommand } from "../../src/keep/commands.ts";
import { walletMigrations } from "../../src/migrations.ts";
import { paymentRequestKind } from "../../src/payment-requests/request.ts";
import { lodge } from "../peers/payments.ts";
import { Person, startWorld } from "../peers/world.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wallet-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a dossier holds what a dispute is decided by, and no mandate that can be used", async () => {
  const databaseUrl = pathToFileURL(join(folder, "wallet.sqlite")).href;
  const sealingKey = new Secret(randomBytes(32).toString("base64url"));
  const world = await startWorld({ databaseUrl, sealingKey });
  const { id, request, checkoutJwt } = await lodge(world, { scope: "orders:read" });
  const person = new Person(world);
  await person.usePasskey(await person.register(await person.browser.open(request.url)), "/approve");
  const mandate = String((await world.payee.call(`/payment-requests/${id}`)).body["mandate"]);
  await world.bank.ask("redeem", { mandate, reference: "pay_1" });
  await world.bank.ask("settle", { request_id: id, reference: "pay_1", captured: 4_000 });
  await world.close();

  const printed: string[] = [];
  const config = () => ({ data: folder, databaseUrl: new Secret(databaseUrl), sealingKey, otherSealingKeys: [] });
  expect(await runCommand(["dossier", id], config, (text) => printed.push(text))).toBe(0);
  const dossier: unknown = JSON.parse(printed.join(""));
  expect(dossier).toMatchObject({
    request_id: id,
    status: "redeemed",
    terms: { amount: 4_250, currency: "EUR" },
    checkout_jwt: checkoutJwt,
    checkout_hash: createHash("sha256").update(checkoutJwt).digest("base64url"),
    checkout_matches: true,
    history: [{ status: "created" }, { status: "approved" }, { status: "redeemed" }],
    redemption: { by: world.bank.url, reference: "pay_1", captured: 4_000 },
    mandate: { vct: "mandate.payment.1", request_id: id, payment_amount: { amount: 4_250, currency: "EUR" } },
    evidence: { signature: expect.any(String), preimage: expect.stringContaining(id) },
    evidence_matches: true,
  });
  expect(printed.join("")).not.toContain(mandate.split(".")[2]?.slice(0, 20));

  const database = await openDatabase<unknown>({ url: databaseUrl, schema: "wallet", migrations: walletMigrations });
  const requests = database.records(paymentRequestKind);
  const kept = await requests.get(id, Date.now());
  if (kept === undefined) throw new Error("the request is not kept");
  await requests.update(id, kept.version, { ...kept.value, checkoutJwt: `${checkoutJwt}A` });
  await database.close();
  printed.length = 0;
  expect(await runCommand(["dossier", id], config, (text) => printed.push(text))).toBe(0);
  expect(JSON.parse(printed.join(""))).toMatchObject({ checkout_matches: false, evidence_matches: true });
  expect(await runCommand(["dossier", "pr_none"], config, (text) => printed.push(text))).toBe(1);
});
