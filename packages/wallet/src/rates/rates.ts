import type { EpochMs } from "@countersign/protocol/brand";
import type { Refusal } from "@countersign/protocol/errors";
import { type RateBound, takeOne } from "@countersign/protocol/rate";
import { err, ok, type Result } from "@countersign/protocol/result";
import { askerOf, clientAddressHeader } from "@countersign/service/client-address";
import type { Database } from "@countersign/storage/database";
import { sql } from "kysely";
import { sha256 } from "../digest.ts";
import { rateBounds, type RateName } from "./bounds.ts";

/** Counts how often something happens, for all instances together. */
export interface Rates {
  /**
   * Counts one for this key; refuses with the whole seconds to wait. One conditional statement: of any number of parallel callers as many go on as the bound
   * lets through. Never inside a transaction, for what was asked counts even when it comes to nothing.
   */
  take(name: RateName, key: string, now: EpochMs): Promise<Result<void, number>>;
}

/** `factor` multiplies every bound. */
export function createRates(database: Pick<Database<unknown>, "sql">, factor = 1): Rates {
  return {
    async take(name, key, now) {
      const bound = scaled(rateBounds[name], factor);
      const each = Math.max(1, Math.round(60_000 / bound.perMinute));
      const emptyAt = now + bound.burst * each;
      const id = sha256(`${name}\n${key}`);
      // A count that no clock of today could have written is from a clock that has been set back since: it counts as none, or it would refuse for as long.
      const from = sql`case when rates.full_at > ${now} and rates.full_at <= ${emptyAt} then rates.full_at else ${now} end`;
      const taken = await sql`insert into rates (id, full_at) values (${id}, ${now + each})
        on conflict (id) do update set full_at = ${from} + ${each}
        where ${from} + ${each} <= ${emptyAt} returning id`.execute(database.sql);
      if (taken.rows.length > 0) return ok(undefined);
      const there = await sql<{ full_at: number }>`select full_at from rates where id = ${id}`.execute(database.sql);
      const judged = takeOne(there.rows[0]?.full_at, bound, now);
      // Somebody else's place came free in between: this caller asked too early all the same.
      return err(judged.ok ? 1 : judged.error);
    },
  };
}

function scaled({ burst, perMinute }: RateBound, factor: number): RateBound {
  return { burst: Math.max(1, Math.floor(burst * factor)), perMinute: perMinute * factor };
}

/** A refusal that says when to come back. */
export interface RateRefusal extends Refusal {
  readonly code: "rate_limited";
  readonly retryAfterS: number;
}

/** Counts one and goes on, or refuses with `rate_limited`. */
export async function within(rates: Rates, name: RateName, key: string, now: EpochMs): Promise<Result<void, RateRefusal>> {
  const taken = await rates.take(name, key, now);
  return taken.ok ? taken : err({ code: "rate_limited", retryAfterS: taken.error });
}

/** The `Retry-After` of a refusal that has one (RFC 9110 section 10.2.3). */
export function retryHeaders(refusal: Refusal): Readonly<Record<string, string>> {
  return "retryAfterS" in refusal && typeof refusal.retryAfterS === "number" ? { "retry-after": String(refusal.retryAfterS) } : {};
}

/** Who asks, as far as the connection tells. */
export function askerOfRequest(request: { readonly headers: Pick<Headers, "get"> }): string {
  return askerOf(request.headers.get(clientAddressHeader) ?? "");
}

/** Deletes up to `limit` counts that are full again and so mean nothing; gives how many. */
export async function deleteFullRates(database: Pick<Database<unknown>, "sql">, now: EpochMs, limit: number): Promise<number> {
  const deleted = await sql`delete from rates where full_at <= ${now} and id in
    (select id from rates where full_at <= ${now} order by full_at, id limit ${limit}) returning id`.execute(database.sql);
  return deleted.rows.length;
}
