import type { EpochMs } from "@countersign/protocol/brand";
import {
  type Account,
  createTransfer,
  type Entry,
  emptyAccount,
  type LedgerView,
  type Transfer,
  type TransferRequest,
  type TransferStatus,
} from "../src/ledger.ts";

/** The books in memory: what the tables of a database are to the bank, without the database. */
export class Book {
  readonly accounts: Map<string, Account> = new Map();
  readonly journal: Map<string, Transfer> = new Map();

  open(id: string, currency: string, mayOverdraw = false): void {
    this.accounts.set(id, emptyAccount(id, currency, mayOverdraw));
  }

  account(id: string): Account | undefined {
    return this.accounts.get(id);
  }

  transfer(request: TransferRequest, now: EpochMs): TransferStatus {
    const decision = createTransfer(request, this.view(request), now);
    if (decision.status === "created") {
      this.journal.set(decision.transfer.id, decision.transfer);
      for (const entry of decision.entries) this.#add(entry);
    }
    return decision.status;
  }

  view(request: TransferRequest): LedgerView {
    const pending = "pendingId" in request ? this.journal.get(request.pendingId) : undefined;
    const accounts = "pendingId" in request ? pending : request;
    return {
      existing: this.journal.get(request.id),
      pending,
      resolution: pending && [...this.journal.values()].find((transfer) => transfer.pendingId === pending.id),
      debitAccount: accounts && this.accounts.get(accounts.debitAccountId),
      creditAccount: accounts && this.accounts.get(accounts.creditAccountId),
    };
  }

  snapshot(): string {
    return JSON.stringify([[...this.accounts.values()], [...this.journal.values()]]);
  }

  #add(entry: Entry): void {
    const account = this.accounts.get(entry.accountId);
    if (account === undefined) throw new Error(`no account ${entry.accountId}`);
    this.accounts.set(account.id, {
      ...account,
      debitsPending: account.debitsPending + entry.debitsPending,
      debitsPosted: account.debitsPosted + entry.debitsPosted,
      creditsPending: account.creditsPending + entry.creditsPending,
      creditsPosted: account.creditsPosted + entry.creditsPosted,
    });
  }
}
