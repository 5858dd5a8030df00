import type { Logger } from "@countersign/service/log";
import type { StoreOptions } from "./store.ts";

type LoggedEvent = Parameters<NonNullable<StoreOptions["report"]>>[0];

/** Writes what happened in the store to its log: ids and codes, never a token, a mandate or an argument. */
export function logEvent(logger: Logger, event: LoggedEvent): void {
  switch (event.event) {
    case "checkout_created":
      return logger.info("checkout.created", { checkoutId: event.checkout });
    case "checkout_changed":
      return logger.info("checkout.changed", { checkoutId: event.checkout, state: `v${event.version}` });
    case "checkout_canceled":
      return logger.info("checkout.canceled", { checkoutId: event.checkout });
    case "request_withdrawn":
      return logger.info("request.withdrawn", { paymentRequestId: event.request, state: event.how });
    case "withdrawal_failed":
      return logger.warn("request.withdrawal_failed", { paymentRequestId: event.request, code: event.code });
    case "approval_lodged":
      return logger.info("approval.lodged", { checkoutId: event.checkout, paymentRequestId: event.request });
    case "approval_ended":
      return logger.info("approval.ended", { checkoutId: event.checkout, paymentRequestId: event.request, state: event.how });
    case "approval_unused":
      return logger.warn("approval.unused", { checkoutId: event.checkout, paymentRequestId: event.request, code: event.code });
    case "capture_sent":
      return logger.info("capture.sent", { paymentId: event.payment, attempt: event.attempt });
    case "capture_unknown":
      return logger.warn("capture.unknown", { paymentId: event.payment, reason: event.why });
    case "capture_refused":
      return logger.warn("capture.refused", { paymentId: event.payment, code: event.code });
    case "capture_mismatch":
      return logger.error("capture.mismatch", { paymentId: event.payment });
    case "order_completed":
      return logger.info("order.completed", { orderId: event.order, paymentId: event.payment, state: event.approvedBy });
    case "refund_begun":
    case "refund_done":
      return logger.info(event.event.replace("_", "."), { refundId: event.refund, paymentId: event.payment });
    case "refund_approved":
      return logger.info("refund.approved", { refundId: event.refund });
    case "refund_sent":
      return logger.info("refund.sent", { refundId: event.refund, attempt: event.attempt });
    case "refund_unknown":
      return logger.warn("refund.unknown", { refundId: event.refund, reason: event.why });
    case "refund_refused":
      return logger.warn("refund.refused", { refundId: event.refund, code: event.code });
    case "refund_mismatch":
      return logger.error("refund.mismatch", { refundId: event.refund });
    case "charge_taken_back":
      return logger.warn("charge.taken_back", { refundId: event.refund, paymentId: event.payment });
    case "order_sums_changed":
      return logger.info("order.sums_changed", { paymentId: event.payment });
    case "bank_event_refused":
    case "wallet_event_refused":
      return logger.warn(event.event.replace("_refused", ".refused"), { code: event.code });
    case "agent_refused":
      return logger.warn("agent.refused", { clientId: event.agent, status: event.status, code: event.code });
    case "work_failed":
      return logger.error("work.failed", { step: event.where, reason: event.error });
    case "refused":
      return logger.warn("request.refused", { status: event.status, reason: event.reason });
    case "challenged":
      return logger.info("request.challenged", { status: event.status, tool: event.tool, state: event.form });
    case "approval_asked":
      return logger.info("approval.asked", { tool: event.tool, state: event.form, paymentRequestId: event.request });
    case "approval_refused":
      return logger.warn("approval.refused", { tool: event.tool, reason: event.reason });
    case "account_link":
      return logger.info("account_link.moved", { state: event.step });
    case "linked_call":
      return logger.info("request.linked", { tool: event.tool, step: event.rung, code: event.outcome });
    case "tool_failed":
      return logger.error("tool.failed", { tool: event.tool, error: event.error });
    case "protocol_error":
      return logger.warn("protocol.error", { error: event.error });
  }
}
