import { createHash } from "node:crypto";
import { mandateClaims } from "@countersign/protocol/mandate";
import type { CheckoutTerms, PaymentRequestStatus } from "@countersign/protocol/payment";
import { parseCheckoutTerms } from "@countersign/protocol/payment";
import { member } from "@countersign/protocol/shape";
import { calculateJwkThumbprint, decodeJwt, importJWK, jwtVerify } from "jose";
import { type Payee, createPayee } from "../../src/payment/payee.ts";
import { generateSigningKey } from "../../src/payment/signing-key.ts";
import type { TestClock } from "./clock.ts";
import { createTestIssuer, type TestIssuer } from "./issuer.ts";

interface Lodged {
  readonly id: string;
  readonly hash: string;
  readonly terms: CheckoutTerms;
  status: PaymentRequestStatus;
  mandate?: string;
  /** The only user who can approve. */
  buyer?: string;
}

/** A wallet in miniature: lodging, reading, and a user who decides when told to. */
export interface TestWallet {
  readonly issuer: TestIssuer;
  readonly payee: Payee;
  readonly requests: Map<string, Lodged>;
  /** The user that each lodging named. */
  readonly subjects: unknown[];
  /** Lodgings that name this user are approved at once, as by a policy. */
  policyOf: string | undefined;
  /** What lodging says instead of the request's own page. */
  approvalUrl: string | undefined;
  /** Readings that wait get their answer when this resolves, unless they are aborted before. */
  hold: (() => Promise<void>) | undefined;
  /** How long each reading of a request asked to wait, in seconds. */
  readonly waits: string[];
  /** Client assertions that were used. */
  readonly assertions: string[];
  /** Access tokens that are accepted; emptying it is a restart of the wallet. */
  readonly tokens: Set<string>;
  approve(id: string, change?: Record<string, unknown>, header?: Record<string, unknown>): Promise<void>;
  decide(id: string, status: Exclude<PaymentRequestStatus, "created" | "approved">): void;
}

export const terms: CheckoutTerms = {
  id: "co_1",
  version: 1,
  amount: 2600,
  currency: "EUR",
  items: [{ name: "Mug", quantity: 2, amount: 2600 }],
  resource: "https://store.test/mcp",
};

export async function createTestWallet(clock: TestClock): Promise<TestWallet> {
  const issuer = await createTestIssuer(clock);
  const payee = createPayee({
    wallet: issuer.issuer,
    clientId: "store",
    signingKey: await generateSigningKey(),
    clock: clock.now,
    fetch: issuer.fetch,
  });
  const requests = new Map<string, Lodged>();
  const wallet: TestWallet = {
    issuer,
    payee,
    requests,
    subjects: [],
    policyOf: undefined,
    approvalUrl: undefined,
    hold: undefined,
    waits: [],
    assertions: [],
    tokens: new Set(),
    async approve(id, change = {}, header = {}) {
      const request = found(requests, id);
      const { keys } = payee.publicKeys();
      const key = keys[0];
      if (!key) throw new TypeError("no key");
      const { id: checkoutId, version, resource: _resource, ...priced } = request.terms;
      const claims = mandateClaims({
        issuer: issuer.issuer,
        bank: "https://bank.test",
        subject: "usr_1",
        jti: `mnd_${id}`,
        issuedAt: Math.floor(clock.now() / 1000),
        keyThumbprint: await calculateJwkThumbprint(key),
        details: {
          type: "payment",
          payee: { id: "store", name: "Harbour Goods", website: "https://store.test/" },
          ...priced,
          checkout_id: checkoutId,
          checkout_version: version,
          checkout_hash: request.hash,
          payment_instrument: { type: "bank_account", id: "acc_1", description: "Account ending 0001" },
        },
        evidence: "A".repeat(43),
        humanPresent: true,
        requestId: id,
      });
      request.mandate = `${await issuer.sign({ ...claims, ...change }, { typ: "dc+sd-jwt", ...header })}~`;
      request.status = "approved";
    },
    decide(id, status) {
      found(requests, id).status = status;
    },
  };
  issuer.handlers.set("/token", (request) => grantToken(wallet, clock, request));
  issuer.handlers.set("/payment-requests", (request) => servePaymentRequests(wallet, clock, request));
  return wallet;
}

