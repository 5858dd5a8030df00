import type { Call } from "../wire.ts";
import type { OpenAiGlobals } from "./globals.ts";

export type DisplayMode = "inline" | "fullscreen";

/** What a view's host does for it, whichever bridge the view speaks. */
export interface WidgetHost {
  /** Runs a tool of the view's own connector through the broker and waits until that call has ended. */
  readonly callTool: (name: string, args: unknown) => Promise<Call>;
  /** Opens an address after the user agreed. False: not opened. */
  readonly openLink: (url: string) => Promise<boolean>;
  /** Puts text into the conversation, marked as the app's. */
  readonly say: (text: string) => Promise<boolean>;
  /** What the model should know of the view at its next turn; each call replaces the one before. Absent without a model. */
  readonly setContext: ((text: string) => void) | undefined;
  readonly resize: (height: number) => void;
  /** The mode that was set, which may be the old one. */
  readonly requestDisplayMode: (mode: string) => DisplayMode;
  /** False: the state is larger than a view's may be, and is not kept. */
  readonly saveState: (state: unknown) => boolean;
  readonly globals: () => OpenAiGlobals;
  /** The view broke the rules of the bridge and was cut off. */
  readonly onViolation: (message: string) => void;
}

/** JSON-RPC error of a call that ended without a result; `data` is what the view's own code reads. */
export interface CallFailure {
  readonly code: number;
  readonly message: string;
  readonly data: { readonly code: string; readonly message: string; readonly retryable: boolean; readonly callId: string };
}

/** What a view is told about an ended call without a result. Never an empty object. */
export function failureOf(call: Call): CallFailure {
  const { code, message, retryable } = call.error ?? { code: "internal_error", message: "Something went wrong on our side.", retryable: true };
  return { code: -32000, message, data: { code, message, retryable, callId: call.id } };
}
