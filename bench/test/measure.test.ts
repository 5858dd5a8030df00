import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { readSample } from "../measure/inside.ts";
import { eachOnce, type Outgoing, repeatFor } from "../measure/load.ts";
import { signJws } from "../measure/sign-jws.ts";

const outgoing: Outgoing = { method: "GET", path: "/", headers: {}, body: "" };

describe("loads", () => {
  it("prepared requests are given once each", () => {
    const next = eachOnce(60_000, [outgoing, { ...outgoing, path: "/2" }]);
    expect([next()?.path, next()?.path, next()]).toEqual(["/", "/2", undefined]);
  });

  it("nothing is given once the time is over", () => {
    expect(eachOnce(0, [outgoing])()).toBeUndefined();
    expect(repeatFor(0, () => outgoing)()).toBeUndefined();
    expect(repeatFor(60_000, () => outgoing)()).toBe(outgoing);
  });
});

describe("samples of another process", () => {
  it("are read when they are whole and refused when they are not", () => {
    const sample = { elapsedMs: 1, cpuUs: 2, latenciesMs: [3] };
    expect(readSample(sample)).toEqual(sample);
    for (const wrong of [undefined, [], { ...sample, cpuUs: "2" }, { ...sample, latenciesMs: [null] }])
      expect(() => readSample(wrong)).toThrow(TypeError);
  });
});

describe("signed tokens", () => {
  it("are JWS whose signature the public key verifies over header and claims", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const [header = "", claims = "", signature = ""] = signJws({ alg: "ES256" }, { sub: "usr_1" }, privateKey).split(".");
    const key = { key: createPublicKey(publicKey.export({ format: "pem", type: "spki" })), dsaEncoding: "ieee-p1363" } as const;
    expect(verify("sha256", Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, "base64url"))).toBe(true);
    expect(verify("sha256", Buffer.from(`${header}.x`), key, Buffer.from(signature, "base64url"))).toBe(false);
    expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toEqual({ sub: "usr_1" });
  });
});
