import { randomBytes } from "node:crypto";
import { Secret } from "@countersign/protocol/secret";
import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import { createSealer } from "@countersign/storage/sealed";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { listAudit } from "../../src/audit/log.ts";
import { loadKeys } from "../../src/keys.ts";
import { defaultLimits } from "../../src/limits/settings.ts";
import { walletMigrations } from "../../src/migrations.ts";
import { challengeKind } from "../../src/passkeys/challenges.ts";
import { credentialKind, credentialRecordId } from "../../src/passkeys/credentials.ts";
import { verifyRegistration } from "../../src/passkeys/relying-party.ts";
import { type ApprovalContext, type ApprovalParts, completeApproval, denyPayment, startApproval } from "../../src/payment-requests/approve.ts";
import { type PaymentRequest, paymentRequestKind } from "../../src/payment-requests/request.ts";
import { Authenticator } from "../peers/authenticator.ts";
import { checkout, storeResource } from "../peers/world.ts";

const party = { id: "wallet.example", name: "Wallet", origin: "https://wallet.example" };
const shown = { instrument: { type: "bank_account", id: "acc_1", description: "Bank ···· 1" }, displayDigest: "A".repeat(43) } as const;
const request: PaymentRequest = {
  payee: { id: "store", name: "Store", website: "https://store.example/" },
  terms: checkout,
  checkoutHash: "B".repeat(43),
  keyThumbprint: "C".repeat(43),
  createdAt: 0,
  expiresAt: 900_000,
  decision: null,
  outcome: null,
  sequence: 0,
  isAnnounced: false,
  checkoutJwt: null,
  buyer: null,
};

let database: Database<unknown>;
let parts: ApprovalParts;
beforeEach(async () => {
  database = await openDatabase<unknown>({ url: "memory:", schema: "wallet", migrations: walletMigrations });
  const sealer = createSealer({ current: "k1", keys: { k1: new Secret(randomBytes(32).toString("base64url")) } });
  const { signing } = await loadKeys(database, sealer, () => 0);
  parts = { database, sealer, party, signing, issuer: party.origin, bankOrigin: "https://bank.example", limits: defaultLimits, now: () => 1_000 };
  await database.records(paymentRequestKind).create("pr_1", request);
});
afterEach(() => database.close());

/** A user with a passkey who is about to approve `pr_1`. */
async function approver(accountId: string) {
  const authenticator = new Authenticator(party.origin);
  const made = await verifyRegistration(
    party,
    authenticator.create({ challenge: "AAAA", rp: { id: party.id }, user: { id: Buffer.from(accountId).toString("base64url") } }),
    "AAAA",
  );
  if (!made.ok) throw new Error("the passkey was refused");
  const value = { ...made.value, accountId, createdAt: 0, usedAt: 0 };
  await database.records(credentialKind).create(credentialRecordId(value.credentialId), value, { keys: { account: accountId } });
  const context: ApprovalContext = { requestId: "pr_1", accountId, clientId: "host", interactionUid: `uid-${accountId}`, channel: "same_device" };
  const started = await startApproval(parts, context, shown);
  if (!started.ok) throw new Error("the approval did not start");
  return { context, credential: authenticator.get(started.value) };
}

const stored = async () => (await database.records(paymentRequestKind).get("pr_1", 0))?.value;

async function change(changed: Partial<PaymentRequest>): Promise<void> {
  const record = await database.records(paymentRequestKind).get("pr_1", 0);
  await database.records(paymentRequestKind).update("pr_1", record?.version ?? 0, { ...request, ...changed });
}

