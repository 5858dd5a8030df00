import type { EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import { err, type Result } from "@countersign/protocol/result";
import { judgeWalletEvent, type WalletEvent } from "@countersign/protocol/wallet-event";
import { compactVerify } from "jose";
import { type KeySource, KeysUnavailable } from "../bearer/key-source.ts";

const lengthMax = 8_192;

/**
 * Verifies an event token of a wallet (RFC 8417): ES256 by one of its published keys, `typ: secevent+jwt`, then its claims. Refuses with `invalid_request`, or
 * with `authorization_server_unreachable` when the keys cannot be read: then the wallet shall try again.
 */
export async function verifyEvent(
  token: string,
  keys: KeySource,
  expected: { readonly issuer: string; readonly audience: string },
  nowMs: EpochMs,
): Promise<Result<WalletEvent, Refusal>> {
  if (token.length > lengthMax || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return err(refuse("invalid_request", "not an event token"));
  try {
    const { payload, protectedHeader } = await compactVerify(
      token,
      (header, input) => {
        if (typeof header.kid !== "string") throw new TypeError("the event names no key");
        return keys.key({ ...header, alg: "ES256" }, input);
      },
      { algorithms: ["ES256"] },
    );
    if (protectedHeader.typ !== "secevent+jwt") return err(refuse("invalid_request", "not an event token: typ"));
    return judgeWalletEvent(JSON.parse(new TextDecoder().decode(payload)), expected, nowMs);
  } catch (error) {
    if (error instanceof KeysUnavailable) return err(refuse("authorization_server_unreachable", "the wallet's keys cannot be read"));
    return err(refuse("invalid_request", "not an event token: signature"));
  }
}
