import { describe, expect, it } from "vitest";
import { approvalMeta, approvalStates, isApprovalHandle, readApprovalAnswer, readApprovalState } from "../src/approval-answer.ts";
import { parseBrowserUrl } from "../src/resource.ts";

const now = 1_780_000_000_000;
const link = "https://wallet.example/approve/pr_AAAAAAAAAAAAAAAAAAAAAA";
const told = { link, handle: "h".repeat(43), expiresAt: now + 900_000, awaitTool: "await_approval" };
const meta = (change: Record<string, unknown> = {}): unknown => ({ "countersign/approval": { ...told, ...change } });

describe("readApprovalAnswer", () => {
  it("reads what approvalMeta writes, and nothing where there is none", () => {
    const url = parseBrowserUrl(link);
    if (!url.ok) throw new TypeError("the link is no address");
    const written: unknown = JSON.parse(JSON.stringify(approvalMeta({ ...told, link: url.value })));
    expect(readApprovalAnswer(written, now)).toEqual({ ok: true, value: told });
    for (const none of [undefined, null, {}, [], "text", { "mcp/www_authenticate": ["Bearer"] }]) {
      expect(readApprovalAnswer(none, now)).toEqual({ ok: true, value: undefined });
    }
  });

  it("drops what it does not know, and reads an approval that is already over", () => {
    expect(readApprovalAnswer(meta({ mandate: "secret", expiresAt: now - 1 }), now)).toEqual({ ok: true, value: { ...told, expiresAt: now - 1 } });
  });

  it.each([
    ["an end beyond a day", { expiresAt: now + 86_400_001 }],
    ["an end that is no whole number", { expiresAt: now + 0.5 }],
    ["an end in words", { expiresAt: "2026-11-22T00:00:00Z" }],
    ["a short handle", { handle: "h".repeat(21) }],
    ["a long handle", { handle: "h".repeat(2049) }],
    ["a handle with a slash", { handle: `${"h".repeat(43)}/..` }],
    ["no handle", { handle: undefined }],
    ["a tool that is no name", { awaitTool: "pay now" }],
    ["no tool", { awaitTool: undefined }],
  ])("refuses %s", (_what, change) => {
    expect(readApprovalAnswer(meta(), now).ok).toBe(true);
    expect(readApprovalAnswer(meta(change), now)).toMatchObject({ ok: false, error: { code: "protocol_error" } });
  });

  it.each([
    "javascript:alert(1)",
    "data:text/html,x",
    "http://wallet.example/approve/x",
    "https://user:pass@wallet.example/",
    `https://wallet.example/${"a".repeat(2048)}`,
    "https://wallet.example/$(x)",
    "",
    7,
  ])("M10 refuses the link %s", (bad) => {
    expect(readApprovalAnswer(meta({ link: "http://localhost:4200/approve/x" }), now).ok).toBe(true);
    expect(readApprovalAnswer(meta({ link: bad }), now)).toMatchObject({ ok: false, error: { code: "unsafe_url" } });
  });
});

describe("isApprovalHandle", () => {
  it.each([[undefined], [7], [{}], ["h".repeat(21)], [`${"h".repeat(22)}\n`]])("refuses %j", (value) => {
    expect(isApprovalHandle("h".repeat(22))).toBe(true);
    expect(isApprovalHandle(value)).toBe(false);
  });
});

describe("readApprovalState", () => {
  it("reads every state and no other word", () => {
    for (const state of approvalStates) expect(readApprovalState({ state, order: {} })).toBe(state);
    for (const other of [{ state: "Approved" }, { state: 1 }, {}, null, "approved"]) expect(readApprovalState(other)).toBeUndefined();
  });
});
