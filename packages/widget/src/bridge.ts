import type { Authorization } from "./authorization.ts";
import type { Topic } from "./topic.ts";
import type { JsonObject, ToolResult } from "./wire.ts";

/** What the app knows of its surroundings. Unknown members are kept in `raw`. */
export interface HostContext {
  readonly theme?: "light" | "dark";
  readonly locale?: string;
  readonly timeZone?: string;
  readonly displayMode?: string;
  readonly raw: JsonObject;
}

/** What the app wants the model to know, without starting a turn. Each update replaces the one before. */
export interface ModelContext {
  readonly text?: string;
  readonly structuredContent?: JsonObject;
}

/** What a host tells over time. */
export interface HostTopics {
  readonly toolInput: Topic<JsonObject>;
  readonly toolResult: Topic<ToolResult>;
  readonly toolCancelled: Topic<string>;
  readonly authorization: Topic<Authorization>;
  readonly context: Topic<HostContext>;
}

/** One way to speak with a host. Calls have no time limit of their own: the host holds them while the user signs in. */
export interface HostBridge {
  readonly name: "mcp-apps" | "openai";
  /** How the host names itself, where it does. */
  readonly hostName: string | undefined;
  /** What the host says it does for a view. A host may say nothing and do it all the same. */
  readonly can: { readonly callTools: boolean; readonly message: boolean };
  /** Gives the host's raw answer, or rejects with whatever the host said. */
  callTool(name: string, args: JsonObject, signal?: AbortSignal): Promise<unknown>;
  updateModelContext(context: ModelContext): Promise<void>;
  sendMessage(text: string): Promise<void>;
  openLink(url: string): Promise<void>;
  /** Gives the mode that the host has set, whatever it is. */
  requestDisplayMode(mode: string): Promise<unknown>;
  /** Undefined where the host has no such window. */
  readonly openAuthPopup: ((url: string) => Promise<unknown>) | undefined;
  /** Tells the host's log something, where it keeps one. Never a secret. */
  log(logger: string, data: JsonObject): void;
  resize(size: { readonly width: number; readonly height: number }): void;
  close(): void;
}

/** Reads a host context from either bridge: the members have the same names. */
export function readHostContext(raw: JsonObject): HostContext {
  const { theme, locale, timeZone, displayMode } = raw;
  return {
    ...(theme === "light" || theme === "dark" ? { theme } : {}),
    ...(typeof locale === "string" ? { locale } : {}),
    ...(typeof timeZone === "string" ? { timeZone } : {}),
    ...(typeof displayMode === "string" ? { displayMode } : {}),
    raw,
  };
}
