import { describe, expect, test } from "vitest";
import { askingStage, authorizationOf, type PaymentFacts, paymentStage, type PaymentStage } from "../../src/paying/payment-stage.ts";
import { wordsOf } from "../../src/paying/payment-words.ts";

const still: PaymentFacts = {
  status: "priced",
  lastRefusal: undefined,
  isPaying: false,
  authorization: { state: "idle" },
  failure: undefined,
  isDoubted: false,
};
const paying = { ...still, status: "awaiting_approval", isPaying: true };

const table: readonly (readonly [what: string, facts: PaymentFacts, stage: PaymentStage])[] = [
  ["a price is ready to be paid", still, "ready"],
  ["a call that has just left asks the wallet", paying, "asking"],
  ["a window is open", { ...paying, authorization: { state: "pending", rung: "host_resumes" } }, "window"],
  ["the host waits for a click", { ...paying, authorization: { state: "required", rung: "continue" } }, "continue"],
  ["a link waits for somebody", { ...paying, authorization: { state: "required", rung: "link" } }, "link"],
  ["the chat was asked", { ...paying, authorization: { state: "pending", rung: "model" } }, "chat"],
  ["it is approved and the bank is asked", { ...paying, authorization: { state: "granted" } }, "charging"],
  ["the shop says so before the host does", { ...paying, status: "completing" }, "charging"],
  ["what the host said of the try before is over", { ...paying, authorization: { state: "denied" } }, "asking"],
  ["the user said no, as a host puts it", { ...still, failure: "access_denied" }, "denied"],
  ["the user said no, as the shop puts it", { ...still, failure: "payment_denied" }, "denied"],
  ["somebody said no before this view was loaded", { ...still, lastRefusal: "payment_denied" }, "denied"],
  ["the user canceled it in the host", { ...still, failure: "cancelled" }, "stopped"],
  ["nobody approved in time", { ...still, failure: "payment_request_expired" }, "lapsed"],
  ["nobody signed in in time", { ...still, failure: "flow_expired" }, "lapsed"],
  ["the bank said no", { ...still, lastRefusal: "insufficient_funds" }, "declined"],
  ["a limit stood in the way", { ...still, failure: "over_limit" }, "over_limit"],
  ["the bank has not answered", { ...still, status: "completing", failure: "payment_outcome_unknown" }, "unconfirmed"],
  ["it was approved, and this view was loaded again", { ...still, status: "completing" }, "unconfirmed"],
  ["it waits for an approval that another view asked for", { ...still, status: "awaiting_approval" }, "elsewhere"],
  ["the shop does not answer", { ...still, failure: "server_unreachable", isDoubted: true }, "doubted"],
  ["a definite no is known while the shop does not answer", { ...still, failure: "access_denied", isDoubted: true }, "denied"],
  ["something else failed", { ...still, failure: "out_of_stock" }, "failed"],
  ["it is paid although the call was lost", { ...still, status: "completed", failure: "server_unreachable" }, "paid"],
  ["its time is over", { ...still, status: "expired", failure: "payment_request_expired" }, "expired"],
  [
    "it was canceled while its approval was waited for",
    { ...paying, status: "canceled", authorization: { state: "required", rung: "continue" } },
    "canceled",
  ],
  ["its time is over while its approval was waited for", { ...paying, status: "expired" }, "expired"],
  ["it was canceled", { ...still, status: "canceled" }, "canceled"],
];

describe("where a payment stands", () => {
  test.each(table)("%s", (_, facts, stage) => {
    expect(paymentStage(facts)).toBe(stage);
  });

  test("every stage is named by a case above and says what happens", () => {
    const facts = { total: "€18.90", until: "12:30", message: "The bank declined this payment.", isSignedIn: false };
    const speechless = table.filter(([, , stage]) => `${wordsOf(stage, facts).title}${wordsOf(stage, facts).text}` === "");
    expect(speechless).toEqual([]);
    expect(new Set(table.map(([, , stage]) => stage)).size).toBe(19);
  });

  test("whoever is signed in already is told why they are asked once more", () => {
    const facts = { total: "€18.90", until: "12:30", message: "" };
    expect(wordsOf("window", { ...facts, isSignedIn: true }).text).toContain("You are signed in");
    expect(wordsOf("window", { ...facts, isSignedIn: false }).text).not.toContain("You are signed in");
  });
});

test("the button promises no passkey where a policy may approve instead", () => {
  const { text } = wordsOf("ready", { total: "€18.90", until: "12:30", message: "", isSignedIn: true });
  expect(text).toBe("Your passkey, or a policy that you signed, approves exactly this sum. The price is held until 12:30.");
});

test("what the host tells of another tool's call says nothing about the payment", () => {
  const pending = { state: "pending", tool: "list_orders" } as const;
  expect(askingStage(authorizationOf(pending, ["pay"]))).toBe("asking");
  expect(askingStage(authorizationOf({ ...pending, tool: "pay" }, ["pay"]))).toBe("window");
  expect(askingStage(authorizationOf({ state: "pending" }, ["pay"]))).toBe("window");
});
