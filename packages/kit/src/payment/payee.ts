import { createHash } from "node:crypto";
import type { EpochMs, Issuer } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import type { MandateClaims } from "@countersign/protocol/mandate";
import { type CheckoutTerms, parseCheckoutTerms } from "@countersign/protocol/payment";
import { parseIssuer } from "@countersign/protocol/resource";
import { err, ok, type Result } from "@countersign/protocol/result";
import { Secret } from "@countersign/protocol/secret";
import type { WalletEvent } from "@countersign/protocol/wallet-event";
import { type JWK, SignJWT } from "jose";
import { createKeySource } from "../bearer/key-source.ts";
import type { Fetch } from "../http/fetch-json.ts";
import { type ApprovalMemory, createProcessMemory } from "./approval-memory.ts";
import { type PayeeKey, prepareSigningKey } from "./signing-key.ts";
import { verifyEvent } from "./verify-event.ts";
import { verifyMandate } from "./verify-mandate.ts";
import { createWalletClient, type PaymentRequestView } from "./wallet-client.ts";

/** Priced terms as the payee signed them, once per checkout version. Plain JSON: store it with the checkout. */
export interface SignedCheckout {
  readonly terms: CheckoutTerms;
  /** ES256 JWS, `typ: checkout+jwt`. */
  readonly jwt: string;
  /** base64url(SHA-256(jwt)): what approval and mandate are bound to. */
  readonly hash: string;
  readonly expiresAt: EpochMs;
}

/** The user's approval of one checkout, verified. The mandate goes to the bank and nowhere else. */
export interface PaymentApproval {
  readonly requestId: string;
  readonly mandate: Secret;
  readonly claims: MandateClaims;
  readonly checkoutHash: string;
}

export interface PayeeOptions {
  /** Issuer of the wallet. */
  readonly wallet: string;
  /** The client id at the wallet, which is the payee id too. */
  readonly clientId: string;
  readonly signingKey: PayeeKey;
  readonly clock?: () => EpochMs;
  readonly fetch?: Fetch;
  /** Makes ids that never repeat. */
  readonly random?: () => string;
  /** What several instances share about approvals that calls were asked for; by default each process knows its own. */
  readonly approvals?: ApprovalMemory;
}

/** One who takes payments through a wallet. */
export interface Payee {
  readonly id: string;
  readonly issuer: Issuer;
  /** The JWK Set that others verify this payee's signatures with. */
  publicKeys(): { readonly keys: readonly JWK[] };
  /** Signs priced terms for 25 minutes. Throws on terms that are not well formed. */
  signCheckout(terms: CheckoutTerms): Promise<SignedCheckout>;
  /** An RFC 7523 client assertion: 60 seconds, used once, for one audience (the wallet's issuer, the bank's origin). */
  assertion(audience: string): Promise<Secret>;
  /**
   * Lodges a signed checkout at the wallet. `subject` is the buyer as an access token of the wallet named them: nobody else can approve then, and the answer is
   * `approved` at once when a policy of theirs covers the payment. Refuses with `checkout_expired` when its signature has lapsed, and with `claimed_elsewhere`
   * when it waits for another buyer.
   */
  lodge(checkout: SignedCheckout, subject?: string): Promise<Result<PaymentRequestView, Refusal>>;
  /** Reads a request, waiting up to `waitSeconds` (0 to 25) for a decision. `not_found` for a request of another payee. */
  read(requestId: string, waitSeconds: number, signal?: AbortSignal): Promise<Result<PaymentRequestView, Refusal>>;
  /**
   * Ends a request that is no longer wanted: nobody can approve it then, and an approval that was not used yet is taken back. Twice is once. Refuses with
   * `conflict` when it has ended otherwise, with `not_found` when it is another payee's.
   */
  withdraw(requestId: string): Promise<Result<PaymentRequestView, Refusal>>;
  /** Verifies the mandate of an approved request against the checkout it must be for. */
  verify(request: PaymentRequestView, checkout: SignedCheckout): Promise<Result<PaymentApproval, Refusal>>;
  /** Verifies an event that the wallet pushed. It is a hint: read the request. Refuses as {@link verifyEvent} does. */
  readEvent(token: string): Promise<Result<WalletEvent, Refusal>>;
  readonly approvals: ApprovalMemory;
  /** An id that never repeats. */
  newId(): string;
  now(): EpochMs;
}

