import type { EpochMs } from "@countersign/protocol/brand";
import { judgeNumber, type NumberVerdict } from "@countersign/protocol/device-code";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";
import { sha256 } from "../digest.ts";

/** Who opened a device code first: only this browser session goes on with it. `number` is what became of the number so far. */
export interface DeviceClaim {
  readonly session: string;
  readonly number: NumberVerdict;
}

const claim = z.object({ session: z.string(), number: z.enum(["not_needed", "ask", "matched", "wrong"]) });

export const deviceClaimKind: RecordKind<DeviceClaim> = { name: "device-claim", parse: (json) => claim.parse(json) };

type RecordStore = Pick<Database<unknown>, "records">;

/** A device code as far as claims need it; `expiresAt` is when the claim may be forgotten. */
export interface ClaimedCode {
  readonly jti: string;
  readonly number: string | undefined;
  readonly expiresAt: EpochMs;
}

/**
 * Claims a device code for a session: the first viewer wins by one conditional write, and may come back. `given` is the number if it was typed with the code.
 * Gives the number's verdict, or undefined when another session was first.
 */
export async function claimDevice(
  database: RecordStore,
  code: ClaimedCode,
  session: string,
  given: string | undefined,
  now: EpochMs,
): Promise<NumberVerdict | undefined> {
  const records = database.records(deviceClaimKind);
  const number = judgeNumber(code.number, given);
  const created = await records.create(claimId(code.jti), { session, number }, { expiresAt: code.expiresAt });
  if (created.ok) return number;
  const there = await records.get(claimId(code.jti), now);
  if (there?.value.session !== session || there.consumedAt !== null) return undefined;
  return given === undefined ? there.value.number : nameNumber(database, code, session, given, now);
}

/**
 * Names the number of a claimed code. It is judged once: the first answer stays, by one conditional write, and a second one changes nothing. Undefined for
 * anybody but the claimant, and when the code is decided.
 */
export async function nameNumber(
  database: RecordStore,
  code: ClaimedCode,
  session: string,
  given: string,
  now: EpochMs,
): Promise<NumberVerdict | undefined> {
  const records = database.records(deviceClaimKind);
  const there = await records.get(claimId(code.jti), now);
  if (there?.value.session !== session || there.consumedAt !== null) return undefined;
  if (there.value.number !== "ask") return there.value.number;
  const number = judgeNumber(code.number, given);
  const named = await records.update(there.id, there.version, { ...there.value, number });
  return named.ok ? number : (await records.get(there.id, now))?.value.number;
}

/** The claim of a code, or undefined when nobody has opened it. */
export async function findClaim(database: RecordStore, jti: string, now: EpochMs): Promise<DeviceClaim | undefined> {
  return (await database.records(deviceClaimKind).get(claimId(jti), now))?.value;
}

/** Decides a code: of approving and declining, in whatever order and however often they come, exactly one call is told true. */
export async function decideClaim(database: RecordStore, jti: string, now: EpochMs): Promise<boolean> {
  return (await database.records(deviceClaimKind).consume(claimId(jti), now)).ok;
}

function claimId(jti: string): string {
  return sha256(`device-claim\n${jti}`);
}
