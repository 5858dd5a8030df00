import { randomBytes, randomUUID } from "node:crypto";
import { mandateClaims } from "@countersign/protocol/mandate";
import { Secret } from "@countersign/protocol/secret";
import type { Database } from "@countersign/storage/database";
import { createSealer, type Sealer } from "@countersign/storage/sealed";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { listAudit } from "../../src/audit/log.ts";
import { endRestored } from "../../src/keep/end-restored.ts";
import { loadKeys, openSigningKeys, type SigningKey } from "../../src/keys.ts";
import { reserve } from "../../src/limits/reserve.ts";
import { defaultLimits } from "../../src/limits/settings.ts";
import { mandateBinding } from "../../src/payment-requests/record-approval.ts";
import { type RedeemParts, redeemMandate, settleRedemption, voidRedemption } from "../../src/mandate/redeem.ts";
import { signMandate } from "../../src/mandate/sign-mandate.ts";
import { setDeadline } from "../../src/payment-requests/deadlines.ts";
import { expireRequests } from "../../src/payment-requests/expire.ts";
import { detailsOf, endOf, type PaymentRequest, paymentRequestKind, statusOf } from "../../src/payment-requests/request.ts";
import { type Withdrawer, withdrawPayment } from "../../src/payment-requests/withdraw.ts";
import { storages } from "../peers/storages.ts";
import { checkout } from "../peers/world.ts";

const bank = "https://bank.example";
const issuedAt = 1_000;
/** Fifteen minutes and the minute of skew that every judge allows. */
const endsAt = (issuedAt + 960) * 1000;

