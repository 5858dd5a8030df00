import type { EpochMs } from "@countersign/protocol/brand";
import { defaultProfile, readProfile } from "@countersign/protocol/host-profile";
import type { HostProfile } from "@countersign/protocol/ladder";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records } from "@countersign/storage/records";
import { z } from "zod";
import { retention } from "./keep/retention.ts";

interface SettingsRow {
  readonly userId: string;
  readonly profile: HostProfile;
}

/** A profile that this version no longer knows reads as the default. */
const settingsSchema = z.object({ userId: z.string(), profile: z.unknown().transform((name) => readProfile(name) ?? defaultProfile) });
const settingsKind: RecordKind<SettingsRow> = { name: "settings", parse: (json) => settingsSchema.parse(json) };

/** Which host each user lets this one act out. Nobody but the user chooses: no server and no view knows of the setting. */
export class Profiles {
  readonly #records: Records<SettingsRow>;
  readonly #clock: () => EpochMs;

  constructor(database: Database<unknown>, clock: () => EpochMs) {
    this.#records = database.records(settingsKind);
    this.#clock = clock;
  }

  /** The profile in force; `countersign` when the user chose none. */
  async of(userId: string): Promise<HostProfile> {
    const record = await this.#records.get(userId, this.#clock());
    return record?.value.profile ?? defaultProfile;
  }

  /** Chooses one; the last write wins. True when it is another than before. */
  async choose(userId: string, profile: HostProfile): Promise<boolean> {
    const before = await this.of(userId);
    await this.#records.put(userId, { userId, profile }, { keys: { user: userId }, expiresAt: this.#clock() + retention.settings.ms });
    return before !== profile;
  }
}
