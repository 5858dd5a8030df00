import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import { judgeMandate, type MandateClaims } from "@countersign/protocol/mandate";
import type { Result } from "@countersign/protocol/result";
import { err } from "@countersign/protocol/result";
import { compactVerify, decodeJwt } from "jose";
import type { AuthenticatedClient, BankClient } from "./clients.ts";
import { type KeySets, KeysUnavailable } from "./key-sets.ts";
import type { PaymentRequest } from "./payment.ts";

export interface MandateVerifier {
  /**
   * Verifies the mandate of one payment for the payee that asks: the signature of a trusted wallet, then every claim against what is asked for.
   * Refuses with `mandate_invalid`, `consent_mismatch`, or `unavailable` when the wallet's keys cannot be read.
   */
  verify(request: PaymentRequest, payee: AuthenticatedClient, now: EpochMs): Promise<Result<MandateClaims, Refusal>>;
}

/** `clients` with the role `wallet` are the issuers to trust; `audience` is the bank's origin. */
export function createMandateVerifier(options: {
  readonly clients: readonly BankClient[];
  readonly keySets: KeySets;
  readonly audience: string;
}): MandateVerifier {
  const wallets = new Map(options.clients.filter((client) => client.role === "wallet").map((client) => [client.clientId, client]));
  return {
    async verify(request, payee, now) {
      const jws = issuerSigned(request.mandate);
      const wallet = jws === undefined ? undefined : wallets.get(claimedIssuer(jws));
      if (jws === undefined || wallet === undefined) return invalid("no mandate of a trusted wallet");
      const claims = await verifiedClaims(jws, wallet, options.keySets);
      if (!claims.ok) return claims;
      const expected = {
        issuer: wallet.clientId,
        audience: options.audience,
        payeeId: payee.client.clientId,
        amount: request.amount,
        currency: request.currency,
        checkoutHash: request.checkoutHash,
        keyThumbprint: payee.keyThumbprint,
      };
      const judged = judgeMandate(claims.value, expected, now);
      if (judged.ok && request.id !== `pay_${judged.value.jti}`) return err(refuse("invalid_request", "the id is pay_ and the mandate's jti"));
      return judged;
    },
  };
}

/** An SD-JWT without disclosures and key binding (RFC 9901 section 4): the issuer-signed part and one tilde. */
function issuerSigned(mandate: string): string | undefined {
  return /^([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)~$/.exec(mandate)?.[1];
}

/** Lifetime and every other claim are judged by the protocol's own rules, so only the signature is checked here. */
async function verifiedClaims(jws: string, wallet: BankClient, keySets: KeySets): Promise<Result<unknown, Refusal>> {
  try {
    const { payload, protectedHeader } = await compactVerify(jws, keySets.at(wallet.jwksUri), { algorithms: ["ES256"] });
    if (protectedHeader.typ !== "dc+sd-jwt") return invalid("typ");
    return { ok: true, value: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)) };
  } catch (error) {
    if (error instanceof KeysUnavailable) return err(refuse("unavailable", "the wallet's keys cannot be read"));
    return invalid("signature");
  }
}

/** Read before the signature is checked, only to know whose keys to check it with. */
function claimedIssuer(jws: string): string {
  try {
    return decodeJwt(jws).iss ?? "";
  } catch {
    return "";
  }
}

function invalid(what: string): Result<never, Refusal> {
  return err(refuse("mandate_invalid", what));
}
