import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { denyPayment } from "../../src/payment-requests/approve.ts";
import { type PaymentRequest, paymentRequestKind } from "../../src/payment-requests/request.ts";
import { waitForDecision } from "../../src/payment-requests/wait.ts";
import { walletMigrations } from "../../src/migrations.ts";
import { checkout } from "../peers/world.ts";

const open: PaymentRequest = {
  payee: { id: "store", name: "Store", website: "https://store.example/" },
  terms: checkout,
  checkoutHash: "h",
  keyThumbprint: "k",
  createdAt: 0,
  expiresAt: 60_000,
  decision: null,
  outcome: null,
  sequence: 0,
  isAnnounced: false,
  checkoutJwt: null,
  buyer: null,
};
const query = { id: "pr_1", payeeId: "store", waitMs: 25_000 };
const never = new AbortController().signal;
const now = () => 1_000;

let database: Database<unknown>;
beforeEach(async () => {
  database = await openDatabase<unknown>({ url: "memory:", schema: "wallet", migrations: walletMigrations });
  await database.records(paymentRequestKind).create("pr_1", open);
});
afterEach(async () => {
  vi.useRealTimers();
  await database.close();
});

describe("waitForDecision", () => {
  test("an answer that is there is given at once", async () => {
    await denyPayment(database, "pr_1", "usr_a", 1_000);
    expect(await waitForDecision(database, query, never, now)).toMatchObject({ decision: { status: "denied" } });
  });

  test("a decision ends the wait", async () => {
    const waiting = waitForDecision(database, query, never, now);
    await denyPayment(database, "pr_1", "usr_a", 1_000);
    expect(await waiting).toMatchObject({ decision: { status: "denied" } });
  });

  test("stopping ends the wait, before or after it begins", async () => {
    const abort = new AbortController();
    const waiting = waitForDecision(database, query, abort.signal, now);
    abort.abort();
    expect(await waiting).toMatchObject({ decision: null });
    expect(await waitForDecision(database, query, abort.signal, now)).toMatchObject({ decision: null });
  });

  test("without a wait the present state is given", async () => {
    expect(await waitForDecision(database, { ...query, waitMs: 0 }, never, now)).toMatchObject({ decision: null });
  });

  test("when the signal is lost the row is read again", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const waiting = waitForDecision(database, query, never, now);
    const record = await database.records(paymentRequestKind).get("pr_1", 0);
    await database
      .records(paymentRequestKind)
      .update("pr_1", record?.version ?? 0, { ...open, decision: { status: "denied", at: 1, accountId: "usr_a" } });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await waiting).toMatchObject({ decision: { status: "denied" } });
  });

  test.each([
    ["an unknown request", { ...query, id: "pr_2" }],
    ["another payee's request", { ...query, payeeId: "other" }],
  ])("%s is nothing, at once", async (_name, asked) => {
    expect(await waitForDecision(database, asked, never, now)).toBeUndefined();
  });
});
