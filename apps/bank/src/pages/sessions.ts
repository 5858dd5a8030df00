import { createHash, randomBytes } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";
import type { WalletUser } from "./sign-in.ts";

/** A reader signed in for 15 minutes. Kept under the hash of the cookie, so that a copy of the database opens no statement. */
export const sessionKind: RecordKind<WalletUser> = {
  name: "page-session",
  parse: (json) => z.object({ issuer: z.string(), subject: z.string() }).parse(json),
};

export const sessionTtlMs = 900_000;

type RecordStore = Pick<Database<unknown>, "records">;

/** Opens a session and gives what the cookie holds: 256 random bits. */
export async function openSession(database: RecordStore, user: WalletUser, now: EpochMs): Promise<string> {
  const token = randomBytes(32).toString("base64url");
  await database.records(sessionKind).put(idOf(token), user, { expiresAt: now + sessionTtlMs });
  return token;
}

/** Who is signed in; undefined when nobody is. */
export async function findSession(database: RecordStore, token: string | undefined, now: EpochMs): Promise<WalletUser | undefined> {
  return token === undefined ? undefined : (await database.records(sessionKind).get(idOf(token), now))?.value;
}

export async function endSession(database: RecordStore, token: string): Promise<void> {
  await database.records(sessionKind).delete(idOf(token));
}

function idOf(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
