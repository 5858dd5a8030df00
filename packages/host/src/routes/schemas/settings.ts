import { profileNames } from "@countersign/protocol/host-profile";
import type { HostProfile } from "@countersign/protocol/ladder";
import { z } from "zod";

export const profileName: z.ZodType<HostProfile> = z
  .enum(profileNames)
  .meta({ id: "HostProfile", description: "The host that this one acts out for a user of the console." });

/** The body and the answer of `PUT /api/settings/profile`, and what `event: settings` carries. */
export interface ProfileChoice {
  readonly profile: HostProfile;
}

export const profileChoice: z.ZodType<ProfileChoice> = z.strictObject({ profile: profileName }).meta({ id: "ProfileChoice" });