const checkoutLifetimeSeconds = 1500;
const assertionLifetimeSeconds = 60;

/** Builds a payee. Throws on a wallet that is no issuer, or a key that is not P-256. */
export function createPayee(options: PayeeOptions): Payee {
  const issuer = parseIssuer(options.wallet);
  if (!issuer.ok) throw new TypeError(`not an issuer: ${options.wallet}`);
  const clock = options.clock ?? Date.now;
  const send = options.fetch ?? fetch;
  const random = options.random ?? (() => crypto.randomUUID());
  const key = prepareSigningKey(options.signingKey);
  const keys = createKeySource({ issuer: issuer.value, clock, fetch: send });

  const sign = async (claims: Record<string, unknown>, typ: string, audience: string, lifetimeSeconds: number): Promise<string> => {
    const issuedAt = Math.floor(clock() / 1000);
    return await new SignJWT({ ...claims, iss: options.clientId, aud: audience, iat: issuedAt, exp: issuedAt + lifetimeSeconds, jti: random() })
      .setProtectedHeader({ alg: "ES256", kid: key.kid, typ })
      .sign(await key.privateKey());
  };
  const assertion = async (audience: string): Promise<Secret> =>
    new Secret(await sign({ sub: options.clientId }, "JWT", audience, assertionLifetimeSeconds));
  const wallet = createWalletClient({
    issuer: issuer.value,
    fetch: send,
    clock,
    assertion: () => assertion(issuer.value),
    document: () => keys.document(),
  });

  return {
    id: options.clientId,
    issuer: issuer.value,
    publicKeys: () => ({ keys: [key.publicJwk] }),
    async signCheckout(terms) {
      const checkout = parseCheckoutTerms(terms);
      if (!checkout.ok) throw new TypeError(`not a checkout: ${checkout.error.detail ?? checkout.error.code}`);
      const expiresAt = (Math.floor(clock() / 1000) + checkoutLifetimeSeconds) * 1000;
      const jwt = await sign({ checkout: checkout.value }, "checkout+jwt", issuer.value, checkoutLifetimeSeconds);
      return { terms: checkout.value, jwt, hash: createHash("sha256").update(jwt).digest("base64url"), expiresAt };
    },
    assertion,
    async lodge(checkout, subject) {
      return clock() >= checkout.expiresAt ? err(refuse("checkout_expired")) : await wallet.lodge(checkout.jwt, subject);
    },
    read: (requestId, waitSeconds, signal) => wallet.read(requestId, waitSeconds, signal),
    withdraw: (requestId) => wallet.withdraw(requestId),
    async verify(request, checkout) {
      if (request.mandate === undefined) return err(refuse("mandate_invalid", "the wallet gave no mandate"));
      const expected = {
        issuer: issuer.value,
        audience: options.clientId,
        payeeId: options.clientId,
        amount: checkout.terms.amount,
        currency: checkout.terms.currency,
        checkoutHash: checkout.hash,
        keyThumbprint: await key.thumbprint(),
      };
      const claims = await verifyMandate(request.mandate, keys, expected, clock());
      if (!claims.ok) return claims;
      if (claims.value.request_id !== request.id) return err(refuse("mandate_invalid", "request_id"));
      return ok({ requestId: request.id, mandate: request.mandate, claims: claims.value, checkoutHash: checkout.hash });
    },
    readEvent: (token) => verifyEvent(token, keys, { issuer: issuer.value, audience: options.clientId }, clock()),
    approvals: options.approvals ?? createProcessMemory(clock),
    newId: random,
    now: clock,
  };
}