describe("completeApproval", () => {
  test("approves what was shown, once", async () => {
    const { context, credential } = await approver("usr_a");
    expect(await completeApproval(parts, context, credential, (digest) => digest === shown.displayDigest)).toEqual({ ok: true, value: undefined });
    expect((await stored())?.decision).toMatchObject({ status: "approved", accountId: "usr_a" });
    expect(await completeApproval(parts, context, credential, () => true)).toMatchObject({ ok: false, error: { code: "challenge_expired" } });
  });

  test("of two users whose answers are verified at the same time one approves", async () => {
    const both = [await approver("usr_a"), await approver("usr_b")];
    const { promise: bothArrived, resolve } = Promise.withResolvers<void>();
    let arrived = 0;
    const slow: Database<unknown> = Object.assign(Object.create(database), {
      async transaction(work: Parameters<Database<unknown>["transaction"]>[0]) {
        arrived += 1;
        if (arrived === both.length) resolve();
        await bothArrived;
        return database.transaction(work);
      },
      records: database.records.bind(database),
    });
    const outcomes = await Promise.all(
      both.map(({ context, credential }) => completeApproval({ ...parts, database: slow }, context, credential, () => true)),
    );
    expect(arrived).toBe(2);
    expect(outcomes.filter((each) => each.ok)).toHaveLength(1);
    expect(outcomes.find((each) => !each.ok)).toMatchObject({ error: { code: "conflict" } });
  });

  test("L04 an answer whose challenge was spent after it was verified approves nothing", async () => {
    const { context, credential } = await approver("usr_a");
    const spending: Database<unknown> = Object.assign(Object.create(database), {
      async transaction(work: Parameters<Database<unknown>["transaction"]>[0]) {
        for (const { id } of await database.records(challengeKind).scan(undefined, 10)) await database.records(challengeKind).consume(id, 1_000);
        return database.transaction(work);
      },
      records: database.records.bind(database),
    });
    const late = await completeApproval({ ...parts, database: spending }, context, credential, () => true);
    expect(late).toMatchObject({ ok: false, error: { code: "challenge_expired" } });
    expect((await stored())?.decision).toBeNull();
  });

  test.each([
    ["payee", { payee: { ...request.payee, id: "other" } }],
    ["payee's name", { payee: { ...request.payee, name: "Other" } }],
    ["amount", { terms: { ...checkout, amount: 1, items: [{ name: "Mug", quantity: 1, amount: 1 }] } }],
    ["currency", { terms: { ...checkout, currency: "USD" } }],
    ["items", { terms: { ...checkout, items: [{ name: "Gold", quantity: 1, amount: checkout.amount }] } }],
    ["checkout", { checkoutHash: "D".repeat(43) }],
    ["version", { terms: { ...checkout, version: 2 } }],
    ["resource", { terms: { ...checkout, resource: `${storeResource}/other` } }],
  ])("L18 W08 P01 another %s than the challenge commits to is a mismatch", async (_name, changed) => {
    const { context, credential } = await approver("usr_a");
    await change(changed);
    expect(await completeApproval(parts, context, credential, () => true)).toMatchObject({ ok: false, error: { code: "consent_mismatch" } });
    expect((await stored())?.decision).toBeNull();
  });

  test("W08 another client or request than the challenge commits to is a mismatch", async () => {
    await database.records(paymentRequestKind).create("pr_2", request);
    for (const changed of [{ clientId: "other" }, { requestId: "pr_2" }]) {
      const { context, credential } = await approver(`usr_${JSON.stringify(changed).length}`);
      expect(await completeApproval(parts, { ...context, ...changed }, credential, () => true)).toMatchObject({
        ok: false,
        error: { code: "consent_mismatch" },
      });
    }
  });

  test("a failed verification spends the challenge", async () => {
    const { context, credential } = await approver("usr_a");
    const broken = { ...credential, response: { ...credential.response, signature: "AAAA" } };
    expect(await completeApproval(parts, context, broken, () => true)).toMatchObject({ ok: false, error: { code: "passkey_refused" } });
    expect(await completeApproval(parts, context, credential, () => true)).toMatchObject({ ok: false, error: { code: "challenge_expired" } });
  });

  test("a form of another page does not complete it", async () => {
    const { context, credential } = await approver("usr_a");
    expect(await completeApproval(parts, context, credential, () => false)).toMatchObject({ ok: false, error: { code: "forbidden_origin" } });
    expect((await stored())?.decision).toBeNull();
  });

  test.each([
    ["denied", () => denyPayment(database, "pr_1", "usr_b", 1_000), "conflict"],
    ["expired", () => change({ expiresAt: 1_000 }), "payment_request_expired"],
    ["gone", () => database.records(paymentRequestKind).delete("pr_1"), "not_found"],
  ] as const)("P16 a request that was %s meanwhile is not approved", async (_name, meanwhile, code) => {
    const { context, credential } = await approver("usr_a");
    await meanwhile();
    expect(await completeApproval(parts, context, credential, () => true)).toMatchObject({ ok: false, error: { code } });
  });

  test("P16 an approved request is not denied, and a denied one not approved or denied again", async () => {
    const { context, credential } = await approver("usr_a");
    await completeApproval(parts, context, credential, () => true);
    expect(await denyPayment(database, "pr_1", "usr_a", 1_000)).toMatchObject({ ok: false, error: { code: "conflict" } });
    await change({ decision: { status: "denied", at: 1, accountId: "usr_a" } });
    expect(await denyPayment(database, "pr_1", "usr_a", 1_000)).toMatchObject({ ok: false, error: { code: "conflict" } });
    expect(await startApproval(parts, context, shown)).toMatchObject({ ok: false, error: { code: "conflict" } });
  });

  test("L11 P13 a payment over a limit is not approved: request and sums stay as they were, the log says so, and the challenge is spent", async () => {
    const { context, credential } = await approver("usr_a");
    const tight = { ...defaultLimits, limits: { EUR: { payment: 4_249, otherDevice: 0, day: 9_000, month: 9_000, payee: 9_000 } } };
    expect(await completeApproval({ ...parts, limits: tight }, context, credential, () => true)).toEqual({
      ok: false,
      error: { code: "over_limit", detail: "payment" },
    });
    expect((await stored())?.decision).toBeNull();
    expect((await listAudit(database, "usr_a", 1_000)).entries).toMatchObject([
      { event: { type: "payment_over_limit", requestId: "pr_1", payeeName: "Store", amount: 4_250, currency: "EUR" } },
    ]);
    expect(await completeApproval(parts, context, credential, () => true)).toMatchObject({ ok: false, error: { code: "challenge_expired" } });
    const again = await approver("usr_a2");
    expect(await completeApproval(parts, again.context, again.credential, () => true)).toEqual({ ok: true, value: undefined });
    expect((await listAudit(database, "usr_a2", 1_000)).entries).toMatchObject([
      { event: { type: "payment_approved", requestId: "pr_1", payeeName: "Store", amount: 4_250, currency: "EUR" } },
    ]);
  });

  test("on another device less may be approved", async () => {
    const lower = { ...defaultLimits, limits: { EUR: { payment: 5_000, otherDevice: 4_249, day: 9_000, month: 9_000, payee: 9_000 } } };
    const { context, credential } = await approver("usr_a");
    expect(await completeApproval({ ...parts, limits: lower }, { ...context, channel: "other_device" }, credential, () => true)).toMatchObject({
      ok: false,
      error: { code: "over_limit", detail: "otherDevice" },
    });
    const again = await approver("usr_a2");
    expect(await completeApproval({ ...parts, limits: lower }, again.context, again.credential, () => true)).toMatchObject({ ok: true });
  });
});
