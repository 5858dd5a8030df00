import { randomUUID } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import { isMinorUnits } from "@countersign/protocol/money";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { SignJWT } from "jose";
import { z } from "zod";
import { readBounded } from "../bounded-body.ts";
import { sha256 } from "../digest.ts";
import type { SigningKey } from "../keys.ts";

/** An account of a user at the bank. `available` in minor units; `description` is masked and may be shown. */
export interface FundingAccount {
  readonly id: string;
  readonly currency: string;
  readonly available: number;
  readonly description: string;
}

export interface BankClient {
  /**
   * The user's account in a currency; the bank opens it the first time. Refuses with `unavailable` when the bank does not answer, or not as agreed:
   * then nothing was lost and the same call may be made again.
   */
  openAccount(account: { readonly userId: string; readonly currency: string; readonly holder: string }): Promise<Result<FundingAccount, Refusal>>;
}

export interface BankClientParts {
  readonly bankUrl: string;
  readonly issuer: string;
  /** The key that signs now. */
  readonly key: SigningKey;
  readonly now: () => EpochMs;
}

const assertionTtlSeconds = 60;
const timeoutMs = 4_000;

const answer = z.object({
  id: z.string(),
  currency: z.string(),
  available: z.number().refine(isMinorUnits),
  description: z.string().min(1).max(120),
});

export function createBankClient(parts: BankClientParts): BankClient {
  return {
    async openAccount({ userId, currency, holder }) {
      const id = fundingAccountId(userId, currency);
      const body = await putJson(new URL(`/accounts/${id}`, parts.bankUrl), await clientAssertion(parts), { currency, holder, subject: userId });
      const parsed = answer.safeParse(body);
      if (!parsed.success || parsed.data.id !== id || parsed.data.currency !== currency)
        return err(refuse("unavailable", "the bank does not answer"));
      return ok(parsed.data);
    },
  };
}

/** One account a user and currency, named so that opening it twice is opening it once. */
function fundingAccountId(userId: string, currency: string): string {
  return `acc_${sha256(`${userId}\n${currency}`).slice(0, 22)}`;
}

/** The wallet's proof of who it is (RFC 7523 section 2.2), for one request within 60 s. */
async function clientAssertion(parts: BankClientParts): Promise<string> {
  const issuedAt = Math.floor(parts.now() / 1000);
  const { key } = parts;
  return new SignJWT({ iss: parts.issuer, sub: parts.issuer, aud: new URL(parts.bankUrl).origin, jti: randomUUID() })
    .setProtectedHeader({ alg: "ES256", typ: "JWT", kid: key.kid })
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + assertionTtlSeconds)
    .sign(key.privateKey);
}

/** The JSON of a successful answer; undefined for any other outcome. */
async function putJson(url: URL, assertion: string, body: unknown): Promise<unknown> {
  try {
    const response = await fetch(url, {
      method: "PUT",
      headers: { authorization: `Bearer ${assertion}`, "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body),
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    return response.ok ? JSON.parse((await readBounded(response)).toString("utf8")) : undefined;
  } catch {
    return undefined;
  }
}
