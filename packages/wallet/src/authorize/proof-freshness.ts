import type { EpochMs } from "@countersign/protocol/brand";
import { decodeJwt, errors as joseErrors } from "jose";
import type Provider from "oidc-provider";
import { proofSkewSeconds } from "./proof.ts";

/**
 * Refuses a DPoP proof (RFC 9449 section 4.3) that was made more than 60 s ago or ahead, before anything else looks at it. oidc-provider asks for a nonce and
 * then takes whatever time the proof names; here both have to be fresh, so that a proof made ahead for a stolen nonce is worth a minute.
 */
export function refuseStaleProofs(provider: Provider, now: () => EpochMs): void {
  provider.use(async (ctx, next) => {
    const proof = ctx.method === "POST" ? ctx.get("dpop") : "";
    const madeAt = proof === "" ? undefined : readIssuedAt(proof);
    if (madeAt !== undefined && Math.abs(now() / 1000 - madeAt) > proofSkewSeconds) {
      ctx.status = 400;
      ctx.set("cache-control", "no-store");
      ctx.body = { error: "invalid_dpop_proof", error_description: "the proof's iat is more than a minute away" };
      return;
    }
    await next();
  });
}

/** The time that a proof names; undefined when it names none, which oidc-provider refuses. */
function readIssuedAt(proof: string): number | undefined {
  try {
    return decodeJwt(proof).iat;
  } catch (error) {
    if (error instanceof joseErrors.JOSEError) return undefined;
    throw error;
  }
}
