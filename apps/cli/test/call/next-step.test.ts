import type { CallView } from "@countersign/host/call/record";
import { expect, test } from "vitest";
import { nextStep } from "../../src/call/next-step.ts";

const base: CallView = {
  id: "call_1",
  connectorId: "store",
  tool: "browse",
  origin: "user",
  state: "dispatched",
  rounds: 0,
  createdAt: 0,
  deadline: 0,
  version: 1,
};
const flow: NonNullable<CallView["flow"]> = {
  id: "flow_1",
  connectorId: "store",
  issuer: "https://as.example",
  authorizationServerHost: "as.example",
  scope: [],
  state: "ready",
  startUrl: "/flows/flow_1/start",
  expiresAt: 0,
  offersDevice: false,
};
const asking: NonNullable<CallView["asking"]> = { style: "respond", round: 1, expiresAt: 0, again: false, quiet: false, items: [] };
const failed = (code: NonNullable<CallView["error"]>["code"]): Partial<CallView> => ({
  state: "failed",
  error: { code, message: "", retryable: false, callId: "call_1" },
});

test.each([
  ["runs", {}, { step: "wait" }],
  ["waits for a sign-in", { state: "authorizing", flow }, { step: "sign_in", flow }],
  ["waits for another call's sign-in", { state: "authorizing", flow, queued: true }, { step: "wait" }],
  ["is asked something", { state: "asking", asking }, { step: "answer", asking }],
  ["has its result", { state: "completed", result: {} }, { step: "end", ending: "done" }],
  ["has a result that says that it failed", { state: "completed", result: { isError: true } }, { step: "end", ending: "failed" }],
  ["was refused", { ...failed("tool_not_visible"), state: "refused" }, { step: "end", ending: "failed" }],
  ["found nobody", failed("server_unreachable"), { step: "end", ending: "unreachable" }],
  ["was declined", failed("access_denied"), { step: "end", ending: "person" }],
  ["may have run", failed("outcome_unknown"), { step: "end", ending: "unknown" }],
] as const)("a call that %s is told what comes next", (_, more, step) => {
  expect(nextStep({ ...base, ...more })).toEqual(step);
});
