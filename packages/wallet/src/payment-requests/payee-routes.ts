import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { refuse } from "@countersign/protocol/errors";
import type { PaymentPayee, PaymentRequestStatus } from "@countersign/protocol/payment";
import { isPaymentIdentifier } from "@countersign/protocol/payment";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { paymentScope } from "@countersign/protocol/scope";
import { boundedText, member } from "@countersign/protocol/shape";
import { readJson } from "@countersign/service/body";
import type { Logger } from "@countersign/service/log";
import { type PlaceBounds, Places } from "@countersign/service/places";
import { respondJson, respondRefusal } from "@countersign/service/respond";
import type { Database } from "@countersign/storage/database";
import type { Sealer } from "@countersign/storage/sealed";
import { Hono } from "hono";
import type Provider from "oidc-provider";
import { accountKind } from "../accounts.ts";
import { authenticateClient, refuseClient, type ServerInterface } from "../authorize/client-token.ts";
import type { WalletClient } from "../options.ts";
import { createPayeeKeys } from "./payee-keys.ts";
import { type Rates, retryHeaders, within } from "../rates/rates.ts";
import { verifyCheckoutJwt } from "./checkout-jwt.ts";
import { type LodgedRequest, lodgePaymentRequest } from "./lodge.ts";
import { mandateBinding } from "./record-approval.ts";
import { isRefund, type PaymentRequest, paymentRequestKind, statusOf, writtenStatusOf } from "./request.ts";
import { waitForDecision } from "./wait.ts";
import { withdrawPayment } from "./withdraw.ts";

export interface PayeeParts {
  readonly issuer: string;
  readonly payees: ServerInterface;
  readonly provider: Provider;
  readonly clients: readonly WalletClient[];
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

/** Answers of this process that wait for a decision: of one payee, and of all. */
const waitingPlaces: PlaceBounds = { user: 2_000, client: 2_000, total: 20_000 };

/** What payees call, server to server, with a token of the client_credentials grant: lodge a payment request, learn of its decision, withdraw it. */
export function payeeRoutes(parts: PayeeParts): Hono {
  const app = new Hono();
  const payeeKeysOf = createPayeeKeys(parts.clients);
  const announced = new Set(parts.clients.flatMap((client) => (client.webhook_uri === undefined ? [] : [client.client_id])));
  const places = new Places(waitingPlaces);
  app.post("/payment-requests", async (c) => {
    const payee = await authenticatePayee(parts, c.req.raw);
    if (!payee.ok) return refuseClient(payee.error, parts.payees);
    const room = await within(parts.rates, "lodge", payee.value.id, parts.now());
    if (!room.ok) return respondRefusal(room.error, retryHeaders(room.error));
    const body = await readJson(c.req.raw, { maxBytes: 131_072 });
    if (!body.ok) return respondRefusal(body.error);
    const jwt = member(body.value, "checkout_jwt");
    if (typeof jwt !== "string") return respondRefusal(refuse("invalid_request", "checkout_jwt is required"));
    const named = member(body.value, "subject");
    const subject = boundedText(named, 200);
    if (named !== undefined && subject === undefined) return respondRefusal(refuse("invalid_request", "subject is a text"));
    const payeeKeys = payeeKeysOf(payee.value.id);
    const checkout = await verifyCheckoutJwt(jwt, { payeeId: payee.value.id, audience: parts.issuer, payeeKeys }, parts.now());
    if (!checkout.ok) return respondRefusal(checkout.error);
    const isAnnounced = announced.has(payee.value.id);
    const buyer = await buyerOf(parts, subject);
    if (isRefund(checkout.value) && buyer === null) return respondRefusal(refuse("invalid_request", "a refund names who gets it"));
    const lodged = await lodgePaymentRequest(parts.database, payee.value, { ...checkout.value, isAnnounced, buyer }, parts.now());
    if (!lodged.ok) return respondRefusal(lodged.error);
    const { id, isNew } = lodged.value;
    parts.logger.info("payment_request.lodged", { paymentRequestId: id, clientId: payee.value.id, state: isNew ? "new" : "same" });
    const request = buyer === null ? lodged.value.request : await tryPolicies(parts, lodged.value, buyer);
    return respondJson(isNew ? 201 : 200, lodgedBody(parts, id, request));
  });

  app.get("/payment-requests/:id", async (c) => {
    const payee = await authenticatePayee(parts, c.req.raw);
    if (!payee.ok) return refuseClient(payee.error, parts.payees);
    const wait = c.req.query("wait") ?? "0";
    if (!/^\d{1,2}$/.test(wait) || Number(wait) > waitSecondsMax) return respondRefusal(refuse("invalid_request", "wait is 0 to 25 seconds"));
    const id = c.req.param("id");
    if (!isPaymentIdentifier(id)) return respondRefusal(refuse("not_found"));
    const query = { id, payeeId: payee.value.id, waitMs: Number(wait) * 1000 };
    const abort = AbortSignal.any([c.req.raw.signal, parts.stopping]);
    const leave = query.waitMs > 0 ? places.take(payee.value.id, undefined) : () => undefined;
    if (leave === undefined) return respondRefusal(refuse("rate_limited"));
    const found = await waitForDecision(parts.database, query, abort, parts.now).finally(leave);
    if (found === undefined) return respondRefusal(refuse("not_found"));
    return respondJson(200, decisionBody(parts, id, found));
  });

  app.post("/payment-requests/:id/cancel", async (c) => {
    const payee = await authenticatePayee(parts, c.req.raw);
    if (!payee.ok) return refuseClient(payee.error, parts.payees);
    const id = c.req.param("id");
    if (!isPaymentIdentifier(id)) return respondRefusal(refuse("not_found"));
    const ended = await withdrawPayment(parts.database, id, { by: "payee", payeeId: payee.value.id }, parts.now());
    if (!ended.ok) return respondRefusal(ended.error);
    const status = writtenStatusOf(ended.value);
    parts.logger.info("payment_request.withdrawn", { paymentRequestId: id, clientId: payee.value.id, state: status });
    return respondJson(200, viewOf(parts, id, ended.value));
  });
  return app;
}

/** The account that the payee named. A name that is nobody's here, such as another issuer's, binds nothing: it would lock everybody out. */
async function buyerOf(parts: PayeeParts, subject: string | undefined): Promise<string | null> {
  const account = subject === undefined ? undefined : await parts.database.records(accountKind).get(subject, parts.now());
  return account?.id ?? null;
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
    // Whom it waits for is not told: a payee that asks without a name learns only that this is nobody's to have for the asking.
    for_named_user: request.buyer !== null,
  };
}

