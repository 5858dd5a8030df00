import type { EpochMs } from "./brand.ts";

/** A passkey that joins an account later, whoever added it, approves payments only after so long: time for the owner to see the notice and remove it. */
export const newPasskeyDelayMs: number = 24 * 3_600_000;

/** An account has at most so many passkeys. */
export const passkeysMax = 20;

/** What the wallet knows of a passkey. `paysFrom`: when it may first move money; left out for the passkey that made the account. `copiedAt`: when a count came back that only a copy gives. */
export interface PasskeyFacts {
  readonly paysFrom?: EpochMs | undefined;
  readonly copiedAt?: EpochMs | undefined;
}

/** `account`: signing in, and changes of the account itself. `money`: whatever makes a payment happen, now or later. */
export type PasskeyUse = "account" | "money";

/** Whether a verified passkey may be used for this. Who only signs in is stopped by neither age nor suspicion, so that the owner can always act (threats W04, W07). */
export function judgePasskeyUse(facts: PasskeyFacts, use: PasskeyUse, now: EpochMs): "allowed" | "too_new" | "copied" {
  if (use === "account") return "allowed";
  if (facts.copiedAt !== undefined) return "copied";
  return facts.paysFrom !== undefined && now < facts.paysFrom ? "too_new" : "allowed";
}

/** Whether a signature count can be the next one of the same authenticator: it grew, or it is always 0, as that of most synced passkeys (WebAuthn section 6.1.1). */
export function isNextCount(stored: number, given: number): boolean {
  return given > stored || (given === 0 && stored === 0);
}

/** Whether one passkey of an account may go. The last one stays unless a recovery code would let its owner back in. */
export function judgePasskeyRemoval(account: { readonly passkeys: number; readonly hasRecoveryCode: boolean }): "allowed" | "last" {
  return account.passkeys > 1 || account.hasRecoveryCode ? "allowed" : "last";
}

/** A passkey of an account beside others. */
export interface MemberFacts extends PasskeyFacts {
  readonly createdAt: EpochMs;
}

/**
 * Whether a passkey may remove this other one. In its first day it removes no older one, or the owner could neither come in and see the notice nor remove it;
 * one that may be a copy removes no other at all (threats W04, W07).
 */
export function judgePasskeyRemover(by: MemberFacts, removed: MemberFacts, now: EpochMs): "allowed" | "too_new" | "copied" {
  const verdict = judgePasskeyUse(by, "money", now);
  return verdict === "too_new" && removed.createdAt >= by.createdAt ? "allowed" : verdict;
}
