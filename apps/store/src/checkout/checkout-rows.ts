import type { BrowserUrl, EpochMs } from "@countersign/protocol/brand";
import { errorCatalogue, type ErrorCode, type Refusal, refuse } from "@countersign/protocol/errors";
import { checkoutTransitions, type CheckoutStatus } from "@countersign/protocol/payment";
import { parseBrowserUrl } from "@countersign/protocol/resource";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/open";
import type { Selectable } from "kysely";
import { z } from "zod";
import { insertWithdrawal } from "../payment/withdrawal-rows.ts";
import { endReservation, reserveStock } from "../stock.ts";
import type { StoreTables } from "../tables.ts";
import { advanceCheckout, type CheckoutEvent, type StockEffect } from "./advance.ts";
import type { Checkout } from "./checkout.ts";
import { storedLine, storedMoney, storedShipping, storedSigned, storedTax } from "./stored-price.ts";

const errorCode = z.custom<ErrorCode>((value) => typeof value === "string" && Object.hasOwn(errorCatalogue, value));
const body = z.object({
  agent: z.string().nullable().default(null),
  version: z.int().positive(),
  lines: z.array(storedLine),
  shipping: storedShipping.nullable().default(null),
  tax: storedTax.nullable().default(null),
  total: storedMoney,
  createdAt: z.int(),
  signed: storedSigned.nullable(),
  paymentId: z.string().nullable(),
  approvalLink: z
    .string()
    .transform((text) => browserUrlOf(text))
    .nullable()
    .default(null),
  lastRefusal: errorCode.nullable(),
  past: z.array(z.object({ version: z.int(), total: storedMoney, endedAt: z.int(), why: z.union([z.literal("changed"), errorCode]) })).default([]),
});

const attemptsMax = 5;

/** What else is written in the transaction of a checkout. A refusal gives the whole of it up. It may run again, so it has no effect except through `tx`. */
export type Also = (tx: Database<StoreTables>, checkout: Checkout) => Promise<Result<void, Refusal>>;

/** Nothing else. */
export const nothingElse: Also = async () => ok(undefined);

/** Adds a new checkout, and `also`. Refuses as that does. */
export async function insertCheckout(db: Database<StoreTables>, checkout: Checkout, also: Also = nothingElse): Promise<Result<void, Refusal>> {
  return await inTransaction(db, async (tx) => {
    await tx.sql
      .insertInto("checkouts")
      .values({ id: checkout.id, revision: 1, ...columnsOf(checkout) })
      .execute();
    return await also(tx, checkout);
  });
}

/** Reads a checkout, or undefined. Any text may be asked for. */
export async function readCheckout(db: Database<StoreTables>, id: string): Promise<Checkout | undefined> {
  const row = await db.sql.selectFrom("checkouts").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : toCheckout(row);
}

/** The checkout that a payment request of the wallet is for, or undefined. */
export async function readCheckoutOfRequest(db: Database<StoreTables>, requestId: string): Promise<Checkout | undefined> {
  const row = await db.sql.selectFrom("checkouts").selectAll().where("request_id", "=", requestId).executeTakeFirst();
  return row === undefined ? undefined : toCheckout(row);
}

/** Checkouts that wait for an approval and whose request is known, the soonest to expire first. */
export async function readAwaiting(db: Database<StoreTables>, limit: number): Promise<readonly Checkout[]> {
  const rows = await db.sql
    .selectFrom("checkouts")
    .selectAll()
    .where("status", "=", "awaiting_approval")
    .where("request_id", "is not", null)
    .orderBy("expires_at")
    .limit(limit)
    .execute();
  return rows.map(toCheckout);
}

/** Checkouts that wait for an approval and whose request is not known, the soonest to expire first. */
export async function readUnasked(db: Database<StoreTables>, limit: number): Promise<readonly Checkout[]> {
  const rows = await db.sql
    .selectFrom("checkouts")
    .selectAll()
    .where("status", "=", "awaiting_approval")
    .where("request_id", "is", null)
    .orderBy("expires_at")
    .limit(limit)
    .execute();
  return rows.map(toCheckout);
}

