import type { DisplayMode } from "@countersign/protocol/host-profile-view";
import type { HostProfile } from "@countersign/protocol/ladder";
import { displayModesUnder } from "@countersign/protocol/profile-view";

/** The modes that a view may be shown in. A small screen has no place beside the conversation, so it shows every mode but inline in full. */
export function modesOf(profile: HostProfile, small: boolean): readonly DisplayMode[] {
  return displayModesUnder(profile, small ? ["inline", "fullscreen"] : ["inline", "fullscreen", "pip"]);
}
