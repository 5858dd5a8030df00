import { randomBytes } from "node:crypto";
import { policyLifeMaxMs, type PolicyTerms } from "@countersign/protocol/policy";
import { ok } from "@countersign/protocol/result";
import { Secret } from "@countersign/protocol/secret";
import { member } from "@countersign/protocol/shape";
import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import { createSealer, type Sealer } from "@countersign/storage/sealed";
import { decodeJwt } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { accountKind } from "../../src/accounts.ts";
import { listAudit } from "../../src/audit/log.ts";
import { consentKind } from "../../src/authorize/consents.ts";
import { loadKeys } from "../../src/keys.ts";
import type { WalletResource } from "../../src/options.ts";
import { usedOf } from "../../src/limits/reserve.ts";
import { defaultLimits } from "../../src/limits/settings.ts";
import { walletMigrations } from "../../src/migrations.ts";
import { readDossier } from "../../src/mandate/dossier.ts";
import { denyPayment } from "../../src/payment-requests/approve.ts";
import { evidenceKind, mandateBinding, recordApproval } from "../../src/payment-requests/record-approval.ts";
import { findReceipt } from "../../src/payment-requests/receipts.ts";
import { approvedRetentionMs, type PaymentRequest, paymentRequestKind } from "../../src/payment-requests/request.ts";
import { autoApprove, type AutoApproveParts } from "../../src/policies/auto-approve.ts";
import { isDeniedDeal } from "../../src/policies/denied-deals.ts";
import { rememberPayee } from "../../src/policies/known-payees.ts";
import { endPolicy, isLive, makePolicy, policiesOf, policyKind } from "../../src/policies/policies.ts";
import { type Engine, engines } from "../peers/engines.ts";
import { checkout, storeResource } from "../peers/world.ts";

const now = Date.UTC(2026, 2, 28, 12);
const payee = { id: "store", name: "Store", website: "https://store.example/" };
const request: PaymentRequest = {
  payee,
  terms: checkout,
  checkoutHash: "B".repeat(43),
  keyThumbprint: "C".repeat(43),
  createdAt: now,
  expiresAt: now + 900_000,
  decision: null,
  outcome: null,
  sequence: 0,
  isAnnounced: false,
  checkoutJwt: null,
  buyer: null,
};
const resources: readonly WalletResource[] = [
  { resource: storeResource, name: "Store", client_id: "store", scopes: {} },
  { resource: "https://elsewhere.example/mcp", name: "Store", client_id: "store", scopes: {} },
  { resource: "https://other.example/mcp", name: "Other", client_id: "other", scopes: {} },
  { resource: "https://nobody.example/mcp", name: "Nobody's", scopes: {} },
];
const terms: PolicyTerms = { payeeIds: ["store"], currency: "EUR", ceiling: 4_250, budget: 12_750, period: "month", expiresAt: now + 86_400_000 };
const evidence = { credential_id: "c", public_key: "p", client_data_json: "d", authenticator_data: "a", signature: "s", preimage: "{}" };

