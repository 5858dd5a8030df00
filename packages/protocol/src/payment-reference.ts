import type { Refusal } from "./errors.ts";
import { refuse } from "./errors.ts";
import { isPaymentIdentifier, type PaymentPayee } from "./payment.ts";
import { parseResourceUri } from "./resource.ts";
import type { Result } from "./result.ts";
import { err, ok } from "./result.ts";
import { boundedText, hasOnlyMembers, isJsonObject, member } from "./shape.ts";

/**
 * What a client asks for in `authorization_details` (RFC 9396): one payment request that a payee lodged. Amount and payee are the lodged request's, so a client
 * has no way to name others.
 */
export interface PaymentReference {
  readonly type: "payment";
  readonly payment_request_id: string;
  /** Where the token will be used, in canonical form; undefined when the request does not say. */
  readonly location: string | undefined;
}

/** The element that a token carries once the user approved: the reference with what was approved. The words are the wire's. */
export interface ApprovedPayment {
  readonly type: "payment";
  readonly payment_request_id: string;
  readonly locations: readonly [string];
  readonly payee: PaymentPayee;
  readonly amount: number;
  readonly currency: string;
  readonly checkout_hash: string;
}

/** Reads one element; closed shape (RFC 9396 section 5). Refuses with `invalid_authorization_details`. */
export function parsePaymentReference(value: unknown): Result<PaymentReference, Refusal> {
  const refused = (detail: string): Result<PaymentReference, Refusal> => err(refuse("invalid_authorization_details", detail));
  if (!isJsonObject(value) || !hasOnlyMembers(value, ["type", "payment_request_id", "locations"])) {
    return refused("a payment is { type, payment_request_id, locations }");
  }
  const id = member(value, "payment_request_id");
  if (member(value, "type") !== "payment" || !isPaymentIdentifier(id)) return refused("type is payment, and payment_request_id a lodged request's");
  const locations = member(value, "locations");
  if (locations === undefined) return ok({ type: "payment", payment_request_id: id, location: undefined });
  const location = Array.isArray(locations) && locations.length === 1 ? parseResourceUri(boundedText(locations[0], 2048) ?? "") : undefined;
  if (!location?.ok) return refused("locations has the one resource that the payment is for");
  return ok({ type: "payment", payment_request_id: id, location: location.value });
}

/** The element of an `authorization_details` text: exactly one. Refuses with `invalid_authorization_details`. */
export function readPaymentReference(text: string): Result<PaymentReference, Refusal> {
  if (text.length > 4096) return err(refuse("invalid_authorization_details", "authorization_details is longer than 4096 characters"));
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return err(refuse("invalid_authorization_details", "authorization_details is not JSON"));
  }
  if (!Array.isArray(list) || list.length !== 1) return err(refuse("invalid_authorization_details", "one payment at a time"));
  return parsePaymentReference(list[0]);
}
