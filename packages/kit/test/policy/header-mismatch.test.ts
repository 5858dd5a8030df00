import { describe, expect, test } from "vitest";
import { headersDisagree } from "../../src/policy/header-mismatch.ts";

const _meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "grüße", _meta } };
const coded = (text: string): string => `=?base64?${Buffer.from(text).toString("base64")}?=`;
const disagree = (message: typeof call, headers: Record<string, string>): boolean => headersDisagree((name) => headers[name] ?? null, message);

describe("a header that repeats the body", () => {
  test.each([
    [{}, false],
    [{ "mcp-method": "tools/call" }, false],
    [{ "mcp-method": "tools/call", "mcp-name": coded("grüße") }, false],
    [{ "mcp-name": ` ${coded("grüße")} ` }, false],
    [{ "mcp-method": "tools/list" }, true],
    [{ "mcp-method": "Tools/call" }, true],
    [{ "mcp-name": "browse" }, true],
    [{ "mcp-name": "" }, true],
    [{ "mcp-name": coded("browse") }, true],
    [{ "mcp-name": "=?base64?/w==?=" }, true],
    [{ "mcp-name": "=?base64?a?=" }, true],
  ])("M06 %j disagrees: %s", (headers, expected) => {
    expect(disagree(call, headers)).toBe(expected);
  });

  test("M06 names a resource by its URI", () => {
    const read = { jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri: "ui://a", _meta } };
    const of = (name: string): boolean => headersDisagree((header) => (header === "mcp-name" ? name : null), read);
    expect([of("ui://a"), of("ui://b")]).toEqual([false, true]);
  });

  test("means nothing to a message of the 2025 family", () => {
    const legacy = { ...call, params: { name: "grüße" } };
    expect(headersDisagree(() => "browse", legacy)).toBe(false);
  });
});
