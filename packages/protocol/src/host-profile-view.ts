import { fact, type Fact, type HostTable } from "./host-profile.ts";
import type { HostCsp } from "./sandbox.ts";

/** What a host announces to a view at `ui/initialize` (MCP Apps 2026-01-26, host capabilities); with a slash: among the experimental ones. */
export type AppCapability =
  | "openLinks"
  | "downloadFile"
  | "serverTools"
  | "serverResources"
  | "logging"
  | "message"
  | "updateModelContext"
  | "sampling"
  | "countersign/authorization"
  | "countersign/open-auth-popup";

/** The functions of `window.openai`. Where a host has one of them, it has the data members too. */
export type OpenAiFunction =
  | "callTool"
  | "setWidgetState"
  | "sendFollowUpMessage"
  | "uploadFile"
  | "selectFiles"
  | "getFileDownloadUrl"
  | "requestDisplayMode"
  | "requestModal"
  | "requestClose"
  | "notifyIntrinsicHeight"
  | "openExternal"
  | "setOpenInAppUrl";

/** Where a view is shown, MCP Apps 2026-01-26. */
export type DisplayMode = "inline" | "fullscreen" | "pip";

/** What a view sees of its host. */
export interface HostView {
  /** `hostInfo` of the handshake; null where views are not told or nobody has told. */
  readonly hostInfo: Fact<string | null>;
  readonly capabilities: Fact<readonly AppCapability[]>;
  readonly openai: Fact<readonly OpenAiFunction[]>;
  readonly displayModes: Fact<readonly DisplayMode[]>;
  /** The `sandbox` attributes of the frames, from the host's page inwards. What a view may do is what all of them allow. */
  readonly sandbox: Fact<readonly string[]>;
  /** The features of Permissions Policy that its frame can have. */
  readonly allow: Fact<readonly string[]>;
  readonly csp: Fact<HostCsp>;
  /** Whether tools for views only are kept from the model. */
  readonly enforcesVisibility: Fact<boolean>;
}

const unknown = "nothing is known";
const captures = "MCPJam/inspector, sdk/src/host-config/templates/seed-host-template.ts";
const specification = "MCP Apps 2026-01-26";
const openaiReference = "developers.openai.com/plugins/reference";
const copilotApps = "learn.microsoft.com, plugin-mcp-apps";
const declaredOnly: HostCsp = { ignores: [], open: {}, scripts: [] };
const openaiPlaces = ["https://cdn.jsdelivr.net", "https://unpkg.com"] as const;
const specifiedFrames = ["allow-scripts allow-same-origin"] as const;
const common = ["openLinks", "serverTools", "serverResources", "logging"] as const;

const openaiFunctions = [
  "callTool",
  "setWidgetState",
  "sendFollowUpMessage",
  "uploadFile",
  "selectFiles",
  "getFileDownloadUrl",
  "requestDisplayMode",
  "requestModal",
  "requestClose",
  "openExternal",
  "setOpenInAppUrl",
] as const satisfies readonly OpenAiFunction[];

