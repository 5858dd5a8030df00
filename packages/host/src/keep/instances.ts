import type { EpochMs } from "@countersign/protocol/brand";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records } from "@countersign/storage/records";
import { z } from "zod";
import { newId } from "../digest.ts";
import { retention } from "./retention.ts";

interface InstanceRow {
  readonly keyId: string;
}

const instanceSchema = z.object({ keyId: z.string() });
const instanceKind: RecordKind<InstanceRow> = { name: "instance", parse: (json) => instanceSchema.parse(json) };

const aliveEveryMs = 60_000;

/** Running instances and the key that each seals with: the key of another generation may go only when nobody seals with it any more. */
export class Instances {
  readonly #records: Records<InstanceRow>;
  readonly #clock: () => EpochMs;
  readonly #id = newId("ins");
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(database: Database<unknown>, clock: () => EpochMs) {
    this.#records = database.records(instanceKind);
    this.#clock = clock;
  }

  /** Says that this instance is alive, at most once a minute. */
  async alive(keyId: string): Promise<void> {
    const now = this.#clock();
    if (now - this.#toldAt < aliveEveryMs) return;
    this.#toldAt = now;
    await this.#records.put(this.#id, { keyId }, { expiresAt: now + retention.instance.ms });
  }

  async gone(): Promise<void> {
    await this.#records.delete(this.#id);
  }

  /** Ids of the instances that seal with another key than this. */
  async sealingOtherwise(keyId: string): Promise<readonly string[]> {
    const rows = await this.#records.scan(undefined, 1000);
    const now = this.#clock();
    return rows.filter((row) => row.value.keyId !== keyId && (row.expiresAt ?? now) > now).map((row) => row.id);
  }
}
