import { fact, type Fact, type HostTable } from "./host-profile.ts";
import type { JsonObject } from "./shape.ts";

/** What a server sees of a host. */
export interface HostClient {
  /** The header of its requests; null where nobody has told. */
  readonly userAgent: Fact<string | null>;
  readonly clientInfo: Fact<{ readonly name: string; readonly title?: string; readonly version: string }>;
  /** The MCP revisions that it speaks, the newest first. */
  readonly revisions: Fact<readonly string[]>;
  /** The client's capabilities: at `initialize` in the 2025 family, in the `_meta` of each request in 2026-07-28. */
  readonly capabilities: Fact<JsonObject>;
  /** Whether later requests carry the `Mcp-Session-Id` that the server gave out. */
  readonly keepsSession: Fact<boolean>;
  /** How much of a `tools/list` in pages it reads. */
  readonly toolPages: Fact<"all" | "first">;
  /** What becomes of a request that the server answers with a redirect. */
  readonly redirects: Fact<"follows" | "refuses">;
  /** How long one request may stay without an answer, in ms. */
  readonly requestMs: Fact<number>;
  /** The same for its requests to a token endpoint. */
  readonly tokenMs: Fact<number>;
}

const captures = "MCPJam/inspector, sdk/src/host-config/templates/seed-host-template.ts";
const unknown = "nothing is known";
const sdkTimeout = "nothing is known; @modelcontextprotocol/client 2.4.0 waits 60 s unless told otherwise";
const ui: JsonObject = { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } };
const legacyRevisions = ["2025-11-25", "2025-06-18", "2025-03-26"] as const;
const allRevisions = ["2026-07-28", ...legacyRevisions] as const;

const unmeasured = {
  keepsSession: fact("assumed", true, unknown),
  toolPages: fact<"all" | "first">("assumed", "all", unknown),
  redirects: fact<"follows" | "refuses">("assumed", "refuses", unknown),
  requestMs: fact("assumed", 60_000, sdkTimeout),
  tokenMs: fact("assumed", 60_000, sdkTimeout),
} as const;

export const hostClients: HostTable<HostClient> = {
  countersign: {
    ...unmeasured,
    userAgent: fact("own", null, "packages/host: the header of the platform's fetch"),
    clientInfo: fact("own", { name: "countersign", title: "Countersign", version: "0.1.0" }, "packages/host/src/connections/open-client.ts"),
    revisions: fact("own", [...allRevisions, "2024-11-05"], "packages/host/src/connections/open-client.ts"),
    capabilities: fact("own", { elicitation: { form: {}, url: {} }, extensions: ui }, "packages/host/src/connections/open-client.ts"),
    keepsSession: fact("own", true, "packages/host: the official client"),
    toolPages: fact("own", "all", "packages/host: the official client"),
    redirects: fact("own", "refuses", "packages/service/src/dial/dial.ts"),
    requestMs: fact("own", 60_000, "packages/host/src/options.ts"),
    tokenMs: fact("own", 10_000, "packages/host/src/options.ts"),
  },
  chatgpt: {
    ...unmeasured,
    userAgent: fact("issue", "openai-mcp/1.0.0 (ChatGPT)", "mcp-use #2611, skybridge #938"),
    clientInfo: fact("code", { name: "openai-mcp", version: "1.0.0" }, captures),
    revisions: fact("code", allRevisions, `${captures}, 2026-08-24`),
    capabilities: fact("code", { experimental: { "openai/visibility": { enabled: true } }, extensions: ui }, `${captures}: no elicitation`),
    keepsSession: fact("issue", false, "openai-apps-sdk-examples #201; ext-apps #647"),
    toolPages: fact("code", "all", `${captures}, 2026-08-24`),
  },
  claude: {
    ...unmeasured,
    userAgent: fact("issue", "claude-user", "mcp-use #2611, skybridge #938; another one in claude-ai-mcp #335"),
    clientInfo: fact("code", { name: "claude-ai", version: "0.1.0" }, captures),
    revisions: fact("code", allRevisions, `${captures}, 2026-08-26`),
    capabilities: fact("code", { extensions: ui }, `${captures}: no elicitation; claude-ai-mcp #153`),
    toolPages: fact("code", "all", `${captures}, 2026-08-26`),
    tokenMs: fact("doc", 10_000, "claude.com/docs/connectors/building/authentication; a refresh has 30 s"),
  },
  vscode: {
    ...unmeasured,
    userAgent: fact("assumed", null, unknown),
    clientInfo: fact("code", { name: "Visual Studio Code", version: "1.134.0" }, captures),
    revisions: fact("code", ["2025-11-25"], captures),
    capabilities: fact(
      "code",
      {
        roots: { listChanged: true },
        sampling: {},
        elicitation: { form: {}, url: {} },
        tasks: { list: {}, cancel: {}, requests: { sampling: { createMessage: {} }, elicitation: { create: {} } } },
        extensions: ui,
      },
      `${captures}, 1.130`,
    ),
    toolPages: fact("code", "all", `${captures}, 2026-08-24`),
    redirects: fact("code", "follows", "microsoft/vscode, src/vs/workbench/api/common/extHostMcp.ts: up to 5"),
  },
  cursor: {
    ...unmeasured,
    userAgent: fact("assumed", null, unknown),
    clientInfo: fact("code", { name: "cursor-vscode", version: "1.0.0" }, captures),
    revisions: fact("code", ["2025-11-25"], captures),
    capabilities: fact("code", { elicitation: { form: {} }, roots: { listChanged: false }, extensions: ui }, `${captures}, 3.4`),
    toolPages: fact("code", "first", `${captures}, 2026-08-26`),
  },
  goose: {
    ...unmeasured,
    userAgent: fact("code", "goose/1.38.0", "aaif-goose/goose #6988"),
    clientInfo: fact("code", { name: "goose-desktop", version: "1.38.0" }, captures),
    revisions: fact("code", ["2025-03-26"], captures),
    capabilities: fact("code", { roots: {}, sampling: {}, elicitation: {}, extensions: ui }, `${captures}, 1.38`),
  },
  copilot: {
    ...unmeasured,
    userAgent: fact("assumed", null, unknown),
    clientInfo: fact("code", { name: "mcs", version: "1.0.0" }, `${captures}, 2026-08-26`),
    revisions: fact("code", ["2024-11-05"], `${captures}, 2026-08-26`),
    capabilities: fact("assumed", { extensions: ui }, "nothing is known of its handshake; learn.microsoft.com, plugin-mcp-apps: it shows MCP Apps"),
    toolPages: fact("code", "all", `${captures}, 2026-08-26`),
  },
  generic: {
    ...unmeasured,
    userAgent: fact("assumed", null, unknown),
    clientInfo: fact("assumed", { name: "mcp-client", version: "1.0.0" }, unknown),
    revisions: fact("doc", ["2025-11-25"], "modelcontextprotocol.io, specification 2025-11-25"),
    capabilities: fact("assumed", { elicitation: { form: {} }, extensions: ui }, "everything beyond is optional"),
    keepsSession: fact("doc", true, "modelcontextprotocol.io, specification 2025-11-25, transports, session management"),
    toolPages: fact("doc", "all", "modelcontextprotocol.io, specification 2025-11-25, pagination"),
  },
};
