import type { AuthenticationResponseJSON } from "@simplewebauthn/server";
import type { Credential } from "./credentials.ts";

/** What proves later that a person signed: enough to verify the passkey's signature again. `preimage` is the canonical JSON whose SHA-256 was the challenge. */
export interface Evidence {
  readonly credential_id: string;
  readonly public_key: string;
  readonly client_data_json: string;
  readonly authenticator_data: string;
  readonly signature: string;
  readonly preimage: string;
}

/** Puts the evidence of a verified assertion together. */
export function evidenceOf(credential: Credential, answer: AuthenticationResponseJSON, preimage: string): Evidence {
  return {
    credential_id: credential.credentialId,
    public_key: credential.publicKey,
    client_data_json: answer.response.clientDataJSON,
    authenticator_data: answer.response.authenticatorData,
    signature: answer.response.signature,
    preimage,
  };
}
