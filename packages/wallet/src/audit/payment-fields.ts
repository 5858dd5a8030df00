import type { PaymentRequest } from "../payment-requests/request.ts";

/** What an entry says of a payment: the payee as the registry named it, the sum as the payee signed it. */
export function paymentFieldsOf(
  requestId: string,
  { payee, terms }: PaymentRequest,
): { readonly requestId: string; readonly payeeName: string; readonly amount: number; readonly currency: string } {
  return { requestId, payeeName: payee.name, amount: terms.amount, currency: terms.currency };
}