export const hostViews: HostTable<HostView> = {
  countersign: {
    hostInfo: fact("own", "Countersign", "packages/host/web/src/bridge/connect.ts"),
    capabilities: fact(
      "own",
      [...common, "downloadFile", "message", "updateModelContext", "sampling", "countersign/authorization", "countersign/open-auth-popup"],
      "packages/host/web/src/bridge/serve-apps.ts",
    ),
    openai: fact("own", [...openaiFunctions, "notifyIntrinsicHeight"], "packages/host/web/src/bridge/openai.ts"),
    displayModes: fact("own", ["inline", "fullscreen", "pip"], "packages/host/web/src/bridge/widget-host.ts"),
    sandbox: fact("own", ["allow-scripts allow-same-origin", "allow-scripts"], "packages/protocol/src/sandbox.ts"),
    allow: fact("own", ["camera", "microphone", "geolocation", "clipboard-write"], "packages/protocol/src/sandbox.ts"),
    csp: fact("own", declaredOnly, "packages/protocol/src/sandbox.ts"),
    enforcesVisibility: fact("own", true, "packages/protocol/src/security.ts"),
  },
  chatgpt: {
    hostInfo: fact("code", "chatgpt", captures),
    capabilities: fact("code", [...common, "message", "updateModelContext"], captures),
    openai: fact("doc", openaiFunctions, `${openaiReference}; notifyIntrinsicHeight was gone on 2026-09-02: ${captures}`),
    displayModes: fact("doc", ["inline", "fullscreen", "pip"], openaiReference),
    sandbox: fact(
      "code",
      ["allow-scripts allow-same-origin allow-forms", "allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox allow-forms"],
      `${captures}, 2026-05-18`,
    ),
    allow: fact("code", ["clipboard-write", "local-network-access", "microphone", "midi"], `${captures}, 2026-05-18`),
    csp: fact("code", { ignores: [], open: { connectDomains: openaiPlaces, resourceDomains: openaiPlaces }, scripts: [] }, `${captures}, 2026-08-19`),
    enforcesVisibility: fact("inferred", true, `${openaiReference}: visibility says who may call`),
  },
  claude: {
    hostInfo: fact("code", "Claude", captures),
    capabilities: fact("code", [...common, "downloadFile", "message", "updateModelContext"], captures),
    openai: fact("code", [], captures),
    displayModes: fact("code", ["inline", "fullscreen"], captures),
    sandbox: fact(
      "code",
      ["allow-scripts allow-same-origin allow-forms", "allow-scripts allow-same-origin allow-forms"],
      `${captures}, 2026-05-18; no popups: claude-ai-mcp #31`,
    ),
    allow: fact("code", ["clipboard-write", "fullscreen"], `${captures}, 2026-05-18`),
    csp: fact(
      "code",
      {
        ignores: ["frameDomains", "baseUriDomains"],
        open: { connectDomains: ["https://esm.sh"], resourceDomains: ["https://esm.sh", "https://assets.claude.ai"] },
        scripts: ["'unsafe-eval'"],
      },
      `${captures}, 2026-05-18 and 2026-08-19`,
    ),
    enforcesVisibility: fact("assumed", true, `${unknown}; ${specification} demands it`),
  },
  vscode: {
    hostInfo: fact("code", "Visual Studio Code", captures),
    capabilities: fact("code", [...common, "downloadFile", "updateModelContext"], `${captures}, 1.130`),
    openai: fact("code", [], captures),
    displayModes: fact("code", ["inline"], captures),
    sandbox: fact("code", ["allow-scripts allow-same-origin allow-pointer-lock allow-downloads allow-forms"], `${captures}, 1.130`),
    allow: fact("code", ["clipboard-write", "clipboard-read", "autoplay", "local-network-access", "cross-origin-isolated"], captures),
    csp: fact("code", declaredOnly, `${captures}, 2026-08-24`),
    enforcesVisibility: fact("assumed", true, `${unknown}; ${specification} demands it`),
  },
  cursor: {
    hostInfo: fact("code", "Cursor", captures),
    capabilities: fact("code", common, `${captures}, 3.4`),
    openai: fact("assumed", [], unknown),
    displayModes: fact("code", ["inline"], captures),
    sandbox: fact("assumed", specifiedFrames, `${unknown}; what ${specification} demands`),
    allow: fact("code", ["clipboard-write"], captures),
    csp: fact("code", declaredOnly, captures),
    enforcesVisibility: fact("code", false, `${captures}, 3.4`),
  },
  goose: {
    hostInfo: fact("code", "MCP-UI Host", captures),
    capabilities: fact("code", ["openLinks"], `${captures}, 1.38`),
    openai: fact("code", [], captures),
    displayModes: fact("code", ["inline", "fullscreen", "pip"], captures),
    sandbox: fact("code", ["allow-scripts allow-same-origin allow-forms"], captures),
    allow: fact("code", [], captures),
    csp: fact("assumed", declaredOnly, unknown),
    enforcesVisibility: fact("assumed", true, `${unknown}; ${specification} demands it`),
  },
  copilot: {
    hostInfo: fact("assumed", "Copilot", unknown),
    capabilities: fact("doc", ["openLinks", "serverTools", "message", "updateModelContext"], copilotApps),
    openai: fact(
      "doc",
      ["callTool", "setWidgetState", "sendFollowUpMessage", "requestDisplayMode", "notifyIntrinsicHeight", "openExternal", "setOpenInAppUrl"],
      copilotApps,
    ),
    displayModes: fact("doc", ["inline", "fullscreen"], copilotApps),
    sandbox: fact("assumed", specifiedFrames, `${unknown}; what ${specification} demands`),
    allow: fact("doc", [], `${copilotApps}: permissions have no effect`),
    csp: fact("doc", { ignores: ["frameDomains"], open: {}, scripts: [] }, copilotApps),
    enforcesVisibility: fact("assumed", true, `${unknown}; ${specification} demands it`),
  },
  generic: {
    hostInfo: fact("assumed", null, unknown),
    capabilities: fact("assumed", [...common, "message", "updateModelContext"], `${specification}: each is the host's choice`),
    openai: fact("assumed", [], `not part of ${specification}`),
    displayModes: fact("assumed", ["inline"], `${specification}: others are the host's choice`),
    sandbox: fact("doc", specifiedFrames, specification),
    allow: fact("doc", ["camera", "microphone", "geolocation", "clipboard-write"], specification),
    csp: fact("doc", declaredOnly, specification),
    enforcesVisibility: fact("doc", true, specification),
  },
};
