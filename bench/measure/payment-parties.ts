import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { createPayee, type Payee } from "@countersign/kit/payment/payee";
import { generateSigningKey } from "@countersign/kit/payment/signing-key";
import { mandateClaims } from "@countersign/protocol/mandate";
import type { Outgoing } from "./load.ts";
import { signJws } from "./sign-jws.ts";

/** A store and a wallet as a bank knows them: ids, published keys, and what each of them signs. */
export interface PaymentParties {
  readonly walletIssuer: string;
  /** JWK Sets by the URL they are published at. */
  readonly keySets: Readonly<Record<string, unknown>>;
  readonly payee: Payee;
  /** The same store, with the same key, at another wallet. */
  payeeFor(walletIssuer: string): Payee;
  /** `PUT /accounts/:id` of the wallet. */
  openAccount(bankUrl: string, accountId: string): Outgoing;
  /** `POST /payments` of the store, with a mandate of its own and a fresh client assertion. */
  capture(bankUrl: string, accountId: string): Promise<Outgoing>;
}

export const payeeId = "store";
const amount = 1250;
const currency = "EUR";

/** Makes the keys of both. */
export async function createPaymentParties(walletIssuer: string): Promise<PaymentParties> {
  const signingKey = await generateSigningKey();
  const payeeFor = (wallet: string): Payee => createPayee({ wallet, clientId: payeeId, signingKey });
  const payee = payeeFor(walletIssuer);
  const wallet = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const walletJwk = wallet.publicKey.export({ format: "jwk" });
  const kid = createHash("sha256").update(String(walletJwk.x)).digest("base64url");
  const keyThumbprint = payee.publicKeys().keys[0]?.kid ?? "";
  return {
    walletIssuer,
    payee,
    payeeFor,
    keySets: {
      [keysUrl(payeeId)]: payee.publicKeys(),
      [keysUrl("wallet")]: { keys: [{ ...walletJwk, kid, alg: "ES256", use: "sig" }] },
    },
    openAccount: (bankUrl, accountId) => ({
      method: "PUT",
      path: `/accounts/${accountId}`,
      headers: jsonHeaders(walletAssertion(walletIssuer, bankUrl, kid, wallet.privateKey)),
      body: JSON.stringify({ currency, holder: "usr_1" }),
    }),
    async capture(bankUrl, accountId) {
      const { mandate, jti, checkoutHash } = signMandate({ walletIssuer, bankUrl, accountId, keyThumbprint, kid, key: wallet.privateKey });
      const assertion = (await payee.assertion(bankUrl)).reveal();
      const body = { id: `pay_${jti}`, mandate, amount, currency, checkout_hash: checkoutHash, capture: true };
      return { method: "POST", path: "/payments", headers: { ...jsonHeaders(assertion), "idempotency-key": jti }, body: JSON.stringify(body) };
    },
  };
}

/** Where a party's keys are, as far as the bank of a benchmark knows. */
export function keysUrl(party: string): string {
  return `http://${party}.bench/.well-known/jwks.json`;
}

function jsonHeaders(assertion: string): Readonly<Record<string, string>> {
  return { "content-type": "application/json", authorization: `Bearer ${assertion}` };
}

function walletAssertion(issuer: string, bankUrl: string, kid: string, key: KeyObject): string {
  const now = Math.floor(Date.now() / 1000);
  return signJws({ alg: "ES256", typ: "JWT", kid }, { iss: issuer, sub: issuer, aud: bankUrl, iat: now, exp: now + 60, jti: randomUUID() }, key);
}

interface MandateOrder {
  readonly walletIssuer: string;
  readonly bankUrl: string;
  readonly accountId: string;
  readonly keyThumbprint: string;
  readonly kid: string;
  readonly key: KeyObject;
}

function signMandate(order: MandateOrder): { readonly mandate: string; readonly jti: string; readonly checkoutHash: string } {
  const jti = randomUUID();
  const checkoutHash = createHash("sha256").update(jti).digest("base64url");
  const claims = mandateClaims({
    issuer: order.walletIssuer,
    bank: order.bankUrl,
    subject: "usr_1",
    jti,
    issuedAt: Math.floor(Date.now() / 1000),
    keyThumbprint: order.keyThumbprint,
    details: {
      type: "payment",
      payee: { id: payeeId, name: "Harbour Goods", website: "http://store.bench" },
      amount,
      currency,
      items: [{ name: "Stoneware mug", quantity: 1, amount }],
      checkout_id: `chk_${jti}`,
      checkout_version: 1,
      checkout_hash: checkoutHash,
      payment_instrument: { type: "bank_account", id: order.accountId, description: "Bank account" },
    },
    evidence: "e".repeat(43),
    humanPresent: true,
    requestId: `pr_${jti}`,
  });
  return { mandate: `${signJws({ alg: "ES256", typ: "dc+sd-jwt", kid: order.kid }, claims, order.key)}~`, jti, checkoutHash };
}

/** Signs a checkout of one mug; each has a digest of its own, so each is a payment request of its own. */
export async function signCheckout(payee: Payee): Promise<string> {
  const id = `chk_${randomUUID()}`;
  const items = [{ name: "Stoneware mug", quantity: 1, amount }];
  const signed = await payee.signCheckout({ id, version: 1, amount, currency, items, resource: "http://store.bench/mcp" });
  return signed.jwt;
}
