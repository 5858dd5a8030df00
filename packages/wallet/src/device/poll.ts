import type { EpochMs } from "@countersign/protocol/brand";
import { judgePollTime, type PollHistory } from "@countersign/protocol/device-code";
import type { Database } from "@countersign/storage/database";
import type { RecordKind } from "@countersign/storage/records";
import { z } from "zod";
import { sha256 } from "../digest.ts";

const history = z.object({ intervalMs: z.number(), acceptedAt: z.number(), early: z.number() });

export const devicePollKind: RecordKind<PollHistory> = { name: "device-poll", parse: (json) => history.parse(json) };

export type PollVerdict =
  | { readonly verdict: "in_time" }
  | { readonly verdict: "slow_down" }
  | { readonly verdict: "too_many"; readonly retryAfterSeconds: number };

/**
 * Counts a poll of a device code (RFC 8628 section 3.5), for all instances together: of polls at the same time one is in time at most, because what each
 * writes is conditional on what it read.
 */
export async function countPoll(
  database: Pick<Database<unknown>, "records">,
  code: { readonly jti: string; readonly expiresAt: EpochMs },
  now: EpochMs,
): Promise<PollVerdict> {
  const records = database.records(devicePollKind);
  const id = sha256(`device-poll\n${code.jti}`);
  const there = await records.get(id, now);
  const judged = judgePollTime(there?.value, now);
  if (judged.verdict === "too_many") return judged;
  const written =
    there === undefined
      ? await records.create(id, judged.history, { expiresAt: code.expiresAt })
      : await records.update(id, there.version, judged.history);
  return { verdict: written.ok ? judged.verdict : "slow_down" };
}
