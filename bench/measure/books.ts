/** The rows of a bank that its invariants speak of. Amounts in minor units. */
export interface Books {
  readonly accounts: readonly {
    readonly id: string;
    readonly may_overdraw: number;
    readonly debits_pending: number;
    readonly debits_posted: number;
    readonly credits_pending: number;
    readonly credits_posted: number;
  }[];
  readonly transfers: readonly { readonly debit_account_id: string; readonly credit_account_id: string; readonly amount: number }[];
  readonly payments: readonly { readonly id: string; readonly authorized: number; readonly captured: number; readonly refunded: number }[];
}

/**
 * Judges books in which money moved by single transfers only. I1: the ledger sums to zero, each account says what its transfers say, nothing is captured
 * beyond what was authorized. I2: there are exactly as many payments as captures were acknowledged. Gives what is wrong.
 */
export function findBookFaults(books: Books, acknowledged: number): readonly string[] {
  const faults: string[] = [];
  const debits = new Map<string, number>();
  const credits = new Map<string, number>();
  for (const { debit_account_id: debit, credit_account_id: credit, amount } of books.transfers) {
    debits.set(debit, (debits.get(debit) ?? 0) + amount);
    credits.set(credit, (credits.get(credit) ?? 0) + amount);
  }
  let sum = 0;
  for (const account of books.accounts) {
    sum += account.credits_posted - account.debits_posted;
    if (account.debits_pending !== 0 || account.credits_pending !== 0) faults.push(`${account.id} has something pending`);
    const isTold = account.debits_posted === (debits.get(account.id) ?? 0) && account.credits_posted === (credits.get(account.id) ?? 0);
    if (!isTold) faults.push(`${account.id} differs from its transfers`);
    if (account.may_overdraw !== 1 && account.credits_posted < account.debits_posted) faults.push(`${account.id} is overdrawn`);
  }
  if (sum !== 0) faults.push(`the ledger sums to ${sum}`);
  for (const payment of books.payments) {
    if (payment.captured > payment.authorized || payment.refunded > payment.captured) faults.push(`${payment.id} moved more than was authorized`);
  }
  if (books.payments.length !== acknowledged) faults.push(`${books.payments.length} payments for ${acknowledged} acknowledged captures`);
  return faults;
}
