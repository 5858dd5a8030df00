import type { Database } from "@countersign/storage/database";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { type ConfirmableAction, type ConfirmParts, spendConfirmation, startConfirmation, verifyConfirmation } from "../../src/passkeys/confirm.ts";
import { credentialKind, credentialRecordId } from "../../src/passkeys/credentials.ts";
import { registrationOptions, verifyRegistration } from "../../src/passkeys/relying-party.ts";
import { Authenticator, type Tweaks } from "../peers/authenticator.ts";
import { storages } from "../peers/storages.ts";

const party = { id: "localhost", name: "Wallet", origin: "http://localhost:4200" };
const shape = z.object({ passkey: z.string() });
const removal: ConfirmableAction<{ passkey: string }> = { type: "remove_passkey", use: "account", parse: (json) => shape.parse(json) };
const other: ConfirmableAction<{ passkey: string }> = { type: "rename_passkey", use: "account", parse: (json) => shape.parse(json) };

let accounts = 0;

/** An account with one passkey, straight into the database. */
async function enrol(database: Database<unknown>, authenticator: Authenticator): Promise<string> {
  accounts += 1;
  const accountId = `usr_${accounts}`;
  const options = await registrationOptions(party, { accountId, userName: "A", displayName: "A" });
  const made = await verifyRegistration(party, authenticator.create(options), options.challenge);
  if (!made.ok) throw new Error("the passkey was refused");
  const value = { ...made.value, accountId, createdAt: 0, usedAt: 0 };
  await database.records(credentialKind).create(credentialRecordId(value.credentialId), value, { keys: { account: accountId } });
  return accountId;
}

describe.each(storages)("a confirmation on $name", (storage) => {
  let opened: Awaited<ReturnType<typeof storage.open>>;
  let parts: ConfirmParts;
  let authenticator: Authenticator;
  let accountId: string;
  let now = 1_000_000;

  beforeAll(async () => {
    opened = await storage.open();
  });
  afterAll(() => opened.close());
  beforeEach(async () => {
    now = 1_000_000;
    parts = { database: opened.database, party, now: () => now };
    authenticator = new Authenticator(party.origin);
    accountId = await enrol(opened.database, authenticator);
  });

  const place = "session:s1";
  const begin = async (tweaks: Tweaks = {}) =>
    authenticator.get(await startConfirmation(parts, { accountId, place }, removal, { passkey: "p1" }), tweaks);

  test("gives back what was confirmed, and the evidence of it", async () => {
    const confirmed = await verifyConfirmation(parts, { accountId, place }, removal, await begin());
    expect(confirmed).toMatchObject({ ok: true, value: { action: { passkey: "p1" }, counter: 1 } });
    expect(confirmed.ok && JSON.parse(confirmed.value.evidence.preimage)).toMatchObject({
      type: "countersign.confirmation",
      action: { type: "remove_passkey", value: { passkey: "p1" } },
      account: accountId,
      iat: 1_000,
      exp: 1_120,
    });
  });

  test("W02 is spent once by 50 at a time", async () => {
    const confirmed = await verifyConfirmation(parts, { accountId, place }, removal, await begin());
    if (!confirmed.ok) throw new Error("refused");
    const spend = () => opened.database.transaction((tx) => spendConfirmation(tx, confirmed.value, now));
    const outcomes = await Promise.all(Array.from({ length: 50 }, spend));
    expect(outcomes.filter((each) => each.ok)).toHaveLength(1);
    expect(await parts.database.records(credentialKind).get(confirmed.value.credential.id, now)).toMatchObject({
      value: { counter: 1, usedAt: now },
    });
  });

  test("W08 serves no other kind of action, place or account", async () => {
    const answer = await begin();
    expect(await verifyConfirmation(parts, { accountId, place }, other, answer)).toMatchObject({ ok: false, error: { code: "consent_mismatch" } });
    expect(await verifyConfirmation(parts, { accountId, place: "session:s2" }, removal, answer)).toMatchObject({
      ok: false,
      error: { code: "challenge_expired" },
    });
    expect(await verifyConfirmation(parts, { accountId: "usr_x", place }, removal, answer)).toMatchObject({
      ok: false,
      error: { code: "consent_mismatch" },
    });
    expect(await verifyConfirmation(parts, { accountId, place }, removal, answer)).toMatchObject({ ok: true });
  });

  test("W05 another account's passkey confirms nothing", async () => {
    const stranger = new Authenticator(party.origin);
    await enrol(opened.database, stranger);
    const options = await startConfirmation(parts, { accountId, place }, removal, { passkey: "p1" });
    const refused = await verifyConfirmation(parts, { accountId, place }, removal, stranger.get(options));
    expect(refused).toMatchObject({ ok: false, error: { code: "unknown_passkey" } });
  });

  test.each<[string, Tweaks]>([
    ["W01 another origin", { origin: "https://evil.example" }],
    ["W03 no user verification", { userVerified: false }],
    ["W04 a counter that does not grow", { counter: 0 }],
    ["W05 a broken signature", { breakSignature: true }],
    ["W06 a frame", { crossOrigin: true }],
  ])("refuses %s", async (_name, tweaks) => {
    const first = await verifyConfirmation(parts, { accountId, place }, removal, await begin({ counter: 5 }));
    if (!first.ok) throw new Error("refused");
    await spendConfirmation(opened.database, first.value, now);
    expect(await verifyConfirmation(parts, { accountId, place }, removal, await begin({ counter: 6, ...tweaks }))).toMatchObject({
      ok: false,
      error: { code: "passkey_refused" },
    });
  });

  test("W07 lives two minutes", async () => {
    const answer = await begin();
    now += 119_999;
    expect(await verifyConfirmation(parts, { accountId, place }, removal, answer)).toMatchObject({ ok: true });
    now += 1;
    expect(await verifyConfirmation(parts, { accountId, place }, removal, answer)).toMatchObject({ ok: false, error: { code: "challenge_expired" } });
  });

  test("a failed verification spends the challenge", async () => {
    const options = await startConfirmation(parts, { accountId, place }, removal, { passkey: "p1" });
    expect((await verifyConfirmation(parts, { accountId, place }, removal, authenticator.get(options, { breakSignature: true }))).ok).toBe(false);
    expect(await verifyConfirmation(parts, { accountId, place }, removal, authenticator.get(options))).toMatchObject({
      ok: false,
      error: { code: "challenge_expired" },
    });
  });
});
