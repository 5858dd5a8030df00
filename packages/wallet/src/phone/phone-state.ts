import type { EpochMs } from "@countersign/protocol/brand";
import { type PaymentRequest, statusOf } from "../payment-requests/request.ts";
import { decidingPhone, type LinkClaim } from "./link-claim.ts";

/** How far the phone is, as the first screen says it. */
export type PhoneState = "waiting" | "opened" | "approved" | "declined" | "wrong_number" | "over";

/** What became of the payment decides, whoever decided it; then the ticket. */
export function phoneStateOf(request: PaymentRequest, claim: LinkClaim, now: EpochMs): PhoneState {
  switch (statusOf(request, now)) {
    case "created":
      break;
    case "approved":
    case "redeemed":
      return "approved";
    case "denied":
      return "declined";
    case "canceled":
    case "expired":
    case "revoked":
    case "voided":
      return "over";
  }
  if (claim.ticket?.phone?.number === "wrong") return "wrong_number";
  if (claim.ticket === null || claim.ticket.endsAt <= now) return "over";
  return decidingPhone(claim, now) === undefined ? "waiting" : "opened";
}
