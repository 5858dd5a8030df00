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

const stepWords: Readonly<Record<string, string>> = {
  revisions: "opens it in each revision of MCP",
  tools: "asks for the tools",
  calls: "asks how it demands sign-in",
  views: "reads the views",
  transport: "tries the transport",
  metadata: "looks up the authorization server",
  cross_origin: "asks as a page of another origin",
};

/** What an examination does now, in words. */
export function stepWord(step: string): string {
  return stepWords[step] ?? "looks at the server";
}
