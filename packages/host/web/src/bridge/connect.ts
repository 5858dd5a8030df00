import { bridgeSurfaceOf, frameRightsOf, hostNameOf } from "@countersign/protocol/profile-view";
import { isJsonObject } from "@countersign/protocol/shape";
import { AppBridge, type McpUiHostContext } from "@modelcontextprotocol/ext-apps/app-bridge";
import { config } from "zod/v4/core";
import type { CallResult, WidgetView } from "../wire.ts";
import { changedGlobals, type OpenAiGlobals, withGlobals } from "./globals.ts";
import { serveOpenAi } from "./openai.ts";
import { capabilitiesOf, serveApps, toolResultOf } from "./serve-apps.ts";
import { clampHeight } from "./size.ts";
import { createFrameTransport, type FrameWindow, type MessageSource } from "./transport.ts";
import { createUploads } from "./uploads.ts";
import type { WidgetHost } from "./widget-host.ts";

// The strict CSP of the console forbids code from strings, which zod would otherwise try.
config({ jitless: true });

/** A view that does not say goodbye within this time is removed without it. */
const teardownMs = 500;

/** How the call that a view shows has ended. */
export type Ending = { readonly kind: "result"; readonly result: CallResult } | { readonly kind: "cancelled"; readonly reason: string };

export interface WidgetLink {
  /** Tells the view what has changed around it: theme, mode, sizes, sign-in. */
  readonly refresh: (context: McpUiHostContext) => void;
  /** Tells the view how its call ended, once. */
  readonly end: (ending: Ending) => void;
  /** Tells the view that it is about to be removed, and waits for it, but not long. */
  readonly teardown: () => Promise<void>;
  /** Tools that the view itself offers (MCP Apps, app-registered tools); undefined when it offers none. */
  readonly tools: (() => Promise<readonly AppTool[]>) | undefined;
  readonly callTool: (name: string, args: Readonly<Record<string, unknown>>) => Promise<unknown>;
  readonly close: () => void;
}

/** A tool that a view offers. */
export interface AppTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: unknown;
}

export interface WidgetLinkOptions {
  readonly page: MessageSource;
  readonly frame: FrameWindow;
  readonly view: WidgetView;
  readonly html: string;
  readonly toolArguments: unknown;
  /** How the call has ended already, if it has. */
  readonly ending: Ending | undefined;
  readonly context: McpUiHostContext;
  readonly host: WidgetHost;
  /** The frame's page has loaded and takes the widget's document. */
  readonly onReady: () => void;
}

/**
 * Connects one frame: the official MCP Apps bridge without a client inside (every tool call goes to the broker instead), and the shim's
 * `openai/*` messages beside it.
 */
export async function connectWidget(options: WidgetLinkOptions): Promise<WidgetLink> {
  const { host, view } = options;
  let speaksApps = false;
  let reportsSize = false;
  let ending = options.ending;
  let told: OpenAiGlobals | undefined;
  const uploads = createUploads(host.uploadFile);
  const transport = createFrameTransport({
    page: options.page,
    frame: options.frame,
    origin: new URL(view.frameUrl).origin,
    now: Date.now,
    surface: bridgeSurfaceOf(view.profile),
    onOpenAi: (ask) => void serveOpenAi(ask, { host, uploads, transport, ignoreMeasuredHeight: reportsSize }),
    onViolation: (refusal) => host.onViolation(refusal.detail ?? refusal.code),
  });
  const bridge = new AppBridge(null, { name: hostNameOf(view.profile), version: "0.1.0" }, capabilitiesOf(host, view), {
    hostContext: options.context,
  });
  serveApps(bridge, host, transport);
  bridge.addEventListener("sizechange", ({ height }) => {
    reportsSize = true;
    const clamped = clampHeight(height);
    if (clamped !== undefined) host.resize(clamped);
  });
  bridge.addEventListener("sandboxready", () => {
    options.onReady();
    told = host.globals();
    void bridge.sendSandboxResourceReady({
      html: withGlobals(options.html, told),
      sandbox: frameRightsOf(view.profile).flags,
      ...(view.csp === undefined ? {} : { csp: view.csp }),
      ...(view.permissions === undefined ? {} : { permissions: view.permissions }),
    });
  });
  const tellGlobals = (): void => {
    if (told === undefined) return;
    const now = host.globals();
    const globals = changedGlobals(told, now);
    told = now;
    if (Object.keys(globals).length > 0) transport.notify("openai/setGlobals", { globals });
  };
  const link: WidgetLink = {
    refresh: (context) => {
      if (speaksApps) bridge.setHostContext(context);
      tellGlobals();
    },
    end: (how) => {
      if (ending !== undefined) return;
      ending = how;
      if (speaksApps) void tellEnding(bridge, how);
      tellGlobals();
    },
    teardown: async () => {
      if (speaksApps) await bridge.teardownResource({}, { timeout: teardownMs }).catch(() => {});
    },
    get tools() {
      return bridge.getAppCapabilities()?.tools === undefined ? undefined : () => listTools(bridge);
    },
    callTool: (name, args) => bridge.callTool({ name, arguments: { ...args } }, { timeout: answerMs }),
    close: () => void bridge.close(),
  };
  bridge.addEventListener("initialized", () => {
    speaksApps = true;
    void tellCall(bridge, options.toolArguments, ending);
  });
  await bridge.connect(transport);
  return link;
}

async function tellCall(bridge: AppBridge, args: unknown, ending: Ending | undefined): Promise<void> {
  await bridge.sendToolInput({ arguments: isJsonObject(args) ? { ...args } : {} });
  if (ending !== undefined) await tellEnding(bridge, ending);
}

async function tellEnding(bridge: AppBridge, ending: Ending): Promise<void> {
  const result = ending.kind === "result" ? toolResultOf(ending.result.raw) : undefined;
  if (ending.kind === "cancelled") await bridge.sendToolCancelled({ reason: ending.reason });
  else if (result !== undefined) await bridge.sendToolResult(result);
}

const toolsMax = 20;
/** How long a view may take for a tool of its own. */
const answerMs = 20_000;

async function listTools(bridge: AppBridge): Promise<readonly AppTool[]> {
  const { tools } = await bridge.listTools({}, { timeout: answerMs });
  return tools.slice(0, toolsMax).map(({ name, description, inputSchema }) => ({
    name: name.slice(0, 128),
    description: (description ?? "").slice(0, 2000),
    inputSchema,
  }));
}
