import { authorizationContextKey, readAuthorization } from "./authorization.ts";
import { readHostContext, type HostBridge, type HostTopics } from "./bridge.ts";
import { unsupported } from "./call-error.ts";
import { findOpenai, type FrameWindow } from "./frame.ts";
import { untilAborted } from "./until-aborted.ts";
import { isObject, readToolResult, type JsonObject } from "./wire.ts";
import type { WidgetState } from "./widget-state.ts";

export interface OpenaiBridgeOptions {
  readonly frame: FrameWindow;
  readonly topics: HostTopics;
  readonly state: WidgetState;
}

/** The newer name first. */
const messageMembers: readonly string[] = ["sendFollowUpMessage", "sendFollowupTurn"];

/** Opens the `window.openai` bridge, or gives undefined when it cannot call tools. */
export function openOpenaiBridge(options: OpenaiBridgeOptions): HostBridge | undefined {
  const { frame, topics, state } = options;
  if (typeof findOpenai(frame)?.["callTool"] !== "function") {
    return undefined;
  }
  const onGlobals = (event: Event): void => {
    const detail: unknown = Reflect.get(event, "detail");
    const globals = isObject(detail) ? detail["globals"] : undefined;
    publishGlobals(topics, findOpenai(frame) ?? {}, isObject(globals) ? globals : {});
  };
  frame.addEventListener("openai:set_globals", onGlobals);
  const first = findOpenai(frame) ?? {};
  publishGlobals(topics, first, first);
  const invoke = (names: readonly string[], ...args: readonly unknown[]): Promise<unknown> => invokeMember(findOpenai(frame), names, args);
  return {
    name: "openai",
    hostName: undefined,
    get can() {
      const openai = findOpenai(frame);
      return { callTools: true, message: messageMembers.some((name) => typeof openai?.[name] === "function") };
    },
    callTool: (name, args, signal) => untilAborted(invoke(["callTool"], name, args), signal),
    async updateModelContext(context) {
      const { text, structuredContent } = context;
      state.setModelContent(structuredContent === undefined ? (text ?? null) : { ...(text === undefined ? {} : { text }), ...structuredContent });
    },
    async sendMessage(text) {
      await invoke(messageMembers, { prompt: text });
    },
    async openLink(url) {
      await invoke(["openExternal"], { href: url });
    },
    async requestDisplayMode(mode) {
      const answer = await invoke(["requestDisplayMode"], { mode });
      return isObject(answer) ? answer["mode"] : undefined;
    },
    get openAuthPopup() {
      return typeof findOpenai(frame)?.["openAuthPopup"] === "function" ? (url: string) => invoke(["openAuthPopup"], url) : undefined;
    },
    log: () => undefined,
    resize(size) {
      invoke(["notifyIntrinsicHeight"], size.height).catch(() => undefined);
    },
    close() {
      frame.removeEventListener("openai:set_globals", onGlobals);
    },
  };
}

async function invokeMember(openai: JsonObject | undefined, names: readonly string[], args: readonly unknown[]): Promise<unknown> {
  const member = names.map((name) => openai?.[name]).find((value) => typeof value === "function");
  if (typeof member !== "function") {
    throw unsupported();
  }
  return Reflect.apply(member, openai, args);
}

function publishGlobals(topics: HostTopics, openai: JsonObject, changed: JsonObject): void {
  const { toolInput, toolOutput, theme, locale, displayMode } = { ...openai, ...changed };
  topics.context.publish(readHostContext({ theme, locale, displayMode }));
  if (isObject(toolInput) && "toolInput" in changed) {
    topics.toolInput.publish(toolInput);
  }
  if (isObject(toolOutput) && "toolOutput" in changed) {
    const result = readToolResult({ structuredContent: toolOutput, _meta: changed["toolResponseMetadata"] ?? openai["toolResponseMetadata"] });
    if (result !== undefined) {
      topics.toolResult.publish(result);
    }
  }
  if (authorizationContextKey in changed) {
    topics.authorization.publish(readAuthorization(changed[authorizationContextKey]));
  }
}