describe.each(engines)("a policy on %s", (_name, startEngine) => {
  let engine: Engine;
  let database: Database<unknown>;
  let sealer: Sealer;
  let parts: AutoApproveParts;
  let available: number;
  let policyId: string;
  beforeAll(async () => {
    engine = await startEngine();
  });
  afterAll(() => engine.close());
  beforeEach(async () => {
    database = await openDatabase<unknown>({ url: await engine.newDatabase(), schema: "wallet", migrations: walletMigrations });
    sealer = createSealer({ current: "k1", keys: { k1: new Secret(randomBytes(32).toString("base64url")) } });
    const { signing } = await loadKeys(database, sealer, () => now);
    available = 1_000_000;
    parts = {
      approval: {
        database,
        sealer,
        signing,
        issuer: "https://wallet.example",
        bankOrigin: "https://bank.example",
        limits: defaultLimits,
        now: () => now,
      },
      resources: { find: (resource) => resources.find((each) => each.resource === resource) },
      bank: { openAccount: async ({ currency }) => ok({ id: "acc_1", currency, available, description: "Bank ···· 1" }) },
    };
    await database.records(accountKind).put("usr_a", { displayName: "Ada", createdAt: 0 });
    await link(storeResource, "https://other.example/mcp", "https://nobody.example/mcp");
    await rememberPayee(database, { accountId: "usr_a", payee, keyThumbprint: request.keyThumbprint }, now);
    policyId = await make(terms);
  });
  afterEach(() => database.close());

  async function link(...linked: readonly string[]): Promise<void> {
    const scopes = Object.fromEntries(linked.map((resource) => [resource, ["orders:read"]]));
    const value = { accountId: "usr_a", clientId: "host", scopes, openid: [] };
    await database.records(consentKind).put("consent", value, { keys: { account: "usr_a" } });
  }
  async function make(signed: PolicyTerms): Promise<string> {
    const made = await makePolicy({ database, sealer }, { accountId: "usr_a", terms: signed, payees: [payee], evidence }, now, async () =>
      ok(undefined),
    );
    if (!made.ok) throw new Error("the policy was refused");
    return made.value;
  }
  async function lodge(id: string, change: Partial<PaymentRequest> = {}): Promise<string> {
    await database.records(paymentRequestKind).create(id, { ...request, ...change });
    return id;
  }
  const decisionOf = async (id: string) => (await database.records(paymentRequestKind).get(id, now))?.value.decision ?? null;

  test("L12 approves a covered payment at once, and the mandate says that nobody was present", async () => {
    expect(await autoApprove(parts, await lodge("pr_1"), "usr_a")).toBe(true);
    const decision = await decisionOf("pr_1");
    expect(decision).toMatchObject({ status: "approved", accountId: "usr_a" });
    const sealed = String(member(decision, "sealedMandate"));
    const mandate = sealer.open(sealed, mandateBinding("pr_1"));
    expect(decodeJwt(mandate.ok ? mandate.value : "")).toMatchObject({ sub: "usr_a", human_present: false, payment_amount: { amount: 4_250 } });
    expect((await listAudit(database, "usr_a", now)).entries.map((entry) => entry.event)).toContainEqual({
      type: "payment_auto_approved",
      requestId: "pr_1",
      payeeName: "Store",
      amount: 4_250,
      currency: "EUR",
    });
    expect(await findReceipt(database, "usr_a", "pr_1", now)).toMatchObject({ amount: 4_250, humanPresent: false });
    expect(await autoApprove(parts, "pr_1", "usr_a")).toBe(false);
  });

  test("L04 P13 of 10 parallel payments as many are approved as its budget holds", async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, (_, index) => lodge(`pr_${index}`)));
    await Promise.all(ids.map((id) => autoApprove(parts, id, "usr_a")));
    // Some gave way to each other and are asked again, as a payee does that lodges again.
    for (const id of ids) await autoApprove(parts, id, "usr_a");
    const decisions = await Promise.all(ids.map(decisionOf));
    expect(decisions.filter((each) => each?.status === "approved")).toHaveLength(3);
    const bucket = `policy:${policyId}:2026-03`;
    expect(await usedOf(database, "usr_a", [{ limit: "budget", bucket, ceiling: 0, expiresAt: 0 }])).toEqual(new Map([[bucket, 12_750]]));
    expect((await database.records(policyKind).get(policyId, now))?.value.uses).toBe(3);
  });

  test("approves no refund, whose terms it would cover", async () => {
    const refund = await lodge("pr_1", { terms: { ...checkout, refund_of: "ord_1" }, buyer: "usr_a" });
    expect(await autoApprove(parts, refund, "usr_a")).toBe(false);
    expect(await decisionOf("pr_1")).toBeNull();
    expect(await autoApprove(parts, await lodge("pr_2"), "usr_a")).toBe(true);
  });

  test("a no to money that comes back is no no to paying for the same", async () => {
    const refund = { terms: { ...checkout, refund_of: "ord_1" }, buyer: "usr_a" };
    expect(await denyPayment(database, await lodge("pr_back", refund), "usr_a", now)).toEqual({ ok: true, value: undefined });
    expect(await decisionOf("pr_back")).toMatchObject({ status: "denied" });
    expect(await isDeniedDeal(database, "usr_a", request, now)).toBe(false);
    expect(await autoApprove(parts, await lodge("pr_1"), "usr_a")).toBe(true);
  });

  test("once it is ended it approves nothing", async () => {
    expect(await endPolicy(database, "usr_b", policyId, now)).toMatchObject({ ok: false, error: { code: "not_found" } });
    expect(await endPolicy(database, "usr_a", policyId, now)).toEqual({ ok: true, value: undefined });
    expect(await endPolicy(database, "usr_a", policyId, now)).toEqual({ ok: true, value: undefined });
    expect(await autoApprove(parts, await lodge("pr_1"), "usr_a")).toBe(false);
    const events = (await listAudit(database, "usr_a", now)).entries.map((entry) => entry.event.type);
    expect(events.filter((type) => type === "policy_ended")).toHaveLength(1);
  });

  test("one that is ended between judging and approving approves nothing", async () => {
    const answering = parts.bank;
    const bank: AutoApproveParts["bank"] = {
      openAccount: async (account) => {
        await endPolicy(database, "usr_a", policyId, now);
        return answering.openAccount(account);
      },
    };
    expect(await autoApprove({ ...parts, bank }, await lodge("pr_1"), "usr_a")).toBe(false);
    expect(await decisionOf("pr_1")).toBeNull();
  });

  test.each([
    ["a payee that was never paid", { payee: { ...payee, id: "other" } }],
    ["another key of the payee", { keyThumbprint: "D".repeat(43) }],
    ["more than its ceiling", { terms: { ...checkout, amount: 4_251, items: [{ name: "Mug", quantity: 1, amount: 4_251 }] } }],
    ["another currency", { terms: { ...checkout, currency: "USD" } }],
    ["a server that is another payee's, which the user allows an app to use", { terms: { ...checkout, resource: "https://other.example/mcp" } }],
    ["a server that the operator named no payee for", { terms: { ...checkout, resource: "https://nobody.example/mcp" } }],
    ["a server that no app of the user is connected to", { terms: { ...checkout, resource: "https://elsewhere.example/mcp" } }],
    ["a request that is denied", { decision: { status: "denied", at: now, accountId: "usr_a" } }],
    ["a request that has expired", { expiresAt: now }],
  ] as const)("%s is left to the user", async (_name, change) => {
    expect(await autoApprove(parts, await lodge("pr_good"), "usr_a")).toBe(true);
    expect(await autoApprove(parts, await lodge("pr_bad", change), "usr_a")).toBe(false);
    expect((await decisionOf("pr_bad"))?.status).not.toBe("approved");
  });

  test.each<readonly [string, () => Promise<unknown>, string]>([
    ["another user", async () => undefined, "usr_b"],
    ["an app that was revoked", async () => database.records(consentKind).delete("consent"), "usr_a"],
    ["too little money", async () => void (available = 4_249), "usr_a"],
    ["a policy that has expired", async () => void (parts = { ...parts, approval: { ...parts.approval, now: () => terms.expiresAt } }), "usr_a"],
  ])("with %s the user is asked", async (_name, change, user) => {
    expect(await autoApprove(parts, await lodge("pr_good"), "usr_a")).toBe(true);
    await change();
    const id = await lodge("pr_1", { expiresAt: terms.expiresAt + 1_000 });
    expect(await autoApprove(parts, id, user)).toBe(false);
    expect(await decisionOf(id)).toBeNull();
  });

  const deal = (id: string, change: Partial<PaymentRequest["terms"]> = {}) => ({ terms: { ...checkout, id, ...change } });
  const deny = async (id: string) => denyPayment(database, id, "usr_a", now);

  test("P16 what its owner said no to it approves neither in a new version of that checkout nor in a new checkout of the same goods", async () => {
    expect(
      await autoApprove(parts, await lodge("pr_good", deal("co_good", { amount: 1, items: [{ name: "Pin", quantity: 1, amount: 1 }] })), "usr_a"),
    ).toBe(true);
    await deny(await lodge("pr_1", deal("co_1")));
    const cheaper = { version: 2, amount: 1_850, items: [{ name: "Plate", quantity: 1, amount: 1_850 }] };
    expect(await autoApprove(parts, await lodge("pr_2", deal("co_1", cheaper)), "usr_a")).toBe(false);
    expect(await autoApprove(parts, await lodge("pr_3", deal("co_2")), "usr_a")).toBe(false);
    expect(await decisionOf("pr_2")).toBeNull();
    expect(await decisionOf("pr_3")).toBeNull();
    // Other goods in another checkout, and another user's policy, are not what was refused.
    expect(await autoApprove(parts, await lodge("pr_4", deal("co_3", cheaper)), "usr_a")).toBe(true);
  });

  test("P16 a no stands until the same deal is approved in person, or as long as a policy may live", async () => {
    await deny(await lodge("pr_1", deal("co_1")));
    const again = await database.records(paymentRequestKind).get(await lodge("pr_2", deal("co_2")), now);
    if (again === undefined) throw new Error("the request is not there");
    const instrument = { type: "bank_account", id: "acc_1", description: "Bank ···· 1" } as const;
    const inPerson = { requestId: "pr_2", request: again, accountId: "usr_a", instrument, channel: "same_device", evidence } as const;
    expect(await recordApproval(parts.approval, inPerson, async () => ok(undefined))).toEqual({ ok: true, value: undefined });
    expect(await autoApprove(parts, await lodge("pr_3", deal("co_3")), "usr_a")).toBe(true);
    // The checkout itself was refused once; only its own approval takes that back.
    expect(await autoApprove(parts, await lodge("pr_4", deal("co_1")), "usr_a")).toBe(false);
    expect(await isDeniedDeal(database, "usr_a", { ...request, ...deal("co_1") }, now + policyLifeMaxMs - 1)).toBe(true);
    expect(await isDeniedDeal(database, "usr_a", { ...request, ...deal("co_1") }, now + policyLifeMaxMs)).toBe(false);
  });

  test("the account's limits count for it too", async () => {
    const tight = { ...defaultLimits, limits: { EUR: { payment: 4_249, otherDevice: 0, day: 9_000, month: 9_000, payee: 9_000 } } };
    expect(await autoApprove({ ...parts, approval: { ...parts.approval, limits: tight } }, await lodge("pr_1"), "usr_a")).toBe(false);
    expect(await decisionOf("pr_1")).toBeNull();
  });

  test("20 live policies are the most also when many are made at the same time", async () => {
    await Promise.allSettled(Array.from({ length: 30 }, () => make(terms)));
    // Some gave way to each other.
    for (let more = 0; more < 20; more += 1) await make(terms).catch(() => undefined);
    const live = (await policiesOf(database, "usr_a", now)).filter((each) => isLive(each.value, now));
    expect(live).toHaveLength(20);
  });

  test("what its owner signed is in the dossier of the payment, and is kept as long as one may be disputed", async () => {
    await autoApprove(parts, await lodge("pr_1"), "usr_a");
    expect(await readDossier(database, sealer, "pr_1", now)).toMatchObject({
      evidence: { policy_id: policyId, terms },
      evidence_matches: true,
      policy_evidence: evidence,
    });
    const end = terms.expiresAt + approvedRetentionMs;
    expect(await database.records(evidenceKind).get(policyId, end - 1)).toBeDefined();
    expect(await database.records(evidenceKind).get(policyId, end)).toBeUndefined();
  });

  test("an account has 20 live policies at most, and the one too many spends nothing", async () => {
    for (let count = 1; count < 20; count += 1) await make(terms);
    await expect(make(terms)).rejects.toThrow("refused");
    await endPolicy(database, "usr_a", policyId, now);
    await make(terms);
  });
});
