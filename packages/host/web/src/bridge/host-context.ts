import type { McpUiHostContext } from "@modelcontextprotocol/ext-apps/app-bridge";
import type { Call, Tool, WidgetView } from "../wire.ts";
import { isMade } from "../written-call.ts";
import type { OpenAiGlobals } from "./globals.ts";
import { modesOf } from "./modes.ts";
import { describeTool } from "./serve-apps.ts";

export interface ContextFacts {
  readonly globals: OpenAiGlobals;
  readonly view: Pick<WidgetView, "profile">;
  readonly call: Pick<Call, "id" | "state">;
  readonly tool: Tool | undefined;
  /** A small screen shows every mode but inline in full. */
  readonly small: boolean;
}

/** The same facts as `window.openai` has, in the words of MCP Apps. */
export function hostContextOf({ globals, view: { profile }, call, tool, small }: ContextFacts): McpUiHostContext {
  const { mode } = globals.view;
  const authorization = globals["countersign/authorization"];
  return {
    ...(tool === undefined ? {} : { toolInfo: { ...(isMade(call) ? { id: call.id } : {}), tool: describeTool(tool) } }),
    theme: globals.theme,
    displayMode: mode === "modal" ? "inline" : globals.displayMode,
    availableDisplayModes: mode === "modal" ? ["inline"] : [...modesOf(profile, small)],
    containerDimensions: globals.displayMode === "inline" ? { maxHeight: globals.maxHeight } : { height: globals.maxHeight },
    locale: globals.locale,
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    userAgent: profile,
    platform: "web",
    deviceCapabilities: globals.userAgent.capabilities,
    safeAreaInsets: globals.safeArea.insets,
    ...(authorization === undefined ? {} : { "countersign/authorization": authorization }),
  };
}
