import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accountKind } from "../../src/accounts.ts";
import { atomically } from "../../src/atomically.ts";
import { type Credential, credentialKind, credentialsOf } from "../../src/passkeys/credentials.ts";
import { removePasskey } from "../../src/passkeys/membership.ts";
import { storages } from "../peers/storages.ts";

describe.each(storages)("the passkeys of an account on $name", (storage) => {
  let opened: Awaited<ReturnType<typeof storage.open>>;
  beforeAll(async () => {
    opened = await storage.open();
  });
  afterAll(() => opened.close());

  test("of all removals at the same time at least one passkey is left", async () => {
    const { database } = opened;
    const accountId = "usr_1";
    await database.records(accountKind).create(accountId, { displayName: "Ada", createdAt: 0 });
    const ids = Array.from({ length: 8 }, (_, index) => `passkey-${index}`);
    for (const credentialId of ids) {
      const base = { publicKey: "k", counter: 0, transports: [], deviceType: "multiDevice", backedUp: true, createdAt: 0, usedAt: 0 };
      const value: Credential = { credentialId, accountId, ...base };
      await database.records(credentialKind).create(credentialId, value, { keys: { account: accountId } });
    }
    const request = new Request("http://localhost/");
    const remove = async (passkeyId: string) => {
      const by = await database.records(credentialKind).get(passkeyId, 1);
      if (by === undefined) throw new Error("there is no such passkey");
      return atomically(database, (tx) => removePasskey(tx, { accountId, passkeyId, hasRecoveryCode: false, by, request }, 1));
    };
    const outcomes = await Promise.all(ids.map(remove));
    const left = await credentialsOf(database, accountId, 1);
    expect(left).toHaveLength(8 - outcomes.filter((each) => each.ok).length);
    expect(left.length).toBeGreaterThanOrEqual(1);
    const refusals = outcomes.flatMap((each) => (each.ok ? [] : [each.error.code]));
    expect(refusals.filter((code) => code !== "last_passkey" && code !== "conflict")).toEqual([]);
  });
});
