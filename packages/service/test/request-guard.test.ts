import { describe, expect, it } from "vitest";
import { givenRequestId, judgeHead, loopbackHosts } from "../src/request-guard.ts";

const hosts = ["127.0.0.1:4100", "console.example", "*.localhost:4101"];
const judge = (rawHeaders: readonly string[], method = "GET", target = "/"): number =>
  judgeHead({ method, target, rawHeaders }, hosts)?.status ?? 200;

describe("a request's head", () => {
  it.each(["127.0.0.1:4100", "console.example", "CONSOLE.example", "abc123.localhost:4101", "a-b.localhost:4101"])(
    "is taken with Host %s",
    (host) => {
      expect(judge(["Accept", "*/*", "Host", host])).toBe(200);
    },
  );

  it.each([
    "127.0.0.1",
    "127.0.0.1:4101",
    "127.0.0.1:41000",
    "127.0.0.1.evil.example:4100",
    "localhost:4100",
    "evil.example",
    "console.example:443",
    "console.example.evil.example",
    "evil-console.example",
    "console.example.",
    "localhost:4101",
    ".localhost:4101",
    "a.b.localhost:4101",
    "a@b.localhost:4101",
    "abc.localhost:4100",
    "null",
    "",
  ])("is refused with Host %j (M01)", (host) => {
    expect(judge(["Host", host])).toBe(421);
  });

  it("is refused without a Host and with two, also when they agree (X10)", () => {
    expect(judge(["Accept", "*/*"])).toBe(400);
    expect(judge(["Host", "console.example", "host", "console.example"])).toBe(400);
  });

  it.each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("is taken with method %s", (method) => {
    expect(judge(["Host", "console.example"], method)).toBe(200);
  });

  it.each(["TRACE", "TRACK", "CONNECT", "PROPFIND", "get", ""])("is refused with method %j (X10)", (method) => {
    expect(judge(["Host", "console.example"], method)).toBe(405);
  });

  it.each(["http://evil.example/", "*", "", "evil.example:80", `/${"x".repeat(8192)}`])("is refused with target %.20j (X10)", (target) => {
    expect(judge(["Host", "console.example"], "GET", target)).toBe(400);
  });

  it("may name any host where the address is asked, not the site", () => {
    expect(judgeHead({ method: "GET", target: "/healthz", rawHeaders: ["Host", "10.0.0.7:8080"] }, undefined)).toBeUndefined();
  });

  it("gives a request id only when there is one and it is harmless", () => {
    expect(givenRequestId(["X-Request-Id", "abc_DEF-123"])).toBe("abc_DEF-123");
    for (const bad of ["short", "x".repeat(65), "abc def 123", "abcdefgh\n", "<script>alert"])
      expect(givenRequestId(["x-request-id", bad])).toBeUndefined();
    expect(givenRequestId(["x-request-id", "abcdefgh", "x-request-id", "ijklmnop"])).toBeUndefined();
    expect(givenRequestId([])).toBeUndefined();
  });

  it("on loopback is known by three names", () => {
    expect(loopbackHosts(4100)).toEqual(["127.0.0.1:4100", "localhost:4100", "[::1]:4100"]);
  });
});
