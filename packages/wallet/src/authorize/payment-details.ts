import type { EpochMs } from "@countersign/protocol/brand";
import { type ApprovedPayment, readPaymentReference } from "@countersign/protocol/payment-reference";
import type { Database } from "@countersign/storage/database";
import type {
  AuthorizationDetail,
  AuthorizationDetailsForAccessToken,
  AuthorizationDetailsForGrantSource,
  AuthorizationDetailsForIntrospection,
  KoaContextWithOIDC,
  RichAuthorizationRequestType,
} from "oidc-provider";
import { errors } from "oidc-provider";
import { type PaymentRequest, paymentRequestKind } from "../payment-requests/request.ts";
import { readPaymentResult } from "./payment-result.ts";
import { paramText, requestedIndicators, type Resources } from "./resources.ts";

export interface PaymentDetailsParts {
  readonly database: Pick<Database<unknown>, "records">;
  readonly resources: Pick<Resources, "find">;
  readonly now: () => EpochMs;
}

interface PaymentDetailsFeature {
  readonly enabled: true;
  readonly types: Readonly<Record<string, RichAuthorizationRequestType>>;
  readonly authorizationDetailsForGrantSource: AuthorizationDetailsForGrantSource;
  readonly authorizationDetailsForAccessToken: AuthorizationDetailsForAccessToken;
  readonly authorizationDetailsForIntrospection: AuthorizationDetailsForIntrospection;
}

/**
 * `authorization_details` of the type `payment` (RFC 9396): the same payment page as a transaction scope leads to, and a token that names what was approved. Only
 * the token that a code (or device code) is exchanged for carries it: a refresh never issues the authority of a payment again.
 */
export function paymentDetailsFeature(parts: PaymentDetailsParts): PaymentDetailsFeature {
  return {
    enabled: true,
    types: { payment: { validate: (ctx) => validate(parts, ctx) } },
    authorizationDetailsForGrantSource: (ctx) => approvedHere(ctx),
    authorizationDetailsForAccessToken: (_ctx, token, source, grantType) =>
      grantType === "refresh_token"
        ? undefined
        : source?.rar?.filter((detail) => token.aud !== undefined && locationsOf(detail).includes(String(token.aud))),
    authorizationDetailsForIntrospection: (_ctx, token) => token.rar,
  };
}

/** What a token says about a payment that was approved. */
export function approvedPaymentOf(requestId: string, request: PaymentRequest): ApprovedPayment {
  const { amount, currency, resource } = request.terms;
  return {
    type: "payment",
    payment_request_id: requestId,
    locations: [resource],
    payee: request.payee,
    amount,
    currency,
    checkout_hash: request.checkoutHash,
  };
}

/**
 * Refuses what can never be shown. One that is open no longer is not refused here: the person is told on a page, as with a transaction scope. At the token
 * endpoint nothing can be added to what was approved.
 */
async function validate(parts: PaymentDetailsParts, ctx: KoaContextWithOIDC): Promise<void> {
  if (ctx.oidc.route === "token") throw new errors.InvalidAuthorizationDetails("a payment is named in the authorization request");
  const reference = readPaymentReference(paramText(ctx, "authorization_details"));
  if (!reference.ok) throw new errors.InvalidAuthorizationDetails(reference.error.detail ?? "the payment cannot be read");
  const { payment_request_id: id, location } = reference.value;
  const found = await parts.database.records(paymentRequestKind).get(id, parts.now());
  if (found === undefined) throw new errors.InvalidAuthorizationDetails("this payment request is not known");
  const { resource, refund_of: refundOf } = found.value.terms;
  // What such a token would say is that somebody paid.
  if (refundOf !== undefined) throw new errors.InvalidAuthorizationDetails("a refund is asked for by its scope");
  const isNamed = requestedIndicators(ctx).some((each) => parts.resources.find(each)?.resource === resource);
  if (!isNamed || (location !== undefined && location !== resource))
    throw new errors.InvalidAuthorizationDetails("the payment is for another resource");
}

function approvedHere(ctx: KoaContextWithOIDC): readonly AuthorizationDetail[] | undefined {
  const approved = readPaymentResult(ctx.oidc.result)?.approved ?? [];
  return ctx.oidc.entities.Grant?.rar?.filter((detail) => approved.includes(String(detail["payment_request_id"])));
}

function locationsOf(detail: AuthorizationDetail): readonly unknown[] {
  const locations: unknown = detail["locations"];
  return Array.isArray(locations) ? locations : [];
}
