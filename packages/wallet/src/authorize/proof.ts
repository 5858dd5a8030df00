import type { EpochMs } from "@countersign/protocol/brand";
import { proofTarget } from "@countersign/protocol/dpop";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import { calculateJwkThumbprint, EmbeddedJWK, errors as joseErrors, jwtVerify } from "jose";
import { z } from "zod";
import { sha256 } from "../digest.ts";

/** A proof's id that was used: it may not come again as long as the proof is fresh. */
export const usedProofKind: RecordKind<null> = { name: "used-proof", parse: () => null };

/** How far a proof's time may be from ours, in seconds. */
export const proofSkewSeconds = 60;

const proofLengthMax = 4_096;

/** The request that a proof has to be for. `accessToken` is the token that goes with it, when there is one. */
export interface ProvedRequest {
  readonly method: string;
  readonly url: string;
  readonly accessToken?: string;
}

const claims = z.object({
  jti: z.string().min(1).max(256),
  iat: z.number(),
  htm: z.string(),
  htu: z.string().max(2_048),
  ath: z.string().optional(),
});

/**
 * Verifies a proof of possession as a resource server does (RFC 9449 sections 4.3 and 7): made for this request and token, at most a minute away, by the key
 * in its header, and used once. Gives the key's thumbprint (RFC 7638). Refuses with `invalid_token`.
 */
export async function verifyProof(
  parts: { readonly database: Pick<Database<unknown>, "records">; readonly now: () => EpochMs },
  proof: string,
  request: ProvedRequest,
): Promise<Result<string, Refusal>> {
  const read = proof.length > proofLengthMax ? undefined : await readProof(proof, parts.now());
  if (read === undefined) return err(refuse("invalid_token", "the proof of possession cannot be read"));
  const { thumbprint, jti, iat, htm, htu, ath } = read;
  const target = URL.parse(htu);
  const isForThis = htm === request.method && target !== null && proofTarget(target) === proofTarget(new URL(request.url));
  const isForToken = request.accessToken === undefined || ath === sha256(request.accessToken);
  if (!isForThis || !isForToken) return err(refuse("invalid_token", "the proof of possession is for another request"));
  if (Math.abs(parts.now() / 1000 - iat) > proofSkewSeconds) return err(refuse("invalid_token", "the proof of possession is too old"));
  const id = sha256(`${thumbprint}\n${jti}`);
  const first = await parts.database.records(usedProofKind).create(id, null, { expiresAt: parts.now() + 2 * (proofSkewSeconds + 1) * 1000 });
  return first.ok ? ok(thumbprint) : err(refuse("invalid_token", "the proof of possession was used before"));
}

interface ReadProof extends z.infer<typeof claims> {
  readonly thumbprint: string;
}

async function readProof(proof: string, now: EpochMs): Promise<ReadProof | undefined> {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, { algorithms: ["ES256"], typ: "dpop+jwt", currentDate: new Date(now) });
    const parsed = claims.safeParse(payload);
    if (!parsed.success || protectedHeader.jwk === undefined) return undefined;
    return { ...parsed.data, thumbprint: await calculateJwkThumbprint(protectedHeader.jwk) };
  } catch (error) {
    if (error instanceof joseErrors.JOSEError || error instanceof TypeError) return undefined;
    throw error;
  }
}
