import { hostNames, readProfile } from "@countersign/protocol/host-profile";
import type { Matter, Standing } from "@countersign/protocol/server-verdict";

export const matterWords: Readonly<Record<Matter, string>> = {
  connect: "Connect",
  list: "Tools",
  sign_in: "Sign-in",
  model_call: "Model’s calls",
  view_call: "Views’ calls",
  view: "Views",
  step_up: "More scope",
};

export const standingWords: Readonly<Record<Standing, string>> = {
  works: "Works",
  falls_back: "Falls back",
  dead: "Dead",
  moot: "No need",
  unknown: "Unknown",
};

/** What people call a host. */
export function hostWord(host: string): string {
  const profile = readProfile(host);
  return profile === undefined ? host : hostNames[profile];
}
