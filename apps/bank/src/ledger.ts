import type { EpochMs } from "@countersign/protocol/brand";

/**
 * Double-entry bookkeeping as a pure decision: a request and what the books say about it go in, a status and the entries to write come out.
 *
 * An account is a liability of the bank: credits raise what its holder has, debits lower it. A balance is never stored, only derived from four counters.
 * Money is set aside and then moved in two phases: `pending`, then exactly one of `post`, `void`, `expire`. Amounts are integer minor units.
 */
export interface Account {
  readonly id: string;
  readonly currency: string;
  /** True only for the bank's own accounts, through which money enters the books. */
  readonly mayOverdraw: boolean;
  readonly debitsPending: number;
  readonly debitsPosted: number;
  readonly creditsPending: number;
  readonly creditsPosted: number;
}

/** What the caller asks for. The id is made by the caller, so that asking twice is harmless. `reference` says what in the world it stands for. */
export type TransferRequest = MoveRequest | ResolveRequest;

export interface MoveRequest {
  readonly kind: "single" | "pending";
  readonly id: string;
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  readonly amount: number;
  readonly currency: string;
  readonly reference: string;
  /** When a pending transfer ends by itself; null for a single one. */
  readonly expiresAt: EpochMs | null;
}

export interface ResolveRequest {
  readonly kind: "post" | "void" | "expire";
  readonly id: string;
  readonly pendingId: string;
  /** How much of the pending amount is posted; the rest is released. Null for `void` and `expire`, which release all of it. */
  readonly amount: number | null;
  readonly reference: string;
}

/** A line of the journal. Never changed after it was written. */
export interface Transfer {
  readonly id: string;
  readonly kind: TransferRequest["kind"];
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  readonly amount: number;
  readonly currency: string;
  readonly pendingId: string | null;
  readonly expiresAt: EpochMs | null;
  readonly reference: string;
  readonly createdAt: EpochMs;
}

/** What the books say about one request, read before the decision. */
export interface LedgerView {
  /** The transfer that already has the request's id. */
  readonly existing: Transfer | undefined;
  /** The transfer that a resolution names, and the transfer that resolved it already. */
  readonly pending: Transfer | undefined;
  readonly resolution: Transfer | undefined;
  readonly debitAccount: Account | undefined;
  readonly creditAccount: Account | undefined;
}

/** Every answer, in order of precedence: when several apply, the first one is given. */
export const transferStatuses = [
  "id_must_not_be_empty",
  "exists_with_different_kind",
  "exists_with_different_pending_id",
  "exists_with_different_debit_account",
  "exists_with_different_credit_account",
  "exists_with_different_amount",
  "exists_with_different_currency",
  "exists_with_different_expiry",
  "exists_with_different_reference",
  "exists",
  "amount_must_be_a_positive_integer",
  "amount_must_be_absent",
  "accounts_must_differ",
  "expiry_must_be_in_the_future",
  "expiry_must_be_absent",
  "pending_transfer_not_found",
  "pending_transfer_not_pending",
  "pending_transfer_already_posted",
  "pending_transfer_already_voided",
  "pending_transfer_already_expired",
  "pending_transfer_expired",
  "pending_transfer_not_due",
  "exceeds_pending_amount",
  "debit_account_not_found",
  "credit_account_not_found",
  "accounts_must_have_the_same_currency",
  "transfer_must_have_the_currency_of_its_accounts",
  "overflows_account",
  "exceeds_available",
  "created",
] as const;

export type TransferStatus = (typeof transferStatuses)[number];

/** What one transfer adds to one account's counters. */
export interface Entry {
  readonly accountId: string;
  readonly debitsPending: number;
  readonly debitsPosted: number;
  readonly creditsPending: number;
  readonly creditsPosted: number;
}

export type TransferDecision =
  | { readonly status: "created"; readonly transfer: Transfer; readonly entries: readonly [Entry, Entry] }
  | { readonly status: Exclude<TransferStatus, "created"> };

/** What the holder may still spend: minor units; negative only where the account may overdraw. */
export function availableOf(account: Account): number {
  return account.creditsPosted - account.debitsPosted - account.debitsPending;
}

/** Decides one transfer at `now`. The caller writes `transfer` and `entries` together, or nothing. */
export function createTransfer(request: TransferRequest, view: LedgerView, now: EpochMs): TransferDecision {
  if (request.id === "") return { status: "id_must_not_be_empty" };
  if (view.existing !== undefined) return { status: compareWithExisting(request, view.existing) };
  return isMove(request) ? createMove(request, view, now) : createResolution(request, view, now);
}

/** An account with nothing in it. */
export function emptyAccount(id: string, currency: string, mayOverdraw: boolean): Account {
  return { id, currency, mayOverdraw, debitsPending: 0, debitsPosted: 0, creditsPending: 0, creditsPosted: 0 };
}

function isMove(request: TransferRequest): request is MoveRequest {
  return request.kind === "single" || request.kind === "pending";
}

