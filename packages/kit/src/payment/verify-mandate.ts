import type { EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import { judgeMandate, type MandateClaims, type MandateExpectation } from "@countersign/protocol/mandate";
import { err, type Result } from "@countersign/protocol/result";
import type { Secret } from "@countersign/protocol/secret";
import { compactVerify } from "jose";
import { type KeySource, KeysUnavailable } from "../bearer/key-source.ts";

/**
 * Verifies a mandate: an SD-JWT without disclosures (one JWS and a tilde), ES256 by a published key of the wallet, then its claims. Refuses with
 * `mandate_invalid`, `consent_mismatch`, or `authorization_server_unreachable` when the keys cannot be read.
 */
export async function verifyMandate(
  mandate: Secret,
  keys: KeySource,
  expected: MandateExpectation,
  nowMs: EpochMs,
): Promise<Result<MandateClaims, Refusal>> {
  const jws = /^([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)~$/.exec(mandate.reveal())?.[1];
  if (jws === undefined) return err(refuse("mandate_invalid", "not an SD-JWT without disclosures"));
  try {
    const { payload, protectedHeader } = await compactVerify(
      jws,
      (header, input) => {
        if (typeof header.kid !== "string") throw new TypeError("the mandate names no key");
        return keys.key({ ...header, alg: "ES256" }, input);
      },
      { algorithms: ["ES256"] },
    );
    if (protectedHeader.typ !== "dc+sd-jwt") return err(refuse("mandate_invalid", "typ"));
    return judgeMandate(JSON.parse(new TextDecoder().decode(payload)), expected, nowMs);
  } catch (error) {
    if (error instanceof KeysUnavailable) return err(refuse("authorization_server_unreachable", "the wallet's keys cannot be read"));
    return err(refuse("mandate_invalid", "signature"));
  }
}
