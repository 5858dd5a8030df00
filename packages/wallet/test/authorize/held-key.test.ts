import { createHash } from "node:crypto";
import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { judgeHeldKey, readSentToken } from "../../src/authorize/held-key.ts";
import { type ProofChanges, Prover } from "../peers/proofs.ts";

const origin = "https://wallet.example";
const url = `${origin}/payment-requests`;
const value = "a-token";
const ath = createHash("sha256").update(value).digest("base64url");

let database: Database<unknown>;
let prover: Prover;
beforeEach(async () => {
  database = await openDatabase<unknown>({ url: "memory:", schema: "wallet", migrations: [] });
  prover = await Prover.make();
});
afterEach(() => {
  vi.useRealTimers();
  return database.close();
});

async function judge(token: { readonly scheme: "bearer" | "dpop"; readonly jkt: string | undefined }, proof?: string): Promise<boolean> {
  const request = new Request(`http://elsewhere.example/payment-requests?x=1`, {
    method: "POST",
    ...(proof === undefined ? {} : { headers: { dpop: proof } }),
  });
  return (await judgeHeldKey({ origin, database, now: Date.now }, request, { ...token, value })).ok;
}

const good = (changes: ProofChanges = {}) => prover.prove(url, undefined, { ...changes, claims: { ath, ...changes.claims } });

describe("a token that was sent", () => {
  test("is good as a bearer token when it is not bound, and with a proof of its key when it is", async () => {
    expect(await judge({ scheme: "bearer", jkt: undefined })).toBe(true);
    expect(await judge({ scheme: "dpop", jkt: prover.thumbprint }, await good())).toBe(true);
  });

  test("O21 is not good as a bearer token when it is bound, nor with a proof when it is not", async () => {
    expect(await judge({ scheme: "bearer", jkt: prover.thumbprint }, await good())).toBe(false);
    expect(await judge({ scheme: "dpop", jkt: undefined }, await good())).toBe(false);
    expect(await judge({ scheme: "dpop", jkt: prover.thumbprint })).toBe(false);
  });

  test.each<readonly [string, () => ProofChanges | Promise<ProofChanges>]>([
    ["another token", () => ({ claims: { ath: createHash("sha256").update("other").digest("base64url") } })],
    ["no token", () => ({ claims: { ath: undefined } })],
    ["another path", () => ({ claims: { htu: `${origin}/other` } })],
    ["another host", () => ({ claims: { htu: "http://elsewhere.example/payment-requests" } })],
    ["another method", () => ({ claims: { htm: "GET" } })],
    ["a minute ago", () => ({ claims: { iat: Math.floor(Date.now() / 1000) - 61 } })],
    ["a minute ahead", () => ({ claims: { iat: Math.floor(Date.now() / 1000) + 61 } })],
    ["nobody in particular", () => ({ claims: { jti: "" } })],
    ["somebody with a long name", () => ({ claims: { jti: "x".repeat(300) } })],
    ["another kind of thing", () => ({ header: { typ: "at+jwt" } })],
    ["a key that is told with its private half", () => ({ header: { jwk: prover.privateJwk } })],
  ])("O20 is not good with a proof for %s", async (_name, change) => {
    // A second that passes would bring a proof of the future within the minute.
    vi.useFakeTimers({ toFake: ["Date"] });
    expect(await judge({ scheme: "dpop", jkt: prover.thumbprint }, await good(await change()))).toBe(false);
  });

  test("O20 is not good with another key's proof, nor with one that came before, also 50 at once", async () => {
    const other = await Prover.make();
    expect(await judge({ scheme: "dpop", jkt: prover.thumbprint }, await other.prove(url, undefined, { claims: { ath } }))).toBe(false);
    const proof = await good();
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => judge({ scheme: "dpop", jkt: prover.thumbprint }, proof)));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
  });

  test("O20 is not good with what is no proof", async () => {
    for (const proof of ["x", "a.b.c", "x".repeat(5_000), `${await good()}, ${await good()}`]) {
      expect(await judge({ scheme: "dpop", jkt: prover.thumbprint }, proof)).toBe(false);
    }
  });
});

describe("readSentToken", () => {
  test("takes one token with one of two schemes, in any case", () => {
    const read = (authorization: string) => readSentToken(new Request(url, { headers: { authorization } }));
    expect(read("Bearer abc")).toEqual({ scheme: "bearer", value: "abc" });
    expect(read("dpop abc")).toEqual({ scheme: "dpop", value: "abc" });
    for (const bad of ["abc", "Basic abc", "Bearer", "Bearer a b", "Bearer a, Bearer b", `Bearer ${"a".repeat(513)}`])
      expect(read(bad)).toBeUndefined();
    expect(readSentToken(new Request(`${url}?access_token=abc`))).toBeUndefined();
  });
});
