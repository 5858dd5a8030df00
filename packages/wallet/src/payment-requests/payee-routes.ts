import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { PaymentPayee } from "@countersign/protocol/payment";
import { isPaymentIdentifier } from "@countersign/protocol/payment";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { parseScope, paymentScope } from "@countersign/protocol/scope";
import { boundedText, member } from "@countersign/protocol/shape";
import { readJson } from "@countersign/service/body";
import type { Logger } from "@countersign/service/log";
import { respondJson, respondRefusal } from "@countersign/service/respond";
import type { Database } from "@countersign/storage/database";
import type { Sealer } from "@countersign/storage/sealed";
import { Hono } from "hono";
import type Provider from "oidc-provider";
import { payeeScope } from "../authorize/resources.ts";
import type { PayeeKeys } from "./payee-keys.ts";
import { type Rates, retryHeaders, within } from "../rates/rates.ts";
import { verifyCheckoutJwt } from "./checkout-jwt.ts";
import { type LodgedRequest, lodgePaymentRequest } from "./lodge.ts";
import { mandateBinding } from "./record-approval.ts";
import { type PaymentRequest, paymentRequestKind, statusOf } from "./request.ts";
import { waitForDecision } from "./wait.ts";

export interface PayeeParts {
  readonly issuer: string;
  readonly payeeResource: string;
  readonly provider: Provider;
  readonly payeeKeys: PayeeKeys;
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly rates: Rates;
  readonly logger: Logger;
  readonly now: () => EpochMs;
  /** Approves a request by a policy of this account, if one covers it. */
  readonly autoApprove: (requestId: string, accountId: string) => Promise<boolean>;
  /** Ends every wait: the wallet is stopping. */
  readonly stopping: AbortSignal;
}

const waitSecondsMax = 25;

/** What payees call, server to server, with a token of the client_credentials grant: lodge a payment request, learn of its decision. */
export function payeeRoutes(parts: PayeeParts): Hono {
  const app = new Hono();
  app.post("/payment-requests", async (c) => {
    const payee = await authenticatePayee(parts, c.req.raw);
    if (!payee.ok) return refusePayee(payee.error);
    const room = await within(parts.rates, "lodge", payee.value.id, parts.now());
    if (!room.ok) return respondRefusal(room.error, retryHeaders(room.error));
    const body = await readJson(c.req.raw, { maxBytes: 131_072 });
    if (!body.ok) return respondRefusal(body.error);
    const jwt = member(body.value, "checkout_jwt");
    if (typeof jwt !== "string") return respondRefusal(refuse("invalid_request", "checkout_jwt is required"));
    const named = member(body.value, "subject");
    const subject = boundedText(named, 200);
    if (named !== undefined && subject === undefined) return respondRefusal(refuse("invalid_request", "subject is a text"));
    const payeeKeys = parts.payeeKeys(payee.value.id);
    const checkout = await verifyCheckoutJwt(jwt, { payeeId: payee.value.id, audience: parts.issuer, payeeKeys }, parts.now());
    if (!checkout.ok) return respondRefusal(checkout.error);
    const lodged = await lodgePaymentRequest(parts.database, payee.value, checkout.value, parts.now());
    parts.logger.info("payment_request.lodged", { paymentRequestId: lodged.id, clientId: payee.value.id, state: lodged.isNew ? "new" : "same" });
    const request = subject === undefined ? lodged.request : await tryPolicies(parts, lodged, subject);
    return respondJson(lodged.isNew ? 201 : 200, lodgedBody(parts, lodged.id, request));
  });

  app.get("/payment-requests/:id", async (c) => {
    const payee = await authenticatePayee(parts, c.req.raw);
    if (!payee.ok) return refusePayee(payee.error);
    const wait = c.req.query("wait") ?? "0";
    if (!/^\d{1,2}$/.test(wait) || Number(wait) > waitSecondsMax) return respondRefusal(refuse("invalid_request", "wait is 0 to 25 seconds"));
    const id = c.req.param("id");
    if (!isPaymentIdentifier(id)) return respondRefusal(refuse("not_found"));
    const query = { id, payeeId: payee.value.id, waitMs: Number(wait) * 1000 };
    const abort = AbortSignal.any([c.req.raw.signal, parts.stopping]);
    const found = await waitForDecision(parts.database, query, abort, parts.now);
    if (found === undefined) return respondRefusal(refuse("not_found"));
    return respondJson(200, decisionBody(parts, id, found));
  });
  return app;
}

/** The request after the policies of the user whom the payee named; as it was when none covers it or it is decided. */
async function tryPolicies(parts: PayeeParts, lodged: LodgedRequest, subject: string): Promise<PaymentRequest> {
  if (statusOf(lodged.request, parts.now()) !== "created" || !(await parts.autoApprove(lodged.id, subject))) return lodged.request;
  parts.logger.info("payment.auto_approved", { paymentRequestId: lodged.id, accountId: subject });
  const decided = await parts.database.records(paymentRequestKind).get(lodged.id, parts.now());
  return decided?.value ?? lodged.request;
}

function lodgedBody(parts: PayeeParts, id: string, request: PaymentRequest): unknown {
  return {
    id,
    status: statusOf(request, parts.now()),
    scope: paymentScope(id),
    approval_url: `${parts.issuer}/approve/${id}`,
    checkout_hash: request.checkoutHash,
    expires_at: new Date(request.expiresAt).toISOString(),
  };
}

function decisionBody(parts: PayeeParts, id: string, request: PaymentRequest): unknown {
  const status = statusOf(request, parts.now());
  const body = { id, status, checkout_hash: request.checkoutHash, expires_at: new Date(request.expiresAt).toISOString() };
  if (request.decision?.status !== "approved") return body;
  const mandate = parts.sealer.open(request.decision.sealedMandate, mandateBinding(id));
  if (!mandate.ok) throw new Error("a mandate does not open: the key file and the database do not belong together");
  return { ...body, mandate: mandate.value };
}

/** Refuses with `invalid_token` or `insufficient_scope`. What the payee is called comes from its registration. */
async function authenticatePayee(parts: PayeeParts, request: Request): Promise<Result<PaymentPayee, Refusal>> {
  const bearer = /^Bearer ([A-Za-z0-9._~+/=-]{1,512})$/i.exec(request.headers.get("authorization") ?? "");
  const token = bearer?.[1] === undefined ? undefined : await parts.provider.ClientCredentials.find(bearer[1]);
  if (token === undefined || !token.isValid || token.aud !== parts.payeeResource || token.clientId === undefined) return err(refuse("invalid_token"));
  const scope = parseScope(token.scope ?? "");
  if (!scope.ok || !scope.value.has(payeeScope)) return err(refuse("insufficient_scope"));
  const client = await parts.provider.Client.find(token.clientId);
  if (client?.clientUri === undefined) return err(refuse("invalid_token"));
  return ok({ id: client.clientId, name: client.clientName ?? client.clientId, website: client.clientUri });
}

function refusePayee(refusal: Refusal): Response {
  const challenge =
    refusal.code === "insufficient_scope" ? `Bearer error="insufficient_scope", scope="${payeeScope}"` : `Bearer error="invalid_token"`;
  return respondRefusal(refusal, { "www-authenticate": challenge });
}
