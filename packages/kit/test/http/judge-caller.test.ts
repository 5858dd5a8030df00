import { describe, expect, test } from "vitest";
import { createCallerPolicy, judgeCaller } from "../../src/http/judge-caller.ts";

const policy = createCallerPolicy("http://127.0.0.1:4300/mcp", ["shop.example"], ["http://127.0.0.1:4100"]);

function judge(headers: Record<string, string>, url = "http://127.0.0.1:4300/mcp"): string {
  const verdict = judgeCaller(policy, new Request(url, { method: "POST", headers }));
  return verdict.allowed ? "allowed" : verdict.reason;
}

describe("the caller", () => {
  test("the own host without Origin passes, and so does a configured origin", () => {
    expect(judge({})).toBe("allowed");
    expect(judge({ host: "127.0.0.1:4300" })).toBe("allowed");
    expect(judge({ host: "SHOP.example:80" })).toBe("allowed");
    expect(judge({ origin: "http://127.0.0.1:4100" })).toBe("allowed");
    expect(judge({ origin: "http://127.0.0.1:4300" })).toBe("allowed");
  });

  test.each([
    "null",
    "http://evil.example",
    "http://127.0.0.1.evil.com",
    "http://127.0.0.1:4100.evil.com",
    "https://127.0.0.1:4100",
    "http://127.0.0.1",
    "",
    "file://",
  ])("M01 origin %j is refused", (origin) => {
    expect(judge({ origin })).toBe("origin");
  });

  test.each([
    "evil.example",
    "127.0.0.1.evil.com:4300",
    "127.0.0.1",
    "127.0.0.1:4301",
    "localhost:4300",
    "user@127.0.0.1:4300",
    "127.0.0.1:4300, evil.example",
  ])("M01 host %j is refused", (host) => {
    expect(judge({ host })).toBe("host");
  });

  test("M01 without a Host header the URL's own host counts", () => {
    expect(judge({}, "http://evil.example:4300/mcp")).toBe("host");
  });

  test("a configured value that is no host or origin stops the start", () => {
    for (const host of ["https://shop.example", "shop.example/path", "a b", "user@shop.example", ""]) {
      expect(() => createCallerPolicy("https://shop.example/mcp", [host], [])).toThrow(TypeError);
    }
    for (const origin of ["https://shop.example/", "shop.example", "null", "*"]) {
      expect(() => createCallerPolicy("https://shop.example/mcp", [], [origin])).toThrow(TypeError);
    }
  });
});
