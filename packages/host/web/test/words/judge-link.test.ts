import { describe, expect, it } from "vitest";
import { judgeLink } from "../../src/words/judge-link.ts";

describe("an address that a model names", () => {
  it.each([
    ["https://a.example/b", "https://a.example/b"],
    ["https://a.example", "https://a.example"],
    ["https://a.example", "a.example"],
    ["http://a.example/b?c#d", "a.example/b?c#d"],
  ])("%s needs nothing beside the words %s", (address, words) => {
    expect(judgeLink(address, words)).toEqual({ kind: "web", href: new URL(address).href, host: undefined });
  });

  it.each([
    ["https://evil.example/a", "here", "evil.example"],
    ["https://evil.example", "https://bank.example", "evil.example"],
    ["https://bank.example.evil.example/", "bank.example", "bank.example.evil.example"],
    ["https://evil.example:8443/", "evil.example", "evil.example:8443"],
    ["https://b\u0430nk.example/", "https://b\u0430nk.example/", "xn--bnk-6cd.example"],
    ["https://evil.example/", "\u202eelpmaxe.knab", "evil.example"],
    ["HTTPS://EVIL.example\\@bank.example", "bank.example", "evil.example"],
  ])("M22 %s says beside the words %s where it leads: %s", (address, words, host) => {
    expect(judgeLink(address, words)).toMatchObject({ kind: "web", host });
  });

  it.each([
    "javascript:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,a",
    "file:///etc/passwd",
    "blob:https://a.example/b",
    "/flows/a/start",
    "//evil.example/",
    "#a",
    "",
    "https://bank.example@evil.example/",
    "https://a:b@evil.example/",
    "ftp://a.example/",
  ])("M22 %j is text", (address) => {
    expect(judgeLink(address, "here")).toEqual({ kind: "text", address });
  });

  it("of mail is shown, and a long one is cut", () => {
    expect(judgeLink("mailto:a@b.example", "write")).toEqual({ kind: "text", address: "a@b.example" });
    expect(judgeLink("mailto:a@b.example", "a@b.example")).toEqual({ kind: "text", address: undefined });
    expect(judgeLink(`data:,${"a".repeat(1000)}`, "a")).toEqual({ kind: "text", address: `data:,${"a".repeat(294)}…` });
  });
});
