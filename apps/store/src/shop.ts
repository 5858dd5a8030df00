import type { LinkStore } from "@countersign/kit/link/link-store";
import type { Payee } from "@countersign/kit/payment/payee";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import type { Sealer } from "@countersign/storage/sealed";
import type { BankEvents } from "./bank-events.ts";
import type { PaymentLooks } from "./payment/payment-looks.ts";
import type { Settler } from "./payment/settle.ts";
import type { Watchers } from "./payment/watchers.ts";
import type { Withdrawals } from "./payment/withdrawals.ts";
import type { RefundLimits } from "./refunds/refund-approval.ts";
import type { Refunder } from "./refunds/settle-refund.ts";
import type { Report } from "./report.ts";
import type { StoreTables } from "./tables.ts";

/** What the tools work with. */
export interface Shop {
  /** As it stands on receipts. */
  readonly name: string;
  /** Public origin of the store. */
  readonly url: string;
  /** Identifier of the store's MCP endpoint; part of the terms that are signed. */
  readonly resource: string;
  readonly db: Database<StoreTables>;
  readonly payee: Payee;
  readonly sealer: Sealer;
  readonly settler: Settler;
  readonly refunder: Refunder;
  readonly refundLimits: RefundLimits;
  readonly bankEvents: BankEvents;
  readonly paymentLooks: PaymentLooks;
  readonly watchers: Watchers;
  readonly withdrawals: Withdrawals;
  /** Where answers are kept for clients that send a call again. */
  readonly answers: LinkStore;
  readonly clock: () => EpochMs;
  /** 128 random bits as 22 characters of base64url. */
  readonly randomId: () => string;
  readonly report: Report;
}
