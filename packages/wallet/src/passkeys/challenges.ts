import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";
import { sha256 } from "../digest.ts";

export const challengeTtlMs = 120_000;

/** What a ceremony is for. A challenge made for one purpose never serves another. */
export type CeremonyPurpose = "register" | "login" | "approve" | "confirm" | "add_passkey";

/** A challenge as the server remembers it: for one purpose, in one place of one browser: an interaction, or a session's account pages. */
export interface Challenge {
  readonly purpose: CeremonyPurpose;
  readonly interactionUid: string;
  /** register: the account to be made. Otherwise the signed-in account. */
  readonly accountId?: string | undefined;
  /** register: the name that was typed. */
  readonly displayName?: string | undefined;
  /** register: the time zone of the browser, when it told one that the wallet knows. */
  readonly timeZone?: string | undefined;
  /** approve, confirm: everything that the challenge commits to, as canonical JSON. */
  readonly preimage?: string | undefined;
}

const challenge = z.object({
  purpose: z.enum(["register", "login", "approve", "confirm", "add_passkey"]),
  interactionUid: z.string(),
  accountId: z.string().optional(),
  displayName: z.string().optional(),
  timeZone: z.string().optional(),
  preimage: z.string().optional(),
});

export const challengeKind: RecordKind<Challenge> = { name: "passkey-challenge", parse: (json) => challenge.parse(json) };

type RecordStore = Pick<Database<unknown>, "records">;

/** Remembers a challenge for two minutes. `text` is its base64url form. */
export async function rememberChallenge(database: RecordStore, text: string, value: Challenge, now: EpochMs): Promise<void> {
  const created = await database.records(challengeKind).create(sha256(text), value, { expiresAt: now + challengeTtlMs });
  if (!created.ok) throw new Error("a challenge came up twice");
}

/**
 * Finds the challenge that an answer claims to be for, without spending it. Refuses with `challenge_expired` when it is unknown, spent, too old, or
 * was made for another purpose or another interaction; who holds somebody else's challenge can so not even spend it.
 */
export async function findChallenge(
  database: RecordStore,
  text: string,
  expected: { readonly purpose: CeremonyPurpose; readonly interactionUid: string },
  now: EpochMs,
): Promise<Result<Challenge, Refusal>> {
  const found = await database.records(challengeKind).get(sha256(text), now);
  const fits =
    found !== undefined &&
    found.consumedAt === null &&
    found.value.purpose === expected.purpose &&
    found.value.interactionUid === expected.interactionUid;
  return fits ? ok(found.value) : err(refuse("challenge_expired"));
}

/** Spends a challenge: one conditional write, one winner. Refuses with `challenge_expired`. */
export async function spendChallenge(database: RecordStore, text: string, now: EpochMs): Promise<Result<void, Refusal>> {
  const consumed = await database.records(challengeKind).consume(sha256(text), now);
  return consumed.ok ? ok(undefined) : err(refuse("challenge_expired"));
}
