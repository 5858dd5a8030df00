import type { EpochMs } from "@countersign/protocol/brand";
import type { RecordKind, StoredRecord } from "@countersign/storage/records";
import { z } from "zod";
import { dueMinute } from "./flow-record.ts";

/**
 * One device code that is being polled, by its flow's id. The code and its PKCE verifier are sealed. `owner` polls until `leaseUntil`; after that anybody
 * may take over by compare-and-set, but not poll before `nextPollAt`.
 */
export interface DeviceRow {
  readonly userId: string;
  readonly sealed: string;
  readonly intervalMs: number;
  readonly failures: number;
  readonly nextPollAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly owner: string;
  readonly leaseUntil: EpochMs;
}

export type StoredDevice = StoredRecord<DeviceRow>;

const rowSchema = z.object({
  userId: z.string(),
  sealed: z.string(),
  intervalMs: z.number(),
  failures: z.number(),
  nextPollAt: z.number(),
  expiresAt: z.number(),
  owner: z.string(),
  leaseUntil: z.number(),
});

export const deviceKind: RecordKind<DeviceRow> = { name: "device_code", parse: (json) => rowSchema.parse(json) };

/** Found by the minute in which the lease ends: whatever is left in a past minute has lost its poller. */
export function deviceKeys(row: DeviceRow): Readonly<Record<string, string>> {
  return { user: row.userId, lease: dueMinute(row.leaseUntil) };
}

/** What is sealed in a row. */
export interface DeviceSecrets {
  readonly deviceCode: string;
  readonly verifier: string;
  /** The private key that the tokens will be bound to: the same for every poll. */
  readonly proofJwk?: string | undefined;
}

const secretsSchema: z.ZodType<DeviceSecrets> = z.object({
  deviceCode: z.string(),
  verifier: z.string(),
  proofJwk: z.string().optional(),
});

export function readDeviceSecrets(text: string): DeviceSecrets {
  return secretsSchema.parse(JSON.parse(text));
}
