import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from "@simplewebauthn/server";
import { z } from "zod";

const base64url = (lengthMax: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(lengthMax)
    .regex(/^[A-Za-z0-9_-]+$/);
const credentialId = base64url(1400);
const clientDataJson = base64url(4096);
const transports = z.array(z.string().max(32)).max(10);

const registration = z.object({
  id: credentialId,
  rawId: credentialId,
  type: z.literal("public-key"),
  response: z.object({
    clientDataJSON: clientDataJson,
    attestationObject: base64url(16_384),
    transports: transports.optional(),
  }),
});

const assertion = z.object({
  id: credentialId,
  rawId: credentialId,
  type: z.literal("public-key"),
  response: z.object({
    clientDataJSON: clientDataJson,
    authenticatorData: base64url(4096),
    signature: base64url(2048),
    userHandle: base64url(128).nullish(),
  }),
});

const clientData = z.object({
  type: z.string(),
  challenge: base64url(256),
  origin: z.string(),
  crossOrigin: z.boolean().optional(),
  topOrigin: z.string().optional(),
});

/** An answer of a ceremony, bounded and typed, with the challenge that it claims to be for. Nothing in it is verified yet. */
export interface CeremonyAnswer<T> {
  readonly challenge: string;
  readonly credential: T;
}

/** Reads the answer of `navigator.credentials.create()`. Refuses malformed ones with `invalid_request` and framed ones with `passkey_refused`. */
export function parseRegistration(input: unknown): Result<CeremonyAnswer<RegistrationResponseJSON>, Refusal> {
  const parsed = registration.safeParse(input);
  if (!parsed.success) return err(refuse("invalid_request", "the passkey answer is malformed"));
  const { id, rawId, type, response } = parsed.data;
  const { clientDataJSON, attestationObject } = response;
  return withChallenge(clientDataJSON, {
    id,
    rawId,
    type,
    clientExtensionResults: {},
    response: { clientDataJSON, attestationObject, transports: response.transports ?? [] },
  });
}

/** Reads the answer of `navigator.credentials.get()`. Refuses malformed ones with `invalid_request` and framed ones with `passkey_refused`. */
export function parseAssertion(input: unknown): Result<CeremonyAnswer<AuthenticationResponseJSON>, Refusal> {
  const parsed = assertion.safeParse(input);
  if (!parsed.success) return err(refuse("invalid_request", "the passkey answer is malformed"));
  const { id, rawId, type, response } = parsed.data;
  const { clientDataJSON, authenticatorData, signature, userHandle } = response;
  const answered = { clientDataJSON, authenticatorData, signature };
  return withChallenge(clientDataJSON, {
    id,
    rawId,
    type,
    clientExtensionResults: {},
    response: typeof userHandle === "string" ? { ...answered, userHandle } : answered,
  });
}

/** The verification library lets framed registrations through, so both ceremonies are judged here: top-level pages only. */
function withChallenge<T>(clientDataJSON: string, credential: T): Result<CeremonyAnswer<T>, Refusal> {
  const data = readClientData(clientDataJSON);
  if (data === undefined) return err(refuse("invalid_request", "clientDataJSON is malformed"));
  if (data.crossOrigin === true || data.topOrigin !== undefined) return err(refuse("passkey_refused", "the ceremony ran inside a frame"));
  return ok({ challenge: data.challenge, credential });
}

function readClientData(text: string): z.infer<typeof clientData> | undefined {
  try {
    return clientData.safeParse(JSON.parse(Buffer.from(text, "base64url").toString("utf8"))).data;
  } catch {
    return undefined;
  }
}
