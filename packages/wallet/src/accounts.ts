import { randomBytes } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";

/** A person known to the wallet only by passkeys. `displayName` is what they typed, or made by {@link defaultName}. */
export interface Account {
  readonly displayName: string;
  readonly createdAt: EpochMs;
}

const account = z.object({ displayName: z.string(), createdAt: z.number() });

export const accountKind: RecordKind<Account> = { name: "account", parse: (json) => account.parse(json) };

export const displayNameLengthMax = 60;

/** A new account id, `usr_` and 128 random bits; also the WebAuthn user handle, so it says nothing about the person. */
export function newAccountId(): string {
  return `usr_${randomBytes(16).toString("base64url")}`;
}

/** What an account without a chosen name is called. */
export function defaultName(accountId: string): string {
  return `Wallet user ${accountId.slice(4, 8)}`;
}
