import { authorizationContextKey, readAuthorization } from "./authorization.ts";
import { readHostContext, type HostBridge, type HostTopics, type ModelContext } from "./bridge.ts";
import { callError } from "./call-error.ts";
import { openParentPort, type FrameWindow } from "./frame.ts";
import { createPeer, type Peer } from "./json-rpc.ts";
import { isObject, readToolResult, textOf, type JsonObject } from "./wire.ts";

/** The revision of MCP Apps that is spoken here (`ui/initialize`, 2026-01-26). */
export const appsProtocolVersion = "2026-01-26";

/** The experimental capability, and the method, of a host that opens a window for the app and tells what it came back with. */
const popupCapability = "countersign/open-auth-popup";

export interface McpBridgeOptions {
  readonly frame: FrameWindow;
  readonly topics: HostTopics;
  readonly appInfo: { readonly name: string; readonly version: string };
  /** How long the host may take to answer the handshake. */
  readonly handshakeMsMax: number;
  readonly onTeardown: () => void;
}

/** Opens the MCP Apps bridge: handshake, then `ui/notifications/initialized`. Undefined when no host answers in time. */
export async function openMcpBridge(options: McpBridgeOptions): Promise<HostBridge | undefined> {
  const { topics } = options;
  let context: JsonObject = {};
  const mergeContext = (change: JsonObject): void => {
    context = { ...context, ...change };
    topics.context.publish(readHostContext(context));
    if (authorizationContextKey in change) {
      topics.authorization.publish(readAuthorization(change[authorizationContextKey]));
    }
  };
  const port = openParentPort(options.frame, (message) => {
    if (peer.receive(message.data)) {
      port.pin(message.origin);
    }
  });
  const peer = createPeer({
    post: (message) => port.post(message),
    onNotification: (method, params) => onNotification(topics, mergeContext, method, params),
    onRequest: (method) => {
      if (method === "ui/resource-teardown") {
        options.onTeardown();
      }
      return method === "ping" || method === "ui/resource-teardown" ? {} : undefined;
    },
  });
  const close = (): void => {
    peer.close();
    port.close();
  };
  const answer = await shakeHands(peer, options);
  if (answer === undefined) {
    close();
    return undefined;
  }
  mergeContext(isObject(answer["hostContext"]) ? answer["hostContext"] : {});
  peer.notify("ui/notifications/initialized", {});
  return speak(peer, close, answer);
}

async function shakeHands(peer: Peer, options: McpBridgeOptions): Promise<JsonObject | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), options.handshakeMsMax);
  });
  const hello = { appInfo: options.appInfo, appCapabilities: {}, protocolVersion: appsProtocolVersion };
  try {
    const answer = await Promise.race([peer.request("ui/initialize", hello), late]);
    // Some hosts answer with less than the specification asks for; what they leave out counts as absent.
    return isObject(answer) ? answer : undefined;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function onNotification(topics: HostTopics, mergeContext: (change: JsonObject) => void, method: string, params: JsonObject): void {
  if (method === "ui/notifications/tool-input") {
    topics.toolInput.publish(isObject(params["arguments"]) ? params["arguments"] : {});
  } else if (method === "ui/notifications/tool-result") {
    const result = readToolResult(params);
    if (result !== undefined) {
      topics.toolResult.publish(result);
    }
  } else if (method === "ui/notifications/tool-cancelled") {
    topics.toolCancelled.publish(textOf(params["reason"]) ?? "");
  } else if (method === "ui/notifications/host-context-changed") {
    mergeContext(params);
  }
}

function speak(peer: Peer, close: () => void, hello: JsonObject): HostBridge {
  const capabilities = memberOf(hello, "hostCapabilities");
  const has = (name: string): boolean => isObject(memberOf(capabilities, name));
  const hasPopup = isObject(memberOf(memberOf(capabilities, "experimental"), popupCapability));
  const ask = async (method: string, params: JsonObject): Promise<void> => {
    const answer = await peer.request(method, params);
    if (isObject(answer) && answer["isError"] === true) {
      throw callError("access_denied", "This was not allowed here.", false);
    }
  };
  return {
    name: "mcp-apps",
    hostName: textOf(memberOf(memberOf(hello, "hostInfo"), "name")),
    can: { callTools: has("serverTools"), message: has("message") },
    callTool: (name, args, signal) => peer.request("tools/call", { name, arguments: args }, signal),
    updateModelContext: (context) => ask("ui/update-model-context", modelContextParams(context)),
    sendMessage: (text) => ask("ui/message", { role: "user", content: [{ type: "text", text }] }),
    openLink: (url) => ask("ui/open-link", { url }),
    requestDisplayMode: async (mode) => memberOf(await peer.request("ui/request-display-mode", { mode }), "mode"),
    openAuthPopup: hasPopup ? async (url) => memberOf(await peer.request(popupCapability, { url }), "parameters") : undefined,
    log: (logger, data) => {
      if (has("logging")) {
        peer.notify("notifications/message", { level: "info", logger, data });
      }
    },
    resize: (size) => peer.notify("ui/notifications/size-changed", size),
    close,
  };
}

function memberOf(answer: unknown, name: string): unknown {
  return isObject(answer) ? answer[name] : undefined;
}

function modelContextParams(context: ModelContext): JsonObject {
  return {
    ...(context.text === undefined ? {} : { content: [{ type: "text", text: context.text }] }),
    ...(context.structuredContent === undefined ? {} : { structuredContent: context.structuredContent }),
  };
}
