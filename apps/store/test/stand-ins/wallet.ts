import { createHash, randomUUID } from "node:crypto";
import { mandateClaims } from "@countersign/protocol/mandate";
import { parseCheckoutTerms } from "@countersign/protocol/payment";
import {
  type CryptoKey,
  calculateJwkThumbprint,
  createLocalJWKSet,
  decodeJwt,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  jwtVerify,
  SignJWT,
} from "jose";
import { record } from "./record.ts";

interface PaymentRequest {
  readonly id: string;
  readonly hash: string;
  readonly jwt: string;
  readonly expiresAt: number;
  status: "created" | "approved" | "denied" | "expired" | "canceled" | "revoked";
  mandate: string | undefined;
  /** The user that lodging named. */
  readonly subject: unknown;
}

/** The wallet's side of the contract in miniature: tokens, payment requests, mandates. */
export interface TestWallet {
  readonly issuer: string;
  readonly requests: ReadonlyMap<string, PaymentRequest>;
  down: boolean;
  /** Users who have a policy for the store: what is lodged in their name is approved at once. */
  readonly policies: Set<string>;
  /** A user's access token for the store. */
  token(subject: string, scope: string, audience?: string): Promise<string>;
  /** The user approves, or a policy of theirs; gives the mandate's jti. */
  approve(requestId: string, subject: string, by?: "person" | "policy"): Promise<string>;
  deny(requestId: string): void;
  expire(requestId: string): void;
  /** The event token of a change, with changes of claims and header after they are right; signed by a stranger when `forged`. */
  event(requestId: string, change?: { claims?: object; typ?: string; forged?: boolean }): Promise<string>;
  fetch(request: Request): Promise<Response>;
}

export interface TestWalletOptions {
  readonly issuer: string;
  readonly bank: string;
  readonly resource: string;
  readonly now: () => number;
  readonly storeKeys: () => Promise<JSONWebKeySet>;
}