function compareWithExisting(request: TransferRequest, existing: Transfer): Exclude<TransferStatus, "created"> {
  if (request.kind !== existing.kind) return "exists_with_different_kind";
  if (isMove(request)) {
    if (request.debitAccountId !== existing.debitAccountId) return "exists_with_different_debit_account";
    if (request.creditAccountId !== existing.creditAccountId) return "exists_with_different_credit_account";
    if (request.amount !== existing.amount) return "exists_with_different_amount";
    if (request.currency !== existing.currency) return "exists_with_different_currency";
    if (request.expiresAt !== existing.expiresAt) return "exists_with_different_expiry";
  } else {
    if (request.pendingId !== existing.pendingId) return "exists_with_different_pending_id";
    if (request.kind === "post" && request.amount !== existing.amount) return "exists_with_different_amount";
  }
  return request.reference === existing.reference ? "exists" : "exists_with_different_reference";
}

function createMove(request: MoveRequest, view: LedgerView, now: EpochMs): TransferDecision {
  if (!isAmount(request.amount)) return { status: "amount_must_be_a_positive_integer" };
  if (request.debitAccountId === request.creditAccountId) return { status: "accounts_must_differ" };
  if (request.kind === "pending" && !(request.expiresAt !== null && request.expiresAt > now)) return { status: "expiry_must_be_in_the_future" };
  if (request.kind === "single" && request.expiresAt !== null) return { status: "expiry_must_be_absent" };
  const { debitAccount, creditAccount } = view;
  if (debitAccount === undefined) return { status: "debit_account_not_found" };
  if (creditAccount === undefined) return { status: "credit_account_not_found" };
  if (debitAccount.currency !== creditAccount.currency) return { status: "accounts_must_have_the_same_currency" };
  if (request.currency !== debitAccount.currency) return { status: "transfer_must_have_the_currency_of_its_accounts" };
  const { amount } = request;
  // Pending and posted are bounded together, so that no later post can overflow what is accepted here.
  if (debitAccount.debitsPending + debitAccount.debitsPosted + amount > Number.MAX_SAFE_INTEGER) return { status: "overflows_account" };
  if (creditAccount.creditsPending + creditAccount.creditsPosted + amount > Number.MAX_SAFE_INTEGER) return { status: "overflows_account" };
  if (!debitAccount.mayOverdraw && availableOf(debitAccount) < amount) return { status: "exceeds_available" };
  const transfer: Transfer = { ...request, pendingId: null, createdAt: now };
  return { status: "created", transfer, entries: request.kind === "single" ? entriesOf(transfer, 0, amount) : entriesOf(transfer, amount, 0) };
}

function createResolution(request: ResolveRequest, view: LedgerView, now: EpochMs): TransferDecision {
  if (request.kind === "post" && !isAmount(request.amount)) return { status: "amount_must_be_a_positive_integer" };
  if (request.kind !== "post" && request.amount !== null) return { status: "amount_must_be_absent" };
  const { pending, resolution } = view;
  if (pending === undefined) return { status: "pending_transfer_not_found" };
  if (pending.kind !== "pending" || pending.expiresAt === null) return { status: "pending_transfer_not_pending" };
  if (resolution !== undefined) return { status: alreadyResolved(resolution) };
  const due = now >= pending.expiresAt;
  if (request.kind === "post" && due) return { status: "pending_transfer_expired" };
  if (request.kind === "expire" && !due) return { status: "pending_transfer_not_due" };
  const posted = request.amount ?? 0;
  if (posted > pending.amount) return { status: "exceeds_pending_amount" };
  if (view.debitAccount === undefined) return { status: "debit_account_not_found" };
  if (view.creditAccount === undefined) return { status: "credit_account_not_found" };
  const transfer: Transfer = {
    id: request.id,
    kind: request.kind,
    debitAccountId: pending.debitAccountId,
    creditAccountId: pending.creditAccountId,
    amount: request.kind === "post" ? posted : pending.amount,
    currency: pending.currency,
    pendingId: pending.id,
    expiresAt: null,
    reference: request.reference,
    createdAt: now,
  };
  return { status: "created", transfer, entries: entriesOf(transfer, -pending.amount, posted) };
}

function alreadyResolved(resolution: Transfer): Exclude<TransferStatus, "created"> {
  if (resolution.kind === "post") return "pending_transfer_already_posted";
  return resolution.kind === "void" ? "pending_transfer_already_voided" : "pending_transfer_already_expired";
}

function isAmount(amount: number | null): boolean {
  return amount !== null && Number.isSafeInteger(amount) && amount > 0;
}

function entriesOf(transfer: Transfer, pending: number, posted: number): [Entry, Entry] {
  return [
    { accountId: transfer.debitAccountId, debitsPending: pending, debitsPosted: posted, creditsPending: 0, creditsPosted: 0 },
    { accountId: transfer.creditAccountId, debitsPending: 0, debitsPosted: 0, creditsPending: pending, creditsPosted: posted },
  ];
}
