import { describe, expect, it } from "vitest";
import { judgeDeviceAuthorization, judgePoll, readPollError } from "../src/device-grant.ts";
import { parseIssuer } from "../src/resource.ts";

const issuerOf = (text: string) => {
  const issuer = parseIssuer(text);
  if (!issuer.ok) throw new Error("not an issuer");
  return issuer.value;
};
const issuer = issuerOf("https://wallet.example");
const local = issuerOf("http://localhost:4200");

const doc = {
  device_code: "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS",
  user_code: "WDJB-MJHT",
  verification_uri: "https://wallet.example/device",
  verification_uri_complete: "https://wallet.example/device?user_code=WDJB-MJHT",
  expires_in: 1800,
  interval: 5,
};

describe("judgeDeviceAuthorization", () => {
  it("gives the typed response, with five seconds where the server names no interval (RFC 8628 section 3.2)", () => {
    const judged = judgeDeviceAuthorization(doc, issuer);
    expect(judged).toMatchObject({
      ok: true,
      value: {
        userCode: "WDJB-MJHT",
        verificationUri: "https://wallet.example/device",
        verificationUriComplete: "https://wallet.example/device?user_code=WDJB-MJHT",
        lifetimeMs: 1_800_000,
        intervalMs: 5000,
      },
    });
    expect(judged.ok && judged.value.deviceCode.reveal()).toBe(doc.device_code);
    expect(JSON.stringify(judged)).not.toContain(doc.device_code);
    const { interval: _, verification_uri_complete: __, ...bare } = doc;
    const plain = judgeDeviceAuthorization(bare, issuer);
    expect(plain).toMatchObject({ value: { intervalMs: 5000 } });
    expect(plain).not.toHaveProperty("value.verificationUriComplete");
  });

  it("bounds a lifetime to a day and an interval to a second at least", () => {
    const judged = judgeDeviceAuthorization({ ...doc, expires_in: 1e9, interval: 0.01 }, issuer);
    expect(judged).toMatchObject({ value: { lifetimeMs: 86_400_000, intervalMs: 1000 } });
  });

  it("accepts loopback http from a loopback issuer only", () => {
    const here = { ...doc, verification_uri: "http://localhost:4200/device", verification_uri_complete: undefined };
    expect(judgeDeviceAuthorization(here, local).ok).toBe(true);
    expect(judgeDeviceAuthorization(here, issuer)).toMatchObject({ ok: false, error: { code: "unsafe_url" } });
  });

  it.each([
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "http://wallet.example/device",
    "https://user:x@wallet.example/device",
    "https://wallet.example/$(x)",
    `https://wallet.example/${"a".repeat(2048)}`,
    5,
    undefined,
  ])("M10 shows no address like %s", (address) => {
    expect(judgeDeviceAuthorization(doc, issuer).ok).toBe(true);
    expect(judgeDeviceAuthorization({ ...doc, verification_uri: address }, issuer)).toMatchObject({ ok: false, error: { code: "unsafe_url" } });
  });

  it.each(["https://evil.example/device?user_code=WDJB-MJHT", "https://wallet.example:8443/device", "javascript:alert(1)", 5])(
    "leaves out a complete address that is not of the plain one's origin: %s",
    (address) => {
      const judged = judgeDeviceAuthorization({ ...doc, verification_uri_complete: address }, issuer);
      expect(judged.ok).toBe(true);
      expect(judged).not.toHaveProperty("value.verificationUriComplete");
    },
  );

  it.each([
    ["no object", "text"],
    ["no device code", { ...doc, device_code: undefined }],
    ["an endless device code", { ...doc, device_code: "x".repeat(4097) }],
    ["no user code", { ...doc, user_code: "" }],
    ["an endless user code", { ...doc, user_code: "A".repeat(41) }],
    ["markup in the user code", { ...doc, user_code: "<b>A</b>" }],
    ["a line break in the user code", { ...doc, user_code: "ABCD\nEFGH" }],
    ["reordered text in the user code", { ...doc, user_code: "AB\u202eCD" }],
    ["invisible text in the user code", { ...doc, user_code: "AB\u200bCD" }],
    ["no lifetime", { ...doc, expires_in: undefined }],
    ["a lifetime of nothing", { ...doc, expires_in: 0 }],
    ["a lifetime in text", { ...doc, expires_in: "1800" }],
    ["a negative interval", { ...doc, interval: -1 }],
    ["an interval in text", { ...doc, interval: "5" }],
  ])("refuses %s", (_, value) => {
    expect(judgeDeviceAuthorization(value, issuer)).toMatchObject({ ok: false, error: { code: "invalid_metadata" } });
  });
});

describe("judgePoll", () => {
  const pace = { intervalMs: 5000, failures: 0 };

  it("waits the interval after authorization_pending, and forgets failures", () => {
    const waiting = { next: "wait", afterMs: 5000, pace };
    expect(judgePoll(pace, "authorization_pending")).toEqual(waiting);
    expect(judgePoll({ ...pace, failures: 3 }, "authorization_pending")).toEqual(waiting);
  });

  it("counts the time that the server held the poll toward the interval", () => {
    expect(judgePoll(pace, "authorization_pending", 2_000)).toEqual({ next: "wait", afterMs: 3_000, pace });
    expect(judgePoll(pace, "authorization_pending", 6_000)).toEqual({ next: "wait", afterMs: 0, pace });
    expect(judgePoll(pace, "slow_down", 6_000)).toMatchObject({ afterMs: 10_000 });
  });

  it("D03 adds five seconds to this and all later polls after slow_down (RFC 8628 section 3.5)", () => {
    const slower = judgePoll(pace, "slow_down");
    expect(slower).toEqual({ next: "wait", afterMs: 10_000, pace: { intervalMs: 10_000, failures: 0 } });
    expect(slower.next === "wait" && judgePoll(slower.pace, "authorization_pending")).toMatchObject({ afterMs: 10_000 });
  });

  it("I6 backs off from a server that cannot be reached, by twice the time and at most a minute", () => {
    const waits: number[] = [];
    let current = pace;
    for (let round = 0; round < 20; round += 1) {
      const verdict = judgePoll(current, "unreachable");
      if (verdict.next !== "wait") throw new Error("an unreachable server is asked again");
      waits.push(verdict.afterMs);
      current = verdict.pace;
    }
    expect(waits.slice(0, 4)).toEqual([10_000, 20_000, 40_000, 60_000]);
    expect(new Set(waits.slice(4))).toEqual(new Set([60_000]));
    expect(judgePoll({ intervalMs: 120_000, failures: 5 }, "unreachable")).toMatchObject({ afterMs: 120_000 });
  });

  it.each([
    ["access_denied", "denied"],
    ["expired_token", "renewable"],
    ["refused", "failed"],
  ] as const)("stops after %s", (answer, because) => {
    expect(judgePoll(pace, answer)).toEqual({ next: "stop", because });
  });

  it("reads the four errors of RFC 8628, and any other as a refusal", () => {
    const known = ["authorization_pending", "slow_down", "access_denied", "expired_token"];
    expect(known.map(readPollError)).toEqual(known);
    expect(["invalid_grant", "invalid_client", "__proto__", "", "unreachable"].map(readPollError)).toEqual(Array(5).fill("refused"));
  });
});