function decisionBody(parts: PayeeParts, id: string, request: PaymentRequest): unknown {
  const view = viewOf(parts, id, request);
  // A payee that learns late, after its bank was quicker, still gets the mandate that it paid with.
  const isUsable = view.status === "approved" || view.status === "redeemed";
  if (request.decision?.status !== "approved" || request.decision.sealedMandate === null || !isUsable) return view;
  const mandate = parts.sealer.open(request.decision.sealedMandate, mandateBinding(id));
  if (!mandate.ok) throw new Error("a mandate does not open: the key file and the database do not belong together");
  return { ...view, mandate: mandate.value };
}

interface RequestView {
  readonly id: string;
  readonly status: PaymentRequestStatus;
  readonly sequence: number;
  readonly checkout_hash: string;
  readonly expires_at: string;
}

function viewOf(parts: PayeeParts, id: string, request: PaymentRequest): RequestView {
  const expiresAt = new Date(request.expiresAt).toISOString();
  return { id, status: statusOf(request, parts.now()), sequence: request.sequence, checkout_hash: request.checkoutHash, expires_at: expiresAt };
}

/** What the payee is called comes from its registration. Refuses as {@link authenticateClient} does. */
async function authenticatePayee(parts: PayeeParts, request: Request): Promise<Result<PaymentPayee, Refusal>> {
  const client = await authenticateClient(parts, request, parts.payees);
  if (!client.ok) return client;
  const { clientId, clientName, clientUri } = client.value;
  if (clientUri === undefined) return err(refuse("invalid_token"));
  return ok({ id: clientId, name: clientName ?? clientId, website: clientUri });
}
