import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from "@simplewebauthn/server";
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server";
import { challengeTtlMs } from "./challenges.ts";
import { type Credential, toWebAuthnCredential } from "./credentials.ts";

/** ES256, RS256 and EdDSA: what every authenticator of today has one of. */
const algorithmIds = [-7, -257, -8];

/** The wallet as WebAuthn knows it: `id` is the host name of its public URL, `origin` the URL's origin. */
export interface RelyingParty {
  readonly id: string;
  readonly name: string;
  readonly origin: string;
}

export interface NewAccountOptions {
  readonly accountId: string;
  readonly userName: string;
  readonly displayName: string;
  /** Passkeys of the account that are there already: an authenticator that holds one makes no second. */
  readonly known?: readonly Credential[];
}

/** Options for a discoverable passkey with user verification. */
export async function registrationOptions(party: RelyingParty, account: NewAccountOptions): Promise<PublicKeyCredentialCreationOptionsJSON> {
  return generateRegistrationOptions({
    rpName: party.name,
    rpID: party.id,
    userID: Uint8Array.from(Buffer.from(account.accountId)),
    userName: account.userName,
    userDisplayName: account.displayName,
    timeout: challengeTtlMs,
    attestationType: "none",
    excludeCredentials: (account.known ?? []).map((each) => ({ id: each.credentialId, transports: [...each.transports] })),
    authenticatorSelection: { residentKey: "required", userVerification: "required" },
    supportedAlgorithmIDs: algorithmIds,
  });
}

/** Options to sign in with any passkey of this wallet, or with one of `allowed`; `challenge` in base64url, random when left out. */
export async function assertionOptions(
  party: RelyingParty,
  choice: { readonly allowed?: readonly Credential[]; readonly challenge?: string } = {},
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const allowed = choice.allowed?.map((each) => ({ id: each.credentialId, transports: [...each.transports] }));
  return generateAuthenticationOptions({
    rpID: party.id,
    timeout: challengeTtlMs,
    userVerification: "required",
    ...(allowed === undefined ? {} : { allowCredentials: allowed }),
    ...(choice.challenge === undefined ? {} : { challenge: Uint8Array.from(Buffer.from(choice.challenge, "base64url")) }),
  });
}

export type NewCredential = Pick<Credential, "credentialId" | "publicKey" | "counter" | "transports" | "deviceType" | "backedUp">;

/** Verifies a registration against the challenge that it must be for. Anything wrong is `passkey_refused`. */
export async function verifyRegistration(
  party: RelyingParty,
  credential: RegistrationResponseJSON,
  challenge: string,
): Promise<Result<NewCredential, Refusal>> {
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: credential,
      expectedChallenge: challenge,
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithmIds,
    });
    if (!verified || registrationInfo === undefined) return err(refuse("passkey_refused"));
    const made = registrationInfo.credential;
    if (made.id !== credential.id) return err(refuse("passkey_refused", "the credential ids differ"));
    return ok({
      credentialId: made.id,
      publicKey: Buffer.from(made.publicKey).toString("base64url"),
      counter: made.counter,
      transports: made.transports ?? [],
      deviceType: registrationInfo.credentialDeviceType,
      backedUp: registrationInfo.credentialBackedUp,
    });
  } catch {
    return err(refuse("passkey_refused"));
  }
}

/**
 * Verifies an assertion of a known passkey: type, challenge, origin, RP id, presence, verification of the user, and signature. Gives the signature count,
 * which `checkAssertion` judges; anything wrong is `passkey_refused`.
 */
export async function verifyAssertion(
  party: RelyingParty,
  answer: AuthenticationResponseJSON,
  challenge: string,
  known: Credential,
): Promise<Result<number, Refusal>> {
  const userHandle = answer.response.userHandle;
  if (userHandle !== undefined && Buffer.from(userHandle, "base64url").toString() !== known.accountId) {
    return err(refuse("passkey_refused", "the passkey belongs to another account"));
  }
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: answer,
      expectedChallenge: challenge,
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      // The library would judge the count before the signature, so that anybody could claim a count of a copy.
      credential: { ...toWebAuthnCredential(known), counter: 0 },
      requireUserVerification: true,
    });
    return verified ? ok(authenticationInfo.newCounter) : err(refuse("passkey_refused"));
  } catch {
    return err(refuse("passkey_refused"));
  }
}
