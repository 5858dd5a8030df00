import { randomBytes } from "node:crypto";
import { Secret } from "@countersign/protocol/secret";
import { createSealer, type Sealer } from "@countersign/storage/sealed";
import { expect, it } from "vitest";
import { CallPapers } from "../../src/call/papers.ts";

function counting(): { readonly sealer: Sealer; readonly opened: string[] } {
  const sealer = createSealer({ current: "k1", keys: { k1: new Secret(randomBytes(32).toString("base64url")) } });
  const opened: string[] = [];
  const open: Sealer["open"] = (sealed, aad) => {
    opened.push(aad);
    return sealer.open(sealed, aad);
  };
  return { sealer: { keyId: sealer.keyId, seal: (text, aad) => sealer.seal(text, aad), open }, opened };
}

it("papers that were sealed just now open once without deciphering, and then by it, to the same", () => {
  const { sealer, opened } = counting();
  const papers = new CallPapers(sealer);
  const sealed = papers.seal("arguments", "usr_1", "call_1", { sku: "mug" });
  expect(papers.open("arguments", "usr_1", "call_1", sealed)).toEqual({ ok: true, value: { sku: "mug" } });
  expect(opened).toEqual([]);
  expect(papers.open("arguments", "usr_1", "call_1", sealed)).toEqual({ ok: true, value: { sku: "mug" } });
  expect(opened).toHaveLength(1);
});

it("papers that were sealed just now open for no other user, call or part", () => {
  const papers = new CallPapers(counting().sealer);
  const sealed = papers.seal("result", "usr_1", "call_1", { total: 1 });
  expect(papers.open("result", "usr_2", "call_1", sealed)).toEqual({ ok: false, error: "unsealable" });
  expect(papers.open("result", "usr_1", "call_2", sealed)).toEqual({ ok: false, error: "unsealable" });
  expect(papers.open("arguments", "usr_1", "call_1", sealed)).toEqual({ ok: false, error: "unsealable" });
  expect(papers.open("result", "usr_1", "call_1", sealed)).toEqual({ ok: true, value: { total: 1 } });
});

it("papers that nobody opens are forgotten, the oldest first", () => {
  const { sealer, opened } = counting();
  const papers = new CallPapers(sealer);
  const first = papers.seal("result", "usr_1", "call_0", { at: 0 });
  for (let at = 1; at <= 64; at += 1) papers.seal("result", "usr_1", `call_${at}`, { at });
  expect(papers.open("result", "usr_1", "call_0", first)).toEqual({ ok: true, value: { at: 0 } });
  expect(opened).toHaveLength(1);
});