describe.each(storages)("redeeming a mandate on $name", (kind) => {
  let storage: Awaited<ReturnType<typeof kind.open>>;
  let database: Database<unknown>;
  let sealer: Sealer;
  let signing: SigningKey;
  let time: number;
  let parts: RedeemParts;
  let id: string;
  let mandate: Secret;

  beforeAll(async () => {
    storage = await kind.open();
    database = storage.database;
    sealer = createSealer({ current: "k1", keys: { k1: new Secret(randomBytes(32).toString("base64url")) } });
    ({ signing } = await loadKeys(database, sealer, () => 0));
  });
  afterAll(() => storage.close());
  beforeEach(async () => {
    await expireRequests(database, endsAt);
    time = issuedAt * 1000;
    parts = { database, sealer, now: () => time };
    id = `pr_${randomUUID()}`;
    mandate = await approve(id);
  });

  const lodged: PaymentRequest = {
    payee: { id: "store", name: "Store", website: "https://store.example/" },
    terms: checkout,
    checkoutHash: "B".repeat(43),
    keyThumbprint: "C".repeat(43),
    createdAt: 0,
    expiresAt: issuedAt * 1000 + 600_000,
    decision: null,
    outcome: null,
    sequence: 0,
    isAnnounced: false,
    checkoutJwt: null,
    buyer: null,
  };

  async function approve(requestId: string): Promise<Secret> {
    const jti = randomUUID();
    const details = detailsOf(lodged, { type: "bank_account", id: "acc_1", description: "Bank ···· 1" });
    const text = await signMandate(
      mandateClaims({
        issuer: "https://wallet.example",
        bank,
        subject: "usr_a",
        jti,
        issuedAt,
        keyThumbprint: lodged.keyThumbprint,
        details,
        evidence: "e".repeat(43),
        humanPresent: true,
        requestId,
      }),
      signing,
    );
    const sealedMandate = sealer.seal(text, mandateBinding(requestId));
    const approved: PaymentRequest = {
      ...lodged,
      decision: { status: "approved", at: issuedAt * 1000, accountId: ownerOf(requestId), jti, sealedMandate },
      sequence: 1,
    };
    await database.records(paymentRequestKind).create(requestId, approved);
    await setDeadline(database, requestId, endOf(approved));
    const { amount, currency } = checkout;
    const counted = {
      accountId: ownerOf(requestId),
      requestId,
      payeeId: "store",
      currency,
      amount,
      channel: "same_device",
      at: issuedAt * 1000,
    } as const;
    const reserved = await reserve(database, counted, defaultLimits);
    if (!reserved.ok) throw new Error(`not reserved: ${reserved.error.code}`);
    return new Secret(text);
  }

  /** Each request is somebody else's, so that each has its own sums. */
  const ownerOf = (requestId: string): string => `usr_${requestId}`;

  /** What is counted toward the limits of the request's owner: the same for each of its sums. */
  async function counted(): Promise<number> {
    const { rows } = await sql<{ used: number }>`select distinct used from limit_windows where account_id = ${ownerOf(id)}`.execute(database.sql);
    expect(rows).toHaveLength(1);
    return Number(rows[0]?.used);
  }

  const statusNow = async (): Promise<string> => {
    const found = await database.records(paymentRequestKind).get(id, time);
    return found === undefined ? "gone" : statusOf(found.value, time);
  };
  const asBank = { by: bank, reference: "pay_1" };
  const redeemed = { ok: true, value: { status: "redeemed", reference: "pay_1", redeemed_at: new Date(issuedAt * 1000).toISOString() } };

  test("P04 the same party with the same reference gets its first answer again, also after the mandate's end; any other use is refused", async () => {
    const first = await redeemMandate(parts, { ...asBank, mandate });
    expect(first).toMatchObject({ ...redeemed, value: { ...redeemed.value, request_id: id } });
    time = endsAt + 3_600_000;
    expect(await redeemMandate(parts, { ...asBank, mandate })).toEqual(first);
    expect(await redeemMandate(parts, { ...asBank, mandate, reference: "pay_2" })).toMatchObject({ ok: false, error: { code: "mandate_spent" } });
    expect(await redeemMandate(parts, { ...asBank, mandate, by: "store" })).toMatchObject({ ok: false, error: { code: "mandate_spent" } });
    expect(await statusNow()).toBe("redeemed");
  });

  test("L04 P04 of 50 parallel redemptions with 50 references exactly one goes through", async () => {
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, n) => redeemMandate(parts, { mandate, by: bank, reference: `pay_${n}` })));
    expect(outcomes.filter((each) => each.ok)).toHaveLength(1);
    expect(new Set(outcomes.flatMap((each) => (each.ok ? [] : [each.error.code])))).toEqual(new Set(["mandate_spent"]));
    expect((await database.records(paymentRequestKind).get(id, time))?.value.sequence).toBe(2);
  });

  test("50 parallel redemptions with one reference all get the one answer", async () => {
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => redeemMandate(parts, { ...asBank, mandate })));
    expect(new Set(outcomes.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(outcomes[0]?.ok).toBe(true);
    expect((await database.records(paymentRequestKind).get(id, time))?.value.sequence).toBe(2);
  });

  test("P16 of a withdrawal and a redemption that run together one wins, and what was withdrawn is never redeemed", async () => {
    const [used, withdrawn] = await Promise.all([
      redeemMandate(parts, { ...asBank, mandate }),
      withdrawPayment(database, id, { by: "user", accountId: ownerOf(id) }, time),
    ]);
    expect([used.ok, withdrawn.ok].filter(Boolean)).toHaveLength(1);
    const after = await redeemMandate(parts, { ...asBank, mandate });
    expect(after.ok ? "redeemed" : after.error.code).toBe(used.ok ? "redeemed" : "mandate_revoked");
  });

  test("L25 P16 a withdrawn approval stays withdrawn, whoever took it back", async () => {
    for (const by of ["payee", "user"] as const) {
      id = `pr_${randomUUID()}`;
      mandate = await approve(id);
      expect(await counted()).toBe(checkout.amount);
      const withdrawer: Withdrawer = by === "payee" ? { by, payeeId: "store" } : { by, accountId: ownerOf(id) };
      expect(await withdrawPayment(database, id, withdrawer, time)).toMatchObject({ ok: true, value: { outcome: { status: "revoked" } } });
      expect(await withdrawPayment(database, id, withdrawer, time)).toMatchObject({ ok: true, value: { sequence: 2 } });
      expect(await redeemMandate(parts, { ...asBank, mandate })).toMatchObject({ ok: false, error: { code: "mandate_revoked" } });
      expect(await statusNow()).toBe("revoked");
      expect(await counted()).toBe(0);
      const { entries } = await listAudit(database, ownerOf(id), time);
      expect(entries.map((each) => each.event)).toEqual([
        { type: "payment_revoked", requestId: id, payeeName: "Store", amount: checkout.amount, currency: "EUR" },
      ]);
    }
  });

  test("nobody else withdraws, and nobody withdraws what was redeemed", async () => {
    for (const stranger of [{ by: "payee", payeeId: "rival" } as const, { by: "user", accountId: "usr_b" } as const])
      expect(await withdrawPayment(database, id, stranger, time)).toMatchObject({ ok: false, error: { code: "not_found" } });
    expect(await statusNow()).toBe("approved");
    await redeemMandate(parts, { ...asBank, mandate });
    expect(await withdrawPayment(database, id, { by: "payee", payeeId: "store" }, time)).toMatchObject({ ok: false, error: { code: "conflict" } });
    expect(await statusNow()).toBe("redeemed");
  });

  test("an approval that nobody redeemed ends with its mandate, to the millisecond, and stays ended", async () => {
    time = endsAt - 1;
    expect(await expireRequests(database, time)).toBe(0);
    expect(await statusNow()).toBe("approved");
    time = endsAt;
    expect(await statusNow()).toBe("expired");
    expect(await redeemMandate(parts, { ...asBank, mandate })).toMatchObject({ ok: false, error: { code: "mandate_invalid" } });
    const ended = await Promise.all([expireRequests(database, time), expireRequests(database, time)]);
    expect(ended.reduce((sum, count) => sum + count, 0)).toBe(1);
    expect((await database.records(paymentRequestKind).get(id, time))?.value).toMatchObject({ outcome: { status: "expired" }, sequence: 2 });
    expect(await counted()).toBe(0);
    time = issuedAt * 1000;
    expect(await redeemMandate(parts, { ...asBank, mandate })).toMatchObject({ ok: false, error: { code: "mandate_invalid" } });
  });

  test("L25 X11 an approval of a restored backup is never redeemed, and stays counted, for it may have been used since", async () => {
    const before = await counted();
    expect(before).toBeGreaterThan(0);
    await endRestored(database, await openSigningKeys(database, sealer, () => time), time);
    expect(await redeemMandate(parts, { ...asBank, mandate })).toMatchObject({ ok: false, error: { code: "mandate_invalid" } });
    expect([await statusNow(), await counted()]).toEqual(["expired", before]);
    time = endsAt;
    await expireRequests(database, time);
    expect(await counted()).toBe(before);
  });

  test("a request that cannot be read keeps no other one from ending, and is looked at again later", async () => {
    const broken = `pr_${randomUUID()}`;
    await database.records({ name: paymentRequestKind.name, parse: (json) => json }).create(broken, { ...lodged, terms: {} });
    await setDeadline(database, broken, 1);
    await expect(expireRequests(database, endsAt)).rejects.toThrow("A stored record");
    expect((await database.records(paymentRequestKind).get(id, time))?.value.outcome).toMatchObject({ status: "expired" });
    expect(await expireRequests(database, endsAt)).toBe(0);
    await expect(expireRequests(database, endsAt + 60_000)).rejects.toThrow("A stored record");
    await database.records(paymentRequestKind).delete(broken);
    expect(await expireRequests(database, endsAt + 120_000)).toBe(0);
  });

  test("what was redeemed does not end by the clock", async () => {
    await redeemMandate(parts, { ...asBank, mandate });
    time = endsAt + 1;
    expect(await expireRequests(database, time)).toBe(0);
    expect(await statusNow()).toBe("redeemed");
    expect(await counted()).toBe(checkout.amount);
    expect((await listAudit(database, ownerOf(id), time)).entries.map((each) => each.event.type)).toEqual(["payment_redeemed"]);
  });

  test("a redemption is voided by the one who made it, and the mandate stays spent", async () => {
    const voiding = { requestId: id, ...asBank };
    expect(await voidRedemption(parts, voiding)).toMatchObject({ ok: false, error: { code: "conflict" } });
    await redeemMandate(parts, { ...asBank, mandate });
    expect(await voidRedemption(parts, { ...voiding, reference: "pay_2" })).toMatchObject({ ok: false, error: { code: "conflict" } });
    expect(await voidRedemption(parts, { ...voiding, by: "store" })).toMatchObject({ ok: false, error: { code: "conflict" } });
    expect(await voidRedemption(parts, { ...voiding, by: "rival" })).toMatchObject({ ok: false, error: { code: "client_not_allowed" } });
    const first = await voidRedemption(parts, voiding);
    expect(first).toMatchObject({ ok: true, value: { status: "voided", request_id: id } });
    expect(await counted()).toBe(0);
    const eventTypes = async (): Promise<readonly string[]> => (await listAudit(database, ownerOf(id), time)).entries.map((each) => each.event.type);
    expect(new Set(await eventTypes())).toEqual(new Set(["payment_redeemed", "payment_voided"]));
    time += 5_000;
    expect(await voidRedemption(parts, voiding)).toEqual(first);
    expect(await eventTypes()).toHaveLength(2);
    expect(await redeemMandate(parts, { ...asBank, mandate })).toMatchObject({ ok: false, error: { code: "mandate_spent" } });
    expect(await voidRedemption(parts, { ...voiding, requestId: "pr_none" })).toMatchObject({ ok: false, error: { code: "not_found" } });
  });

  test("P13 a redemption of which a part was taken counts with that part, said once by the one who redeemed", async () => {
    const settling = { requestId: id, ...asBank, captured: 1_000 };
    expect(await settleRedemption(parts, settling)).toMatchObject({ ok: false, error: { code: "conflict" } });
    await redeemMandate(parts, { ...asBank, mandate });
    for (const [change, code] of [
      [{ reference: "pay_2" }, "conflict"],
      [{ by: "rival" }, "client_not_allowed"],
      [{ captured: checkout.amount + 1 }, "exceeds_payment"],
      [{ requestId: "pr_none" }, "not_found"],
    ] as const)
      expect(await settleRedemption(parts, { ...settling, ...change })).toMatchObject({ ok: false, error: { code } });
    expect(await counted()).toBe(checkout.amount);
    time += 5_000;
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => settleRedemption(parts, settling)));
    const settled = { ok: true, value: { status: "redeemed", captured: 1_000, redeemed_at: new Date(issuedAt * 1000).toISOString() } };
    for (const outcome of outcomes) expect(outcome).toMatchObject(settled);
    expect([await counted(), await statusNow()]).toEqual([1_000, "redeemed"]);
    expect(await settleRedemption(parts, { ...settling, captured: 999 })).toMatchObject({ ok: false, error: { code: "conflict" } });
    expect(await voidRedemption(parts, { requestId: id, ...asBank })).toMatchObject({ ok: false, error: { code: "conflict" } });
    expect(await redeemMandate(parts, { ...asBank, mandate })).toMatchObject(redeemed);
    expect(await counted()).toBe(1_000);
    const { entries } = await listAudit(database, ownerOf(id), time);
    expect(entries.map(({ event }) => ["amount" in event ? event.amount : undefined, event.type])).toEqual([
      [1_000, "payment_settled"],
      [checkout.amount, "payment_redeemed"],
    ]);
  });

  test("L13 L20 P12 a mandate is redeemed only by its audience, and only as the very text that was signed", async () => {
    const [header = "", payload = "", signature = ""] = mandate.reveal().split(".");
    const flipped = `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
    const other = await approve(`pr_${randomUUID()}`);
    const texts = [
      `${header}.${payload}.${flipped}`,
      `${mandate.reveal()}~`,
      mandate.reveal().slice(0, -1),
      "a.b.c~",
      "",
      `${header}.${other.reveal().split(".")[1] ?? ""}.${signature}`,
    ];
    for (const text of texts)
      expect(await redeemMandate(parts, { ...asBank, mandate: new Secret(text) })).toMatchObject({ ok: false, error: { code: "mandate_invalid" } });
    expect(await redeemMandate(parts, { ...asBank, mandate, by: "rival" })).toMatchObject({ ok: false, error: { code: "client_not_allowed" } });
    expect(await statusNow()).toBe("approved");
    expect(await redeemMandate(parts, { ...asBank, mandate })).toMatchObject(redeemed);
  });
});