/** Ids of checkouts in a status whose expiry has passed. */
export async function readOverdue(db: Database<StoreTables>, status: CheckoutStatus, before: EpochMs, limit: number): Promise<readonly string[]> {
  const rows = await db.sql
    .selectFrom("checkouts")
    .select("id")
    .where("status", "=", status)
    .where("expires_at", "<=", before)
    .orderBy("expires_at")
    .limit(limit)
    .execute();
  return rows.map((row) => row.id);
}

/**
 * Applies an event to a stored checkout: decision, compare-and-set of the row, stock, the request to be withdrawn and `also`, all or nothing. An event that comes while another one is
 * being written is decided again on what that one left. Refuses with `not_found`, with the decision's refusal, or with `also`'s.
 */
export async function applyToCheckout(
  db: Database<StoreTables>,
  id: string,
  event: CheckoutEvent,
  now: EpochMs,
  also: Also = nothingElse,
): Promise<Result<Checkout, Refusal>> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const outcome = await inTransaction(db, async (tx) => {
      const row = await tx.sql.selectFrom("checkouts").selectAll().where("id", "=", id).executeTakeFirst();
      if (row === undefined) {
        return err(refuse("not_found", "no such checkout"));
      }
      const step = advanceCheckout(toCheckout(row), event, now);
      if (!step.ok) {
        return step;
      }
      const { checkout, stock, withdraw } = step.value;
      const saved = await tx.sql
        .updateTable("checkouts")
        .set({ revision: row.revision + 1, ...columnsOf(checkout) })
        .where("id", "=", id)
        .where("revision", "=", row.revision)
        .executeTakeFirst();
      if (saved.numUpdatedRows !== 1n) {
        return err(lostRace);
      }
      if (withdraw !== null) await insertWithdrawal(tx, withdraw, now);
      const moved = await applyStock(tx, checkout, stock);
      const done = moved.ok ? await also(tx, checkout) : moved;
      return done.ok ? ok(checkout) : done;
    });
    if (outcome.ok || outcome.error !== lostRace) {
      return outcome;
    }
  }
  return err(refuse("conflict"));
}

const lostRace: Refusal = refuse("conflict", "another write came first");

/** Carries a refusal out of a transaction that must not commit. */
class GivenUp extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.code);
    this.refusal = refusal;
  }
}

async function inTransaction<T>(
  db: Database<StoreTables>,
  work: (tx: Database<StoreTables>) => Promise<Result<T, Refusal>>,
): Promise<Result<T, Refusal>> {
  try {
    return await db.transaction(async (tx) => {
      const outcome = await work(tx);
      if (!outcome.ok) {
        throw new GivenUp(outcome.error);
      }
      return outcome;
    });
  } catch (error) {
    if (error instanceof GivenUp) {
      return err(error.refusal);
    }
    throw error;
  }
}

async function applyStock(tx: Database<StoreTables>, checkout: Checkout, effect: StockEffect): Promise<Result<void, Refusal>> {
  switch (effect) {
    case "none":
      return ok(undefined);
    case "reserve":
      return reserveStock(tx, checkout.id, checkout.lines);
    case "release":
    case "sell":
      await endReservation(tx, checkout.id, effect === "sell");
      return ok(undefined);
  }
}

type Columns = Omit<StoreTables["checkouts"], "id" | "revision">;

function columnsOf(checkout: Checkout): Columns {
  const { id: _id, status, expiresAt, requestId, ...rest } = checkout;
  return { status, expires_at: expiresAt, request_id: requestId, body: JSON.stringify(rest) };
}

function toCheckout(row: Selectable<StoreTables["checkouts"]>): Checkout {
  if (!isCheckoutStatus(row.status)) {
    throw new TypeError("a checkout row has an unknown status");
  }
  return { id: row.id, status: row.status, expiresAt: row.expires_at, requestId: row.request_id, ...body.parse(JSON.parse(row.body)) };
}

function browserUrlOf(text: string): BrowserUrl {
  const url = parseBrowserUrl(text);
  if (!url.ok) throw new TypeError("a checkout row has a link that is none");
  return url.value;
}

function isCheckoutStatus(value: string): value is CheckoutStatus {
  return Object.hasOwn(checkoutTransitions, value);
}
