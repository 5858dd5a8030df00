import type { McpUiHostContext } from "@modelcontextprotocol/ext-apps/app-bridge";
import type { OpenAiGlobals } from "./globals.ts";

/** The same facts as `window.openai` has, in the words of MCP Apps. */
export function hostContextOf(globals: OpenAiGlobals): McpUiHostContext {
  return {
    theme: globals.theme,
    displayMode: globals.displayMode,
    availableDisplayModes: ["inline", "fullscreen"],
    containerDimensions: { maxHeight: globals.maxHeight },
    locale: globals.locale,
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    userAgent: "countersign",
    platform: "web",
    deviceCapabilities: globals.userAgent.capabilities,
    safeAreaInsets: globals.safeArea.insets,
  };
}
