import { widgetSandbox } from "@countersign/protocol/sandbox";
import { isCallToolResult, ProtocolError } from "@modelcontextprotocol/client";
import { AppBridge, type McpUiHostContext } from "@modelcontextprotocol/ext-apps/app-bridge";
import { config } from "zod/v4/core";
import { isJsonObject } from "@countersign/protocol/shape";
import type { CallResult, WidgetView } from "../wire.ts";
import { withGlobals } from "./globals.ts";
import { serveOpenAi } from "./openai.ts";
import { clampHeight } from "./size.ts";
import { createFrameTransport, type FrameTransport, type FrameWindow, type MessageSource } from "./transport.ts";
import { failureOf, type WidgetHost } from "./widget-host.ts";

// The strict CSP of the console forbids code from strings, which zod would otherwise try.
config({ jitless: true });

/** Keeps the timers of MCP SDKs alive while a user signs in. */
const progressEveryMs = 15_000;

export interface WidgetLink {
  /** Tells the view that theme or display mode changed. */
  readonly refresh: (context: McpUiHostContext) => void;
  readonly close: () => void;
}

export interface WidgetLinkOptions {
  readonly page: MessageSource;
  readonly frame: FrameWindow;
  readonly view: WidgetView;
  readonly html: string;
  readonly toolArguments: unknown;
  readonly toolResult: CallResult | undefined;
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
  const transport = createFrameTransport({
    page: options.page,
    frame: options.frame,
    origin: new URL(view.frameUrl).origin,
    now: Date.now,
    onOpenAi: (ask) => void serveOpenAi(ask, host, transport, reportsSize),
    onViolation: (refusal) => host.onViolation(refusal.detail ?? refusal.code),
  });
  const bridge = createBridge(options, transport);
  bridge.addEventListener("sizechange", ({ height }) => {
    reportsSize = true;
    const clamped = clampHeight(height);
    if (clamped !== undefined) host.resize(clamped);
  });
  bridge.addEventListener("initialized", () => {
    speaksApps = true;
    void sendCall(bridge, options);
  });
  bridge.addEventListener("sandboxready", () => {
    options.onReady();
    void bridge.sendSandboxResourceReady({
      html: withGlobals(options.html, host.globals()),
      sandbox: widgetSandbox,
      ...(view.csp === undefined ? {} : { csp: view.csp }),
      ...(view.permissions === undefined ? {} : { permissions: view.permissions }),
    });
  });
  await bridge.connect(transport);
  return {
    refresh: (context) => {
      const { theme, displayMode, maxHeight } = host.globals();
      if (speaksApps) bridge.setHostContext(context);
      transport.notify("openai/setGlobals", { globals: { theme, displayMode, maxHeight } });
    },
    close: () => void bridge.close(),
  };
}

function createBridge(options: WidgetLinkOptions, transport: FrameTransport): AppBridge {
  const { host } = options;
  const { setContext } = host;
  const forModel = setContext === undefined ? {} : { updateModelContext: { text: {}, structuredContent: {} } };
  const capabilities = { openLinks: {}, serverTools: {}, logging: {}, message: { text: {} }, ...forModel };
  const bridge = new AppBridge(null, { name: "Countersign", version: "0.1.0" }, capabilities, { hostContext: options.context });
  bridge.oncalltool = async (params, extra) => {
    const token = extra.mcpReq._meta?.progressToken;
    let progress = 0;
    const tick = (): void => {
      progress += 1;
      if (token !== undefined) void bridge.notification({ method: "notifications/progress", params: { progressToken: token, progress } });
    };
    const timer = setInterval(tick, progressEveryMs);
    try {
      const call = await host.callTool(params.name, params.arguments ?? {});
      const result = call.result?.raw;
      if (isCallToolResult(result)) return result;
      const failure = failureOf(call);
      throw new ProtocolError(failure.code, failure.message, failure.data);
    } finally {
      clearInterval(timer);
      // A request that the view has cancelled gets no answer, but it is over only now.
      transport.release(extra.mcpReq.id);
    }
  };
  bridge.onopenlink = async ({ url }) => ((await host.openLink(url)) ? {} : { isError: true });
  bridge.onmessage = async ({ content }) => {
    const text = content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("\n\n");
    return text !== "" && (await host.say(text)) ? {} : { isError: true };
  };
  if (setContext !== undefined) {
    bridge.onupdatemodelcontext = async ({ content, structuredContent }) => {
      const texts = (content ?? []).flatMap((block) => (block.type === "text" ? [block.text] : []));
      setContext([...texts, ...(structuredContent === undefined ? [] : [JSON.stringify(structuredContent)])].join("\n"));
      return {};
    };
  }
  bridge.onrequestdisplaymode = async ({ mode }) => ({ mode: host.requestDisplayMode(mode) });
  bridge.onloggingmessage = ({ level, data }) => console.debug("[widget]", level, data);
  return bridge;
}

async function sendCall(bridge: AppBridge, options: WidgetLinkOptions): Promise<void> {
  await bridge.sendToolInput({ arguments: isJsonObject(options.toolArguments) ? { ...options.toolArguments } : {} });
  const result = options.toolResult?.raw;
  if (isCallToolResult(result)) await bridge.sendToolResult(result);
}
