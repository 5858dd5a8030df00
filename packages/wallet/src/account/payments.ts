import { refuse } from "@countersign/protocol/errors";
import { err, ok } from "@countersign/protocol/result";
import { paymentsView, type ReceiptFacts, receiptView } from "../pages/account-payments.ts";
import { displayMoney, displayText } from "../pages/display-text.ts";
import { findReceipt, listReceipts, type Receipt } from "../payment-requests/receipts.ts";
import { paymentRequestKind, statusOf, writtenStatusOf } from "../payment-requests/request.ts";
import { withdrawPayment } from "../payment-requests/withdraw.ts";
import type { AccountFrame, AccountParts } from "./frame.ts";

/** What the account approved: a list, and a page for each payment that prints as a receipt. */
export function addPaymentPages(frame: AccountFrame, parts: AccountParts): void {
  frame.page("/account/payments", async (visit) => {
    const after = new URL(visit.request.url).searchParams.get("after") ?? undefined;
    const { receipts, next } = await listReceipts(parts.database, visit.accountId, parts.now(), after);
    const rows = receipts.map((receipt) => ({
      href: `/account/payments/${receipt.requestId}`,
      payeeName: displayText(receipt.payee.name, 80),
      at: receipt.at,
      total: displayMoney(receipt),
      humanPresent: receipt.humanPresent,
    }));
    return ok(
      paymentsView({ rows, olderHref: next === undefined ? undefined : `/account/payments?after=${next}`, isFirst: after === undefined }, visit.time),
    );
  });

  frame.page("/account/payments/:id", async (visit) => {
    const receipt = await findReceipt(parts.database, visit.accountId, visit.param("id"), parts.now());
    if (receipt === undefined) return err(refuse("not_found"));
    const { state, taken } = await stateOf(parts, receipt);
    const action = `/account/payments/${receipt.requestId}/withdraw`;
    return ok(
      receiptView(
        { ...displayOf(receipt), state, taken, withdraw: state === "approved" ? { action, token: visit.token(action) } : undefined },
        visit.time,
      ),
    );
  });

  // It takes power away, so it needs no passkey: an approval is used within seconds or not at all.
  frame.form("/account/payments/:id/withdraw", async (visit) => {
    const { accountId } = visit;
    const requestId = visit.param("id");
    const ended = await withdrawPayment(parts.database, requestId, { by: "user", accountId }, parts.now());
    if (!ended.ok) return ended;
    parts.logger.info("payment_request.withdrawn", { paymentRequestId: requestId, accountId, state: writtenStatusOf(ended.value) });
    return ok({ next: `/account/payments/${requestId}` });
  });
}

function displayOf(receipt: Receipt) {
  const { payee, currency, items } = receipt;
  return {
    requestId: receipt.requestId,
    checkoutId: receipt.checkoutId,
    at: receipt.at,
    payeeName: displayText(payee.name, 80),
    payeeHost: new URL(payee.website).host,
    total: displayMoney(receipt),
    items: items.map((item) => ({
      name: displayText(item.name, 80),
      quantity: item.quantity,
      amount: displayMoney({ amount: item.amount, currency }),
    })),
    paidFrom: displayText(receipt.paidFrom, 80),
    humanPresent: receipt.humanPresent,
  };
}

/** What became of the payment since; undefined when the request itself is no longer kept. `taken`: as in a receipt. */
async function stateOf(parts: AccountParts, receipt: Receipt): Promise<Pick<ReceiptFacts, "state" | "taken">> {
  const now = parts.now();
  const found = await parts.database.records(paymentRequestKind).get(receipt.requestId, now);
  if (found === undefined) return { state: undefined, taken: undefined };
  const { outcome } = found.value;
  const captured = outcome?.status === "redeemed" ? outcome.captured : null;
  const taken = captured === null ? undefined : displayMoney({ amount: captured, currency: receipt.currency });
  return { state: statusOf(found.value, now), taken };
}
