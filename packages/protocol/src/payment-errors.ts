import { errorEntry as e, type ErrorEntry } from "./error-entry.ts";

/** The codes of payments, accounts and idempotent writes. A code is stable once released. */
export type PaymentErrorCode =
  | "invalid_amount"
  | "checkout_not_open"
  | "checkout_expired"
  | "out_of_stock"
  | "payment_request_expired"
  | "payment_denied"
  | "payment_pending"
  | "payment_outcome_unknown"
  | "payment_declined"
  | "insufficient_funds"
  | "over_limit"
  | "invalid_authorization_details"
  | "consent_mismatch"
  | "number_mismatch"
  | "claimed_elsewhere"
  | "mandate_invalid"
  | "mandate_spent"
  | "mandate_revoked"
  | "unknown_account"
  | "unknown_payment"
  | "payment_closed"
  | "exceeds_payment"
  | "idempotency_key_required"
  | "idempotency_conflict"
  | "idempotency_in_flight"
  | "exists_with_different_fields";

/** Refusals about money. */
export const paymentErrors: Readonly<Record<PaymentErrorCode, ErrorEntry>> = {
  invalid_amount: e(400, false, "The amount is not valid.", "Amounts are integers of the currency's minor unit, as ISO 4217 defines it."),
  checkout_not_open: e(409, false, "This order can no longer be changed.", "The checkout is completing, completed, canceled or expired."),
  checkout_expired: e(409, false, "This order has expired. Please start again.", "Create a new checkout."),
  out_of_stock: e(409, false, "There is not enough left of this item.", "Lower the quantity or choose another item."),
  payment_request_expired: e(409, false, "The time to approve this payment is over.", "Lodge a new payment request."),
  payment_denied: e(403, true, "The payment was not approved.", "The user declined at the wallet."),
  payment_pending: e(409, true, "The payment is still waiting for approval.", "Wait, or read the payment request again."),
  payment_outcome_unknown: e(
    502,
    true,
    "The bank has not confirmed this payment yet. It will not be charged twice.",
    "Read the payment by its id before any retry.",
  ),
  payment_declined: e(402, false, "The bank declined this payment.", "See the reason beside this code."),
  insufficient_funds: e(402, false, "There is not enough money in the account.", "Lower the amount or add funds."),
  over_limit: e(
    403,
    false,
    "This payment is over a limit that you set for your wallet.",
    "`detail` names the limit. Limits count from approval; the account page shows and changes them.",
  ),
  invalid_authorization_details: e(
    400,
    false,
    "The description of the payment is not valid.",
    "`authorization_details` is one element of type payment, with no unknown field (RFC 9396 section 5).",
    "invalid_authorization_details",
  ),
  consent_mismatch: e(
    409,
    false,
    "The payment differs from what was approved, so it was stopped.",
    "Amount, currency, payee and checkout hash must equal the mandate's.",
  ),
  number_mismatch: e(403, false, "That number was wrong, so the request was ended.", "The two digits are judged once: start again."),
  claimed_elsewhere: e(403, false, "This is over, used, or was opened elsewhere first.", "Go on in the browser that opened it first."),
  mandate_invalid: e(403, false, "The approval could not be verified.", "Signature, issuer, audience, type or lifetime of the mandate is wrong."),
  mandate_spent: e(
    409,
    false,
    "This approval was already used.",
    "A mandate is redeemed once; repeat with the same idempotency key to read the first result.",
  ),
  mandate_revoked: e(409, false, "This approval was withdrawn before it was used.", "Ask for a new approval if the payment is still wanted."),
  unknown_account: e(404, false, "There is no such account.", "Open the account first."),
  unknown_payment: e(404, false, "There is no such payment.", "Check the id; payments are visible to their payee only."),
  payment_closed: e(
    409,
    false,
    "This payment can no longer be changed in this way.",
    "Nothing of it is set aside any more, or nothing of it is left to give back: read the payment.",
  ),
  exceeds_payment: e(
    409,
    false,
    "That is more than is left of this payment.",
    "Capture at most what is still set aside; refund at most what was captured and not refunded.",
  ),
  idempotency_key_required: e(400, false, "The request lacks its idempotency key.", "Send `Idempotency-Key` with every write."),
  idempotency_conflict: e(422, false, "This idempotency key was used for something else.", "Use a new key for a new request."),
  idempotency_in_flight: e(409, true, "The same request is still running.", "Honour Retry-After and repeat with the same key."),
  exists_with_different_fields: e(
    409,
    false,
    "This id is taken by something else.",
    "Client-made ids must be unique; the stored record has other content.",
  ),
};
