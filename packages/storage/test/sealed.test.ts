import { randomBytes } from "node:crypto";
import { Secret } from "@countersign/protocol/secret";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSealer, keyIdOf, keyRing } from "../src/sealed.ts";

const newKey = (): Secret => new Secret(randomBytes(32).toString("base64url"));
const anna = "wallet:refresh-token:usr_anna:https://as.example";
const ben = "wallet:refresh-token:usr_ben:https://as.example";

describe("a sealed value", () => {
  it("opens again under its own identity, whatever it holds", () => {
    const sealer = createSealer({ current: "k1", keys: { k1: newKey() } });
    fc.assert(
      fc.property(fc.string(), fc.string(), (plaintext, aad) => {
        expect(sealer.open(sealer.seal(plaintext, aad), aad)).toEqual({ ok: true, value: plaintext });
      }),
    );
  });

  it("does not open when rows are swapped between two people (X01)", () => {
    const sealer = createSealer({ current: "k1", keys: { k1: newKey() } });
    const rows = { [anna]: sealer.seal("anna's token", anna), [ben]: sealer.seal("ben's token", ben) };
    expect(sealer.open(rows[anna] ?? "", anna)).toEqual({ ok: true, value: "anna's token" });
    expect(sealer.open(rows[ben] ?? "", anna)).toEqual({ ok: false, error: "unsealable" });
    expect(sealer.open(rows[anna] ?? "", ben)).toEqual({ ok: false, error: "unsealable" });
  });

  it("shows nothing of the plaintext and differs each time (X01)", () => {
    const sealer = createSealer({ current: "k1", keys: { k1: newKey() } });
    const sealed = sealer.seal("canary-token", anna);
    expect(sealed).toMatch(/^s1\.k1\.[A-Za-z0-9_-]+$/);
    expect(sealed).not.toContain("canary-token");
    expect(Buffer.from(sealed.slice(6), "base64url").toString("latin1")).not.toContain("canary");
    expect(sealer.seal("canary-token", anna)).not.toBe(sealed);
  });

  it("does not open after any change of its text, and never throws", () => {
    const sealer = createSealer({ current: "k1", keys: { k1: newKey(), k2: newKey() } });
    const sealed = sealer.seal("token", anna);
    const bytes = Buffer.from(sealed.split(".")[2] ?? "", "base64url");
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(sealer.open(`s1.k1.${changed.toString("base64url")}`, anna).ok).toBe(false);
    }
    for (let length = 0; length < bytes.length; length += 1)
      expect(sealer.open(`s1.k1.${bytes.subarray(0, length).toString("base64url")}`, anna).ok).toBe(false);
    for (const other of [sealed.replace("k1", "k2"), sealed.replace("k1", "k3"), sealed.replace("s1", "s2"), `${sealed}.x`, "", "..", "s1.k1"]) {
      expect(sealer.open(other, anna)).toEqual({ ok: false, error: "unsealable" });
    }
    fc.assert(fc.property(fc.string(), (text) => !sealer.open(text, anna).ok));
    expect(sealer.open(sealed, anna).ok).toBe(true);
  });

  it("stays readable while keys rotate, and no longer when its key is gone", () => {
    const [first, second] = [newKey(), newKey()];
    const old = createSealer({ current: "2026-1", keys: { "2026-1": first } });
    const rotating = createSealer({ current: "2026-2", keys: { "2026-1": first, "2026-2": second } });
    const done = createSealer({ current: "2026-2", keys: { "2026-2": second } });
    const before = old.seal("token", anna);
    const after = rotating.seal("token", anna);
    expect(after).toMatch(/^s1\.2026-2\./);
    expect(rotating.open(before, anna)).toEqual({ ok: true, value: "token" });
    expect(done.open(after, anna)).toEqual({ ok: true, value: "token" });
    expect(done.open(before, anna)).toEqual({ ok: false, error: "unsealable" });
    expect(old.open(after, anna)).toEqual({ ok: false, error: "unsealable" });
  });

  it("is not made with a missing, short or unnameable key", () => {
    expect(() => createSealer({ current: "k2", keys: { k1: newKey() } })).toThrow("not among");
    expect(() => createSealer({ current: "k1", keys: { k1: new Secret("canary-too-short") } })).toThrow("32 bytes");
    expect(() => createSealer({ current: "k1", keys: { k1: new Secret("canary-too-short") } })).not.toThrow("canary");
    expect(() => createSealer({ current: "k.1", keys: { "k.1": newKey() } })).toThrow("key's id");
    const asBase64 = new Secret(randomBytes(32).toString("base64"));
    expect(() => createSealer({ current: "k1", keys: { k1: asBase64 } })).not.toThrow();
  });

  it("a ring names its keys by fingerprints, the same in every order, and opens what any of them sealed (X02)", () => {
    const [first, second, other] = [newKey(), newKey(), newKey()];
    const before = createSealer(keyRing(first));
    const rotating = createSealer(keyRing(second, [first]));
    const after = createSealer(keyRing(second));
    const sealed = before.seal("token", anna);
    expect(keyIdOf(sealed)).toBe(before.keyId);
    expect(createSealer(keyRing(first, [second])).keyId).toBe(before.keyId);
    expect(rotating.keyId).toBe(after.keyId);
    expect(rotating.open(sealed, anna)).toEqual({ ok: true, value: "token" });
    expect(after.open(sealed, anna)).toEqual({ ok: false, error: "unsealable" });
    expect(after.open(rotating.seal("token", anna), anna)).toEqual({ ok: true, value: "token" });
    expect(createSealer(keyRing(other, [first])).open(rotating.seal("token", anna), anna).ok).toBe(false);
    for (const text of ["", "token", "s1.k1", "s1..x", "s2.k1.xx", `${sealed}.x`]) expect(keyIdOf(text)).toBeUndefined();
    expect(Object.keys(keyRing(first).keys).join()).not.toContain(first.reveal().slice(0, 8));
  });
});
