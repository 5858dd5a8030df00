import type { EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import { judgePaymentEvent, type PaymentEvent } from "@countersign/protocol/payment-event";
import { err, ok, type Result } from "@countersign/protocol/result";
import { compactVerify, createRemoteJWKSet, customFetch, errors } from "jose";
import { readBounded } from "./bank-client.ts";

/** Judges what the bank pushes. */
export interface BankEvents {
  /**
   * Verifies an event token (RFC 8417): ES256 by one of the bank's published keys, `typ: secevent+jwt`, then its claims. Refuses with `invalid_request`, or with
   * `unavailable` when the keys cannot be read: then the bank shall try again.
   */
  read(token: string): Promise<Result<PaymentEvent, Refusal>>;
}

export interface BankEventOptions {
  /** The bank's origin, which issues events. */
  readonly bank: string;
  /** The store's payee id, which they are for. */
  readonly clientId: string;
  readonly fetch: typeof fetch;
  readonly clock: () => EpochMs;
}

const lengthMax = 8_192;

/** Makes the judge. The bank's keys are read when an event first needs them, and again, at most every 30 s, when one names an unknown key. */
export function openBankEvents({ bank, clientId, fetch: send, clock }: BankEventOptions): BankEvents {
  const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", bank), {
    timeoutDuration: 5_000,
    [customFetch]: async (url, init) => bounded(await send(url, init)),
  });
  const unreadable: Result<never, Refusal> = err(refuse("unavailable", "the bank's keys cannot be read"));
  return {
    async read(token) {
      if (token.length > lengthMax || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return invalid("not an event token");
      let areKeysRead = true;
      try {
        const { payload, protectedHeader } = await compactVerify(
          token,
          async (header, input) => {
            if (typeof header.kid !== "string") throw new TypeError("the event names no key");
            try {
              return await keys({ ...header, alg: "ES256" }, input);
            } catch (error) {
              areKeysRead = error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
              throw error;
            }
          },
          { algorithms: ["ES256"] },
        );
        if (protectedHeader.typ !== "secevent+jwt") return invalid("typ");
        const claims: unknown = JSON.parse(new TextDecoder().decode(payload));
        const judged = judgePaymentEvent(claims, { issuer: bank, audience: clientId }, clock());
        return judged.ok ? ok(judged.value) : judged;
      } catch {
        return areKeysRead ? invalid("signature") : unreadable;
      }
    },
  };
}

async function bounded(response: Response): Promise<Response> {
  const text = await readBounded(response);
  if (text === undefined) throw new RangeError("the key set is too large");
  return new Response(text, { status: response.status });
}

function invalid(what: string): Result<never, Refusal> {
  return err(refuse("invalid_request", what));
}
