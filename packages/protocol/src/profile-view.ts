import { bridgeMethods } from "./bridge.ts";
import { type AppCapability, hostViews, type OpenAiFunction } from "./host-profile-view.ts";
import type { HostProfile } from "./ladder.ts";

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

/** The methods that a host may have or not have. All others of the bridge belong to every host. */
const optional: ReadonlySet<string> = new Set([...Object.values(methodsOfCapability), ...Object.values(methodsOfFunction)].flat());

/** What of the bridge the host of the profile serves. A view that asks for anything else is told that there is no such method. */
export function bridgeSurfaceOf(profile: HostProfile): BridgeSurface {
  const { capabilities, openai } = hostViews[profile];
  const served = new Set([
    ...capabilities.value.flatMap((capability) => methodsOfCapability[capability]),
    ...openai.value.flatMap((name) => methodsOfFunction[name]),
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

/**
 * The features of Permissions Policy that a view has under a profile: of what it declared, what that host grants.
 *
 * @param declared the `allow` of its policy (sandbox.ts)
 */
export function featuresUnder(profile: HostProfile, declared: string): string {
  const granted = hostViews[profile].allow.value;
  return declared
    .split("; ")
    .filter((feature) => granted.includes(feature))
    .join("; ");
}
