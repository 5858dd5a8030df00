import { bridgeSurfaceOf, frameRightsOf, hostNameOf } from "@countersign/protocol/profile-view";
import { AppBridge, type McpUiHostContext } from "@modelcontextprotocol/ext-apps/app-bridge";
import { config } from "zod/v4/core";
import type { WidgetView } from "../wire.ts";
import { changedGlobals, type OpenAiGlobals, withGlobals } from "./globals.ts";
import { serveOpenAi } from "./openai.ts";
import { capabilitiesOf, serveApps } from "./serve-apps.ts";
import { clampHeight } from "./size.ts";
import { createFrameTransport, type FrameWindow, type MessageSource } from "./transport.ts";
import { type Ending, TellCall, type ToolInput } from "./tell-call.ts";
import { createUploads } from "./uploads.ts";
import type { WidgetHost } from "./widget-host.ts";

// The strict CSP of the console forbids code from strings, which zod would otherwise try.
config({ jitless: true });

/** A view that does not say goodbye within this time is removed without it. */
const teardownMs = 500;

export interface WidgetLink {
  /** Tells the view the arguments, as they grow and once they are whole. */
  readonly input: (input: ToolInput) => void;
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
  readonly input: ToolInput;
  /** How the call has ended already, if it has. */
  readonly ending: Ending | undefined;
  readonly context: McpUiHostContext;
  readonly host: WidgetHost;
  /** The frame's page has loaded and takes the widget's document. */
  readonly onReady: () => void;
  /** The frame's page has loaded once more, as when the frame was moved: its document knows nothing of what this link was told, so the link has closed. */
  readonly onAnew: () => void;
}

/**
 * Connects one frame: the official MCP Apps bridge without a client inside (every tool call goes to the broker instead), and the shim's
 * `openai/*` messages beside it.
 */
export async function connectWidget(options: WidgetLinkOptions): Promise<WidgetLink> {
  const { host, view } = options;
  let reportsSize = false;
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
  const call = new TellCall(bridge, options);
  serveApps(bridge, host, transport);
  bridge.addEventListener("sizechange", ({ height }) => {
    reportsSize = true;
    const clamped = clampHeight(height);
    if (clamped !== undefined) host.resize(clamped);
  });
  bridge.addEventListener("sandboxready", () => {
    // Answers to the document before would reach the new one, under ids that it uses too.
    if (told !== undefined) {
      void bridge.close();
      options.onAnew();
      return;
    }
    options.onReady();
    told = host.globals();
    void sendDocument(bridge, view, withGlobals(options.html, told));
  });
  const tellGlobals = (): void => {
    if (told === undefined) return;
    const now = host.globals();
    const globals = changedGlobals(told, now);
    told = now;
    if (Object.keys(globals).length > 0) transport.notify("openai/setGlobals", { globals });
  };
  const link: WidgetLink = {
    input: (next) => {
      call.input(next);
      tellGlobals();
    },
    refresh: (context) => {
      if (call.isHeard) bridge.setHostContext(context);
      tellGlobals();
    },
    end: (how) => {
      call.end(how);
      tellGlobals();
    },
    teardown: async () => {
      if (call.isHeard) await bridge.teardownResource({}, { timeout: teardownMs }).catch(() => {});
    },
    get tools() {
      return bridge.getAppCapabilities()?.tools === undefined ? undefined : () => listTools(bridge);
    },
    callTool: (name, args) => bridge.callTool({ name, arguments: { ...args } }, { timeout: answerMs }),
    close: () => void bridge.close(),
  };
  bridge.addEventListener("initialized", () => call.begin());
  await bridge.connect(transport);
  return link;
}

function sendDocument(bridge: AppBridge, { profile, csp, permissions }: WidgetView, html: string): Promise<void> {
  return bridge.sendSandboxResourceReady({
    html,
    sandbox: frameRightsOf(profile).flags,
    ...(csp === undefined ? {} : { csp }),
    ...(permissions === undefined ? {} : { permissions }),
  });
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
