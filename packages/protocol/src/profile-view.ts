import { bridgeMethods } from "./bridge.ts";
import { type AppCapability, type DisplayMode, hostViews, type OpenAiFunction } from "./host-profile-view.ts";
import type { HostProfile } from "./ladder.ts";
import type { SandboxPlace } from "./sandbox.ts";

/** What a view may send to its host. */
export interface BridgeSurface {
  readonly requests: readonly string[];
  readonly notifications: readonly string[];
  /** Whether the frame has `window.openai` at all. */
  readonly hasOpenai: boolean;
}

/** The methods that stand behind what a host announces. */
const methodsOfCapability: Readonly<Record<AppCapability, readonly string[]>> = {
  openLinks: ["ui/open-link"],
  downloadFile: ["ui/download-file"],
  serverTools: ["tools/call", "tools/list"],
  serverResources: ["resources/read", "resources/list", "resources/templates/list", "prompts/list"],
  logging: ["notifications/message"],
  message: ["ui/message"],
  updateModelContext: ["ui/update-model-context"],
  sampling: ["sampling/createMessage"],
  "countersign/authorization": [],
  "countersign/open-auth-popup": ["countersign/open-auth-popup"],
};

const methodsOfFunction: Readonly<Record<OpenAiFunction, readonly string[]>> = {
  callTool: ["openai/callTool"],
  setWidgetState: ["openai/setWidgetState"],
  sendFollowUpMessage: ["openai/sendFollowUpMessage"],
  uploadFile: ["openai/beginUpload", "openai/appendUpload"],
  selectFiles: ["openai/selectFiles"],
  getFileDownloadUrl: ["openai/getFileDownloadUrl"],
  requestDisplayMode: ["openai/requestDisplayMode"],
  requestModal: ["openai/requestModal"],
  requestClose: ["openai/requestClose"],
  notifyIntrinsicHeight: ["openai/notifyIntrinsicHeight"],
  openExternal: ["openai/openExternal"],
  setOpenInAppUrl: ["openai/setOpenInAppUrl"],
};

/** What the host's own script in the frame says where there is `window.openai`. */
const methodsOfOpenai: readonly string[] = ["openai/measuredHeight"];

/** The methods that a host may have or not have. All others of the bridge belong to every host. */
const optional: ReadonlySet<string> = new Set([
  ...Object.values(methodsOfCapability).flat(),
  ...Object.values(methodsOfFunction).flat(),
  ...methodsOfOpenai,
]);

/** What of the bridge the host of the profile serves. A view that asks for anything else is told that there is no such method. */
export function bridgeSurfaceOf(profile: HostProfile): BridgeSurface {
  const { capabilities, openai } = hostViews[profile];
  const served = new Set([
    ...capabilities.value.flatMap((capability) => methodsOfCapability[capability]),
    ...openai.value.flatMap((name) => methodsOfFunction[name]),
    ...(openai.value.length > 0 ? methodsOfOpenai : []),
  ]);
  const isServed = (method: string): boolean => served.has(method) || !optional.has(method);
  return {
    requests: bridgeMethods.view.requests.filter(isServed),
    notifications: bridgeMethods.view.notifications.filter(isServed),
    hasOpenai: openai.value.length > 0,
  };
}

export interface FrameRights {
  /** The view's `sandbox` attribute here. */
  readonly flags: string;
  /** What the real host's view may do beyond. */
  readonly withheld: readonly string[];
}

/**
 * The flags that a profile can lend to a view. None of them reaches out of the frame: no origin of its own, no window, no navigation and no download, whatever the
 * host of the profile allows (V03).
 */
const lentFlags: ReadonlySet<string> = new Set(["allow-scripts", "allow-forms", "allow-pointer-lock"]);

/** What the view's frame may do under a profile: what all frames of that host allow, as far as it is lent. */
export function frameRightsOf(profile: HostProfile): FrameRights {
  const [outermost = [], ...inner] = hostViews[profile].sandbox.value.map((flags) => flags.split(" "));
  const effective = outermost.filter((flag) => inner.every((flags) => flags.includes(flag)));
  return {
    flags: effective.filter((flag) => lentFlags.has(flag)).join(" "),
    withheld: effective.filter((flag) => !lentFlags.has(flag)),
  };
}

/** Members of `window.openai` that are ours: other hosts do not tell where a sign-in stands, and open no windows for apps. */
const membersOfCapability: Partial<Readonly<Record<AppCapability, readonly string[]>>> = {
  "countersign/authorization": ["countersign/authorization"],
  "countersign/open-auth-popup": ["countersign/openAuthPopup", "openAuthPopup"],
};

/** The members of `window.openai` beside the data that every host with it has. None: there is no `window.openai`. */
export function openaiMembersOf(profile: HostProfile): readonly string[] {
  const { capabilities, openai } = hostViews[profile];
  if (openai.value.length === 0) return [];
  return [
    ...openai.value,
    // The older name of the same.
    ...(openai.value.includes("sendFollowUpMessage") ? ["sendFollowupTurn"] : []),
    ...capabilities.value.flatMap((capability) => membersOfCapability[capability] ?? []),
  ];
}

/** The place of a view as the host of the profile would have it: its policy is then parsed for that place (sandbox.ts). */
export function placeUnder(profile: HostProfile, place: SandboxPlace): SandboxPlace {
  const { csp, allow } = hostViews[profile];
  return { ...place, host: csp.value, features: allow.value, flags: frameRightsOf(profile).flags };
}

/** The name that a view hears of its host. Where nobody has told one, it is a name that says nothing. */
export function hostNameOf(profile: HostProfile): string {
  return hostViews[profile].hostInfo.value ?? "Host";
}

/** The modes that a view may be shown in, or be asked for: a host has always inline. */
export function displayModesUnder(profile: HostProfile, own: readonly DisplayMode[]): readonly DisplayMode[] {
  return own.filter((mode) => hostViews[profile].displayModes.value.includes(mode));
}
