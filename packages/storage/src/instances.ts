import { randomBytes } from "node:crypto";
import type { EpochMs } from "@countersign/protocol/brand";
import { member } from "@countersign/protocol/shape";
import type { Database } from "./database.ts";
import type { RecordKind, Records } from "./records.ts";

interface InstanceRow {
  readonly keyId: string;
}

const instanceKind: RecordKind<InstanceRow> = {
  name: "instance",
  parse(json) {
    const keyId = member(json, "keyId");
    if (typeof keyId !== "string") throw new TypeError("an instance names the key that it seals with");
    return { keyId };
  },
};

/** Names the records of instances, for the sweep of expired ones. */
export const instanceKindName: string = instanceKind.name;

const aliveEveryMs = 60_000;
/** How long an instance that says nothing counts as running. */
export const instanceKeptMs = 150_000;

/** Running instances and the key that each seals with: the key of another generation may go only when nobody seals with it any more. */
export class Instances {
  readonly #records: Records<InstanceRow>;
  readonly #clock: () => EpochMs;
  readonly #id = `ins_${randomBytes(16).toString("base64url")}`;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(database: Pick<Database<unknown>, "records">, clock: () => EpochMs) {
    this.#records = database.records(instanceKind);
    this.#clock = clock;
  }

  /** Says that this instance is alive, at most once a minute. */
  async alive(keyId: string): Promise<void> {
    const now = this.#clock();
    if (now - this.#toldAt < aliveEveryMs) return;
    this.#toldAt = now;
    await this.#records.put(this.#id, { keyId }, { expiresAt: now + instanceKeptMs });
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
