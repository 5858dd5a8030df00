import { randomBytes } from "node:crypto";
import { Secret } from "@countersign/protocol/secret";
import { boundedText, member } from "@countersign/protocol/shape";
import { openDatabase } from "@countersign/storage/open";
import { createSealer } from "@countersign/storage/sealed";
import type { Adapter } from "oidc-provider";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAdapterFactory } from "../../src/authorize/adapter.ts";
import { changeGrant } from "../../src/authorize/grant-change.ts";
import { createRefreshGrace } from "../../src/authorize/refresh-grace.ts";

const now = () => 1_000_000;
let grants: Adapter;
let close: () => Promise<void>;

beforeEach(async () => {
  const database = await openDatabase<unknown>({ url: "memory:", schema: "wallet", migrations: [] });
  const sealer = createSealer({ current: "k1", keys: { k1: new Secret(randomBytes(32).toString("base64url")) } });
  const grace = createRefreshGrace(database, sealer, now);
  grants = createAdapterFactory({ database, sealer, grace, now })("Grant");
  close = () => database.close();
  await grants.upsert("g", { jti: "g", openid: { scope: "a" } }, 60);
});
afterEach(() => close());

/** Reads what the grant gives, lets `between` happen, and saves it with one more. */
async function add(more: string, between: () => Promise<unknown> = async () => undefined): Promise<string> {
  const read = await grants.find("g");
  await between();
  const scope = [boundedText(member(read?.openid, "scope"), 100) ?? "", more].join(" ").trim();
  await grants.upsert(read === undefined ? "new" : "g", { jti: read === undefined ? "new" : "g", openid: { scope } }, 60);
  return scope;
}

/** Lets something happen the first time only. */
function once(act: () => Promise<unknown>): () => Promise<unknown> {
  let left = 1;
  return async () => (left-- > 0 ? act() : undefined);
}

describe("a change of a grant", () => {
  test("L04 of two that read the same grant neither is lost", async () => {
    expect(await changeGrant(() => add("b"))).toEqual({ ok: true, value: "a b" });
    const other = once(() => changeGrant(() => add("d")));
    expect(await changeGrant(() => add("c", other))).toEqual({ ok: true, value: "a b d c" });
    expect((await grants.find("g"))?.openid).toEqual({ scope: "a b d c" });
  });

  test("L04 L25 a grant that is revoked after it was read stays revoked, and what was allowed then stands alone", async () => {
    const revoke = once(() => grants.destroy("g"));
    expect(await changeGrant(() => add("b", revoke))).toEqual({ ok: true, value: "b" });
    expect(await grants.find("g")).toBeUndefined();
    expect((await grants.find("new"))?.openid).toEqual({ scope: "b" });
  });

  test("that always comes second is refused, and changes nothing", async () => {
    const other = () => changeGrant(() => add("x"));
    expect(await changeGrant(() => add("b", other))).toMatchObject({ ok: false, error: { code: "conflict" } });
    expect((await grants.find("g"))?.openid).toEqual({ scope: "a x x x" });
  });

  test("hides no other error", async () => {
    await expect(changeGrant(async () => Promise.reject(new TypeError("a bug")))).rejects.toThrow("a bug");
  });
});
