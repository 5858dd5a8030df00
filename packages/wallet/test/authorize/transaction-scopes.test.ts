import { describe, expect, test } from "vitest";
import { judgeTransactionScope } from "../../src/authorize/transaction-scopes.ts";
import type { PaymentDecision, PaymentRequest } from "../../src/payment-requests/request.ts";
import { checkout, storeResource } from "../peers/world.ts";

const approved: PaymentDecision = { status: "approved", at: 5, accountId: "usr_a", jti: "j", sealedMandate: "s" };
const denied: PaymentDecision = { status: "denied", at: 5, accountId: "usr_a" };

function request(decision: PaymentDecision | null): PaymentRequest {
  return {
    payee: { id: "store", name: "Store", website: "https://store.example/" },
    terms: checkout,
    checkoutHash: "h",
    keyThumbprint: "k",
    createdAt: 0,
    expiresAt: 1_000,
    decision,
    outcome: null,
    sequence: 0,
    isAnnounced: false,
    checkoutJwt: null,
    buyer: null,
  };
}

describe("judgeTransactionScope", () => {
  const here = { resources: [storeResource], approvedHere: [] as readonly string[] };
  const elsewhere = { resources: ["https://other.example/mcp"], approvedHere: ["pr_1"] };
  const after = { resources: [storeResource], approvedHere: ["pr_1"] };

  test.each([
    ["an open one is shown", request(null), { ...here, now: 999 }, { state: "show" }],
    ["an open one is shown though it is said to be approved", request(null), { ...after, now: 999 }, { state: "show" }],
    ["an expired one is ignored", request(null), { ...here, now: 1_000 }, { state: "ignore", reason: "expired" }],
    ["one approved in this interaction counts", request(approved), { ...after, now: 999 }, { state: "approved_here" }],
    ["one approved in this interaction counts after its time", request(approved), { ...after, now: 2_000 }, { state: "approved_here" }],
    ["one approved before is ignored", request(approved), { ...here, now: 999 }, { state: "ignore", reason: "approved" }],
    ["a denied one is ignored", request(denied), { ...here, now: 999 }, { state: "ignore", reason: "denied" }],
    ["a denied one is ignored though it is said to be approved", request(denied), { ...after, now: 999 }, { state: "ignore", reason: "denied" }],
    ["one of another resource is ignored", request(null), { ...elsewhere, now: 999 }, { state: "ignore", reason: "other_resource" }],
    ["an approved one of another resource is ignored", request(approved), { ...elsewhere, now: 999 }, { state: "ignore", reason: "other_resource" }],
    ["an unknown one is ignored", undefined, { ...here, now: 999 }, { state: "ignore", reason: "unknown" }],
  ])("%s", (_name, value, context, expected) => {
    expect(judgeTransactionScope("pr_1", value, context)).toEqual({ requestId: "pr_1", ...expected });
  });
});
