import type { EpochMs } from "@countersign/protocol/brand";
import { type Refusal, refuse } from "@countersign/protocol/errors";
import { exponentOf } from "@countersign/protocol/money";
import type { Result } from "@countersign/protocol/result";
import { err, ok } from "@countersign/protocol/result";
import { boundedText, hasOnlyMembers, isJsonObject, member } from "@countersign/protocol/shape";
import type { Database } from "@countersign/storage/database";
import { newAccountRow, openAccount, readAccount, toAccount, writeTransfer } from "./journal.ts";
import { availableOf } from "./ledger.ts";
import { maskAccount } from "./payment.ts";
import { againAfterRace, RaceLost } from "./race-lost.ts";
import type { AccountRow, BankTables } from "./tables.ts";

/** What a wallet asks for one of its users. The id is the wallet's choice, so asking twice is harmless. */
export interface AccountRequest {
  readonly id: string;
  readonly currency: string;
  readonly holder: string;
  /** The wallet's id of the user, as in the mandates that it signs. */
  readonly subject: string | undefined;
}

/** An account as its wallet reads it; `available` in minor units. */
export interface AccountView {
  readonly id: string;
  readonly currency: string;
  readonly available: number;
  readonly description: string;
}

const idGrammar = /^acc_[A-Za-z0-9_-]{1,96}$/;

/** Reads `PUT /accounts/:id` with `{ currency, holder }` and perhaps `subject`: a closed shape. Refuses with `invalid_request` or `invalid_amount`. */
export function parseAccountRequest(id: string, body: unknown): Result<AccountRequest, Refusal> {
  if (!idGrammar.test(id)) return err(refuse("invalid_request", "an account's id is acc_ and 1 to 96 base64url characters"));
  if (!isJsonObject(body) || !hasOnlyMembers(body, ["currency", "holder", "subject"]))
    return err(refuse("invalid_request", "an account is { currency, holder, subject }"));
  const holder = boundedText(member(body, "holder"), 200);
  const currency = member(body, "currency");
  if (holder === undefined) return err(refuse("invalid_request", "the holder is a text of at most 200 characters"));
  if (typeof currency !== "string" || exponentOf(currency) === undefined)
    return err(refuse("invalid_amount", "the currency is not an active ISO 4217 code"));
  const subject = boundedText(member(body, "subject"), 200);
  if (subject === undefined && member(body, "subject") !== undefined)
    return err(refuse("invalid_request", "the subject is a text of at most 200 characters"));
  return ok({ id, currency, holder, subject });
}

/**
 * Opens an account for a wallet's user and puts the opening balance (minor units) into it, in one transaction; opening it again changes at most
 * its holder's name, and notes whose it is. Refuses with `exists_with_different_fields` when the id stands for another account.
 */
export function openFundsAccount(
  database: Database<BankTables>,
  request: AccountRequest & { readonly owner: string; readonly openingBalance: number },
  now: EpochMs,
): Promise<Result<AccountView, Refusal>> {
  const { id, currency, holder, owner, subject = null } = request;
  return againAfterRace(() =>
    database.transaction(async (tx) => {
      const row = newAccountRow({ id, kind: "funds", owner, holder, currency, subject }, now);
      const known = await readAccount(tx, id);
      if (known !== undefined) {
        if (known.kind !== "funds" || known.owner !== owner || known.currency !== currency) return err(refuse("exists_with_different_fields"));
        if (subject !== null && known.subject !== null && known.subject !== subject) return err(refuse("exists_with_different_fields"));
        const named = { holder, subject: subject ?? known.subject };
        if (known.holder !== holder || known.subject !== named.subject)
          await tx.sql.updateTable("accounts").set(named).where("id", "=", id).execute();
        return ok(viewAccount(known));
      }
      if (!(await openAccount(tx, row))) throw new RaceLost("the account");
      if (request.openingBalance > 0) await fund(tx, row, request.openingBalance, now);
      const opened = await readAccount(tx, id);
      if (opened === undefined) throw new Error("an account vanished inside its transaction");
      return ok(viewAccount(opened));
    }),
  );
}

/** One account for the wallet that opened it; undefined when it has none of this id. */
export async function findFundsAccount(database: Database<BankTables>, owner: string, id: string): Promise<AccountRow | undefined> {
  const row = idGrammar.test(id) ? await readAccount(database, id) : undefined;
  return row?.kind === "funds" && row.owner === owner ? row : undefined;
}

async function fund(tx: Database<BankTables>, account: AccountRow, amount: number, now: EpochMs): Promise<void> {
  const { currency } = account;
  const opening = newAccountRow({ id: `opening_${currency}`, kind: "opening", owner: null, holder: "Opening balances", currency }, now);
  const transfer = {
    kind: "single",
    id: `opening_${account.id}`,
    debitAccountId: opening.id,
    creditAccountId: account.id,
    amount,
    currency,
    reference: account.id,
    expiresAt: null,
  } as const;
  const status = await writeTransfer(tx, transfer, now, [opening]);
  if (status !== "created") throw new Error(`an opening balance cannot be answered with ${status}`);
}

/** Shapes an account for its wallet. */
export function viewAccount(row: AccountRow): AccountView {
  return { id: row.id, currency: row.currency, available: availableOf(toAccount(row)), description: `Bank account ${maskAccount(row.id)}` };
}
