import { describe, expect, it } from "vitest";
import { type ApprovalAsk, judgeState, readAsk } from "../../src/policy/judge-ask.ts";

const asked = { id: "a_1", requestId: "pr_1", tool: "pay", subject: "usr_1", isPayer: true, round: 2, expiresAt: 1_000 };
const state: ApprovalAsk & { readonly use: "state" } = { ...asked, use: "state", argsDigest: "d" };
const handle: ApprovalAsk = { ...asked, subject: null, isPayer: false, use: "handle", args: { checkout_id: "co_1" } };
const call = { tool: "pay", argsDigest: "d", subject: "usr_1", now: 999 };

describe("M04 judgeState", () => {
  it.each([
    ["expired", { now: 1_000 }],
    ["other_principal", { subject: "usr_2" }],
    ["other_principal", { subject: null }],
    ["other_tool", { tool: "Pay" }],
    ["other_arguments", { argsDigest: "D" }],
  ])("says %s for %j", (verdict, change) => {
    expect(judgeState(state, call)).toBe("good");
    expect(judgeState(state, { ...call, ...change })).toBe(verdict);
  });
});

describe("readAsk", () => {
  it("reads back what was written", () => {
    for (const ask of [state, handle, { ...handle, args: null }]) expect(readAsk(JSON.parse(JSON.stringify(ask)))).toEqual(ask);
  });

  it.each([
    ["no object", null],
    ["another use", { ...state, use: "link" }],
    ["a state without a digest", { ...state, argsDigest: undefined }],
    ["a handle whose arguments are a list", { ...handle, args: [] }],
    ["no subject", { ...state, subject: undefined }],
    ["a fraction of a round", { ...state, round: 0.5 }],
    ["no end", { ...state, expiresAt: Number.NaN }],
  ])("gives nothing for %s", (_what, value) => {
    expect(readAsk(value)).toBeUndefined();
  });
});