async function grantToken(wallet: TestWallet, clock: TestClock, request: Request): Promise<Response> {
  const form = new URLSearchParams(await request.text());
  const assertion = form.get("client_assertion") ?? "";
  const [key] = wallet.payee.publicKeys().keys;
  const { payload } = await jwtVerify(assertion, await importJWK({ ...key }, "ES256"), {
    audience: wallet.issuer.issuer,
    issuer: "store",
    subject: "store",
    currentDate: new Date(clock.now()),
    requiredClaims: ["jti", "exp"],
  });
  const fresh = !wallet.assertions.includes(assertion) && Number(payload.exp) - Number(payload.iat) <= 60;
  const asked = form.get("grant_type") === "client_credentials" && form.get("scope") === "payment_requests";
  if (!fresh || !asked || form.get("resource") !== `${wallet.issuer.issuer}/payment-requests`) return new Response("{}", { status: 400 });
  wallet.assertions.push(assertion);
  const token = `token-${wallet.assertions.length}`;
  wallet.tokens.add(token);
  return Response.json({ access_token: token, token_type: "Bearer", expires_in: 300 });
}

const withdrawnAs: Partial<Record<PaymentRequestStatus, PaymentRequestStatus>> = {
  created: "canceled",
  approved: "revoked",
  canceled: "canceled",
  revoked: "revoked",
};

function withdraw(lodged: Lodged | undefined, clock: TestClock): Response {
  if (!lodged) return Response.json({ code: "not_found" }, { status: 404 });
  const next = withdrawnAs[lodged.status];
  if (next === undefined) return Response.json({ code: "conflict" }, { status: 409 });
  lodged.status = next;
  return Response.json({ ...view(lodged, clock), checkout_hash: lodged.hash });
}

async function servePaymentRequests(wallet: TestWallet, clock: TestClock, request: Request): Promise<Response> {
  if (!wallet.tokens.has(request.headers.get("authorization")?.slice(7) ?? "")) return Response.json({ error: "invalid_token" }, { status: 401 });
  const url = new URL(request.url);
  const lodged = wallet.requests.get(url.pathname.split("/")[2] ?? "");
  if (request.method === "POST" && url.pathname.endsWith("/cancel")) return withdraw(lodged, clock);
  if (request.method === "POST") return lodge(wallet, clock, await request.json());
  const seconds = url.searchParams.get("wait") ?? "";
  wallet.waits.push(seconds);
  if (seconds !== "0" && wallet.hold !== undefined) await Promise.race([wallet.hold(), rejectedOn(request.signal)]);
  if (!lodged) return Response.json({ error: "not_found", code: "not_found" }, { status: 404 });
  const hasMandate = lodged.status === "approved" || lodged.status === "redeemed";
  return Response.json({ ...view(lodged, clock), checkout_hash: lodged.hash, ...(hasMandate ? { mandate: lodged.mandate } : {}) });
}

function rejectedOn(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new TypeError("aborted")), { once: true }));
}

async function lodge(wallet: TestWallet, clock: TestClock, body: unknown): Promise<Response> {
  const subject = member(body, "subject");
  wallet.subjects.push(subject);
  const jwt = String(member(body, "checkout_jwt"));
  const hash = createHash("sha256").update(jwt).digest("base64url");
  const live = [...wallet.requests.values()].find((each) => each.hash === hash && each.status !== "denied" && each.status !== "expired");
  if (live && live.buyer !== undefined && subject !== undefined && live.buyer !== subject) {
    return Response.json({ error: "access_denied", code: "claimed_elsewhere" }, { status: 403 });
  }
  if (live && live.status === "created" && typeof subject === "string") live.buyer = subject;
  if (live) return Response.json(lodgedView(wallet, live, clock));
  const parsed = parseCheckoutTerms(decodeJwt(jwt)["checkout"]);
  if (!parsed.ok) return Response.json({ error: parsed.error.code, code: parsed.error.code }, { status: 400 });
  const lodged: Lodged = {
    id: `pr_${wallet.requests.size + 1}`,
    hash,
    terms: parsed.value,
    status: "created",
    ...(typeof subject === "string" ? { buyer: subject } : {}),
  };
  wallet.requests.set(lodged.id, lodged);
  if (wallet.policyOf !== undefined && wallet.policyOf === subject) await wallet.approve(lodged.id, { human_present: false });
  return Response.json(lodgedView(wallet, lodged, clock), { status: 201 });
}

function lodgedView(wallet: TestWallet, lodged: Lodged, clock: TestClock): Record<string, unknown> {
  const approval_url = wallet.approvalUrl ?? `https://wallet.test/approve/${lodged.id}`;
  return { ...view(lodged, clock), approval_url, for_named_user: lodged.buyer !== undefined };
}

function view(lodged: Lodged, clock: TestClock): Record<string, unknown> {
  const expires = new Date(clock.now() + 900_000).toISOString();
  return {
    id: lodged.id,
    status: lodged.status,
    scope: `payment:${lodged.id}`,
    expires_at: expires,
  };
}

function found(requests: ReadonlyMap<string, Lodged>, id: string): Lodged {
  const request = requests.get(id);
  if (!request) throw new TypeError(`no request ${id}`);
  return request;
}
