import type { EpochMs } from "@countersign/protocol/brand";
import type { PaymentInstrument, PaymentItem, PaymentPayee } from "@countersign/protocol/payment";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";
import type { PaymentRequest } from "./request.ts";

/** Receipts are kept for two years, longer than the requests that they are of. */
export const receiptRetentionMs: number = 730 * 24 * 3_600_000;

/** What an account approved, as its owner may want to read or print it later. Amounts in minor units. */
export interface Receipt {
  readonly accountId: string;
  readonly requestId: string;
  readonly at: EpochMs;
  readonly payee: PaymentPayee;
  readonly amount: number;
  readonly currency: string;
  readonly items: readonly PaymentItem[];
  readonly checkoutId: string;
  /** The account that paid, in the bank's words. */
  readonly paidFrom: string;
  /** False for a payment that a policy approved. */
  readonly humanPresent: boolean;
}

const shape = z.object({
  accountId: z.string(),
  requestId: z.string(),
  at: z.number(),
  payee: z.object({ id: z.string(), name: z.string(), website: z.string() }),
  amount: z.int().nonnegative(),
  currency: z.string().length(3),
  items: z.array(z.object({ name: z.string(), quantity: z.int(), amount: z.int() })),
  checkoutId: z.string(),
  paidFrom: z.string(),
  humanPresent: z.boolean(),
});

export const receiptKind: RecordKind<Receipt> = { name: "receipt", parse: (json) => shape.parse(json) };

type RecordStore = Pick<Database<unknown>, "records">;

/** Keeps the receipt of an approval, in the transaction that approves. */
export async function keepReceipt(
  tx: RecordStore,
  request: PaymentRequest,
  approval: {
    readonly requestId: string;
    readonly accountId: string;
    readonly at: EpochMs;
    readonly instrument: PaymentInstrument;
    readonly humanPresent: boolean;
  },
): Promise<void> {
  const { requestId, accountId, at, instrument, humanPresent } = approval;
  const { amount, currency, items, id: checkoutId } = request.terms;
  const receipt: Receipt = {
    accountId,
    requestId,
    at,
    payee: request.payee,
    amount,
    currency,
    items,
    checkoutId,
    paidFrom: instrument.description,
    humanPresent,
  };
  const options = { keys: { account: accountId, request: requestId }, expiresAt: at + receiptRetentionMs };
  const created = await tx.records(receiptKind).create(receiptId(requestId, at), receipt, options);
  if (!created.ok) throw new Error("a payment was approved twice");
}

export interface ReceiptPage {
  readonly receipts: readonly Receipt[];
  /** What `after` of the next page is; undefined on the last one. */
  readonly next: string | undefined;
}

const pageMax = 25;

/** The receipts of an account, newest first, up to 25 a page. `after` is the `next` of the page before; any other text gives a page of this account too. */
export async function listReceipts(database: RecordStore, accountId: string, now: EpochMs, after?: string): Promise<ReceiptPage> {
  const start = after !== undefined && /^[A-Za-z0-9_-]{1,128}$/.test(after) ? { after } : {};
  const found = await database.records(receiptKind).find("account", accountId, now, { limit: pageMax + 1, ...start });
  const shown = found.slice(0, pageMax);
  return { receipts: shown.map((record) => record.value), next: found.length > pageMax ? shown.at(-1)?.id : undefined };
}

/** The account's receipt of a payment request, or undefined. */
export async function findReceipt(database: RecordStore, accountId: string, requestId: string, now: EpochMs): Promise<Receipt | undefined> {
  const [found] = await database.records(receiptKind).find("request", requestId, now, { limit: 1 });
  return found?.value.accountId === accountId ? found.value : undefined;
}

/** Ids sort by themselves, the newest first, so that a page is one read of an index. */
function receiptId(requestId: string, at: EpochMs): string {
  return `${(Number.MAX_SAFE_INTEGER - at).toString().padStart(16, "0")}-${requestId}`;
}
