import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records } from "@countersign/storage/records";
import { z } from "zod";
import { digestText } from "../digest.ts";
import { retention } from "../keep/retention.ts";

const quietSchema = z.object({ userId: z.string() });
const quietKind: RecordKind<{ readonly userId: string }> = { name: "quiet", parse: (json) => quietSchema.parse(json) };

/**
 * Remembers for a minute (M20) that a user has just refused a sign-in or a question of a connector. It is kept for the connector, whatever issuer it names: a server that
 * wants to push could name another one each time.
 */
export class QuietTimes {
  readonly #records: Records<{ readonly userId: string }>;
  readonly #clock: () => EpochMs;

  constructor(database: Database<unknown>, clock: () => EpochMs) {
    this.#records = database.records(quietKind);
    this.#clock = clock;
  }

  /** Begins a minute of quiet, or begins it anew. */
  async begin(userId: string, connectorId: string): Promise<void> {
    await this.#records.put(idOf(userId, connectorId), { userId }, { keys: { user: userId }, expiresAt: this.#clock() + retention.quiet.ms });
  }

  async isQuiet(userId: string, connectorId: string): Promise<boolean> {
    return (await this.#records.get(idOf(userId, connectorId), this.#clock())) !== undefined;
  }
}

function idOf(userId: string, connectorId: string): string {
  return digestText(JSON.stringify([userId, connectorId]));
}
