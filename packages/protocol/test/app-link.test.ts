import { describe, expect, it } from "vitest";
import { judgeAppLink, judgeAppPopup } from "../src/app-link.ts";

const links = { linkDomains: ["https://shop.example", "https://*.pay.example"], issuers: ["https://login.example", "http://localhost:4200"] };
const popups = { ...links, hostOrigin: "https://console.example", development: false };

describe("judgeAppLink", () => {
  it.each([
    ["https://shop.example/a?b=c", true],
    ["https://a.pay.example/", true],
    ["https://pay.example/", false],
    ["https://evil-shop.example/", false],
    ["https://shop.example:8443/", false],
    ["http://shop.example/", false],
    ["https://login.example/help", false],
  ])("opens %s, trusted: %s", (text, trusted) => {
    expect(judgeAppLink(text, links)).toEqual({ ok: true, value: { url: new URL(text), trusted } });
  });

  it.each([
    "javascript:alert(1)",
    "data:text/html,x",
    "https://user:pass@shop.example/",
    "https://login.example/authorize?x=1",
    "http://localhost:4200/device",
    "https://shop.example/oauth?client_id=a&response_type=code",
    "https://shop.example/oauth?client_id=a&request_uri=urn:x",
  ])("V12 refuses %s, even at a declared origin", (text) => {
    expect(judgeAppLink("https://shop.example/", links).ok).toBe(true);
    expect(judgeAppLink(text, links)).toMatchObject({ ok: false, error: { code: "unsafe_url" } });
  });
});

describe("judgeAppPopup", () => {
  it("opens a declared origin, an authorization server of the app's own too", () => {
    for (const text of ["https://shop.example/oauth?client_id=a&response_type=code", "https://login.pay.example/start"]) {
      expect(judgeAppPopup(text, popups)).toEqual({ ok: true, value: new URL(text) });
    }
    const local = { ...popups, linkDomains: ["http://localhost:9000"], development: true };
    expect(judgeAppPopup("http://localhost:9000/start", local).ok).toBe(true);
    expect(judgeAppPopup("http://localhost:9000/start", { ...local, development: false }).ok).toBe(false);
  });

  it.each([
    ["an origin that is not declared", "https://other.example/"],
    ["the bare host of a wildcard", "https://pay.example/"],
    ["plain http", "http://shop.example/"],
    ["a script", "javascript:alert(1)"],
    ["an issuer that the host knows", "https://login.example/anything"],
    ["the host's own redirect URI", "https://shop.example/oauth?client_id=a&redirect_uri=https%3A%2F%2Fconsole.example%2Fcallback%2Fx"],
    ["the host's address in any parameter", "https://shop.example/go?next=https://console.example/"],
    ["the host itself", "https://console.example/flows/x/start"],
  ])("V12 refuses %s", (_, text) => {
    const declared = { ...popups, linkDomains: [...popups.linkDomains, "https://login.example", "https://console.example"] };
    expect(judgeAppPopup(text, declared)).toMatchObject({ ok: false, error: { code: "unsafe_url" } });
  });
});