export async function createTestWallet(options: TestWalletOptions): Promise<TestWallet> {
  const { issuer, now } = options;
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)), kid: "w1", alg: "ES256", use: "sig" };
  const requests = new Map<string, PaymentRequest>();
  const watchers = new Set<() => void>();
  const wake = (): void => [...watchers].forEach((each) => each());
  const seconds = (): number => Math.floor(now() / 1000);
  const sign = (claims: Record<string, unknown>, typ: string, key: CryptoKey = privateKey): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "w1", typ }).sign(key);

  const wallet: TestWallet = {
    issuer,
    requests,
    down: false,
    policies: new Set(),
    token: (sub, scope, aud = options.resource) =>
      sign({ iss: issuer, aud, sub, client_id: "host", jti: randomUUID(), iat: seconds(), exp: seconds() + 300, scope }, "at+jwt"),
    async approve(requestId, subject, by = "person") {
      const request = needed(requests.get(requestId));
      if (request.status !== "created") throw new Error(`the request is ${request.status}`);
      const jti = `m${randomUUID().replaceAll("-", "")}`;
      if (!isRefund(request)) request.mandate = `${await sign({ ...(await claimsFor(request, subject, jti, by)) }, "dc+sd-jwt")}~`;
      request.status = "approved";
      wake();
      return jti;
    },
    async event(requestId, { claims, typ = "secevent+jwt", forged = false } = {}) {
      const key = forged ? (await generateKeyPair("ES256")).privateKey : privateKey;
      const events = { "urn:countersign:event:payment-request": { status: "approved", sequence: 1 } };
      const subject = { format: "opaque", id: requestId };
      const all = { iss: issuer, aud: "store", iat: seconds(), jti: `evt_${randomUUID()}`, toe: seconds(), sub_id: subject, events, ...claims };
      return sign(all, typ, key);
    },
    deny(requestId) {
      needed(requests.get(requestId)).status = "denied";
      wake();
    },
    expire(requestId) {
      needed(requests.get(requestId)).status = "expired";
      wake();
    },
    async fetch(request) {
      if (wallet.down) throw new TypeError("fetch failed");
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === "/.well-known/oauth-authorization-server") return Response.json(metadataOf(issuer));
      if (pathname === "/jwks") return Response.json({ keys: [publicJwk] });
      if (pathname === "/token") return tokenFor(await request.formData());
      if (pathname === "/payment-requests") return lodge(record(await request.json()));
      if (pathname.endsWith("/cancel")) return withdraw(pathname.split("/")[2] ?? "");
      return readRequest(pathname.slice("/payment-requests/".length), Number(searchParams.get("wait")), request.signal);
    },
  };

  async function claimsFor(request: PaymentRequest, subject: string, jti: string, by: "person" | "policy"): Promise<object> {
    const terms = parseCheckoutTerms(decodeJwt(request.jwt)["checkout"]);
    if (!terms.ok) throw new Error("not terms");
    const { id, version, amount, currency, items } = terms.value;
    const [key] = (await options.storeKeys()).keys;
    return mandateClaims({
      issuer,
      bank: options.bank,
      subject,
      jti,
      issuedAt: seconds(),
      keyThumbprint: await calculateJwkThumbprint(needed(key)),
      details: {
        type: "payment",
        payee: { id: "store", name: "Harbour Goods", website: "https://store.test/" },
        amount,
        currency,
        items,
        checkout_id: id,
        checkout_version: version,
        checkout_hash: request.hash,
        payment_instrument: { type: "bank_account", id: "acc_1", description: "Account 4821" },
      },
      evidence: createHash("sha256").update(jti).digest("base64url"),
      humanPresent: by === "person",
      requestId: request.id,
    });
  }

  async function tokenFor(form: FormData): Promise<Response> {
    const keys = createLocalJWKSet(await options.storeKeys());
    const assertion = form.get("client_assertion");
    await jwtVerify(typeof assertion === "string" ? assertion : "", keys, { audience: issuer, issuer: "store", currentDate: new Date(now()) });
    return Response.json({ access_token: "payee-token", token_type: "Bearer", expires_in: 3600 });
  }

  async function lodge(body: Record<string, unknown>): Promise<Response> {
    const jwt = String(body["checkout_jwt"]);
    const { payload } = await jwtVerify(jwt, createLocalJWKSet(await options.storeKeys()), {
      audience: issuer,
      typ: "checkout+jwt",
      currentDate: new Date(now()),
    });
    const hash = createHash("sha256").update(jwt).digest("base64url");
    const live = [...requests.values()].find((each) => each.hash === hash && (each.status === "created" || each.status === "approved"));
    if (live !== undefined) return Response.json(lodgedView(live));
    const made: PaymentRequest = {
      id: `pr_${randomUUID().replaceAll("-", "")}`,
      hash,
      jwt,
      expiresAt: Number(payload.exp) * 1000,
      status: "created",
      mandate: undefined,
      subject: body["subject"],
    };
    requests.set(made.id, made);
    if (typeof made.subject === "string" && wallet.policies.has(made.subject) && !isRefund(made))
      await wallet.approve(made.id, made.subject, "policy");
    return Response.json(lodgedView(made), { status: 201 });
  }

  function lodgedView(request: PaymentRequest): Record<string, unknown> {
    return { ...viewOf(request), approval_url: `${issuer}/approve/${request.id}`, for_named_user: request.subject !== undefined };
  }

  function withdraw(id: string): Response {
    const request = requests.get(id);
    if (request === undefined) return Response.json({ code: "not_found" }, { status: 404 });
    const isOver = request.status === "denied" || request.status === "expired";
    if (isOver) return Response.json({ code: "conflict" }, { status: 409 });
    if (request.status === "created") request.status = "canceled";
    if (request.status === "approved") request.status = "revoked";
    wake();
    return Response.json({ ...viewOf(request), mandate: undefined });
  }

  async function readRequest(id: string, wait: number, signal: AbortSignal): Promise<Response> {
    const request = requests.get(id);
    if (request === undefined) return Response.json({ code: "not_found" }, { status: 404 });
    if (wait > 0 && request.status === "created") await decided(request, signal);
    return Response.json(viewOf(request));
  }

  function decided(request: PaymentRequest, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        if (request.status === "created" && !signal.aborted) return;
        watchers.delete(done);
        if (signal.aborted) reject(new DOMException("aborted", "AbortError"));
        else resolve();
      };
      watchers.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }
  return wallet;
}

/** Money that comes back: nobody gets a mandate for that. */
function isRefund(request: PaymentRequest): boolean {
  return record(decodeJwt(request.jwt)["checkout"])["refund_of"] !== undefined;
}

function viewOf(request: PaymentRequest): Record<string, unknown> {
  const { id, status, hash, expiresAt, mandate } = request;
  return {
    id,
    status,
    scope: `payment:${id}`,
    checkout_hash: hash,
    expires_at: new Date(expiresAt).toISOString(),
    ...(mandate === undefined || status !== "approved" ? {} : { mandate }),
  };
}

function metadataOf(issuer: string): Record<string, unknown> {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ["code"],
    code_challenge_methods_supported: ["S256"],
  };
}

function needed<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("missing");
  return value;
}
