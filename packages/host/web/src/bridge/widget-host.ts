import type { DisplayMode } from "@countersign/protocol/host-profile-view";
import type { LadderStep } from "@countersign/protocol/ladder";
import type { JsonObject } from "@countersign/protocol/shape";
import type { Answer, ApiProblem } from "../api.ts";
import type { StoredFile } from "../stored-file.ts";
import type { Call, Tool } from "../wire.ts";
import type { OpenAiGlobals } from "./globals.ts";

/** What a view's host does for it, whichever bridge the view speaks. What is undefined is not offered, and not announced. */
export interface WidgetHost {
  /** Runs a tool of the view's own connector through the broker and waits until that call has ended; `signal` is the view's word that it wants it no more. */
  readonly callTool: (name: string, args: unknown, signal?: AbortSignal) => Promise<Call>;
  /** The tools of the view's own connector whose visibility includes `app`. */
  readonly listTools: () => Promise<readonly Tool[]>;
  readonly readResource: (uri: string) => Answer<JsonObject>;
  readonly listResources: (cursor: string | undefined) => Answer<JsonObject>;
  /** Opens an address: at once when the app declares its origin as trusted, else after the user agreed. False: not opened. */
  readonly openLink: (url: string, wish: { readonly wayBack: boolean }) => Promise<boolean>;
  /** Opens a page of the app in a window and waits for the parameters that it comes back with. */
  readonly openAuthPopup: ((url: string) => Answer<Readonly<Record<string, string>>>) | undefined;
  /** The address that "Open in the app" leads to in fullscreen. False: not an address that may be opened. */
  readonly setOpenInApp: (url: string) => boolean;
  /** Puts text into the conversation, marked as the app's. */
  readonly say: (text: string, wish: { readonly scrollToBottom: boolean }) => Promise<boolean>;
  /** What the model should know of the view at its next turn; each call replaces the one before. Absent without a model. */
  readonly setContext: ((text: string) => void) | undefined;
  /** Asks the host's model, after the user agreed. Absent without a model. */
  readonly sample: ((question: SamplingQuestion) => Answer<SamplingAnswer>) | undefined;
  /** Saves files on the user's device, after the user agreed. */
  readonly download: (files: readonly DownloadFile[]) => Promise<boolean>;
  readonly uploadFile: (file: NewFile) => Answer<StoredFile>;
  /** Lets the user choose among the files that the app already has and those of the device. */
  readonly selectFiles: () => Promise<readonly StoredFile[]>;
  readonly linkFile: (fileId: string) => Answer<string>;
  readonly resize: (height: number) => void;
  /** The mode that was set, which may be the old one. */
  readonly requestDisplayMode: (mode: string) => DisplayMode;
  /** Shows a template of the same app above the page. False: not shown. */
  readonly requestModal: (request: { readonly template: string | undefined; readonly params: unknown }) => Promise<boolean>;
  readonly close: () => void;
  /** False: the state is larger than a view's may be, or could not be kept. */
  readonly saveState: (state: unknown) => Promise<boolean>;
  readonly globals: () => OpenAiGlobals;
  /** The view says which way one of its calls takes. */
  readonly noteLadder: (step: LadderStep) => void;
  /** The view broke the rules of the bridge and was cut off. */
  readonly onViolation: (message: string) => void;
}

export interface SamplingQuestion {
  readonly messages: readonly { readonly role: "user" | "assistant"; readonly text: string }[];
  readonly systemPrompt?: string;
  readonly maxTokens: number;
}

export interface SamplingAnswer {
  readonly model: string;
  readonly text: string;
}

/** Bytes that a view hands over, named and typed by it. */
export interface NewFile {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface DownloadFile extends NewFile {}

/** JSON-RPC error of a call that ended without a result; `data` is what the view's own code reads. */
export interface CallFailure {
  readonly code: number;
  readonly message: string;
  /** Empty only where a host is acted out that tells its views nothing. */
  readonly data:
    | { readonly code: string; readonly message: string; readonly retryable: boolean; readonly callId: string }
    | Readonly<Record<string, never>>;
}

/** An answer without any reason, as a client's transport puts it. */
const emptied: CallFailure = { code: -32000, message: "HTTP 400: {}", data: {} };

/** What a view is told about an ended call without a result. Never an empty object, unless the host that is acted out answers so. */
export function failureOf(call: Call): CallFailure {
  if (call.emptied === true) return emptied;
  const { code, message, retryable } = call.error ?? { code: "internal_error", message: "Something went wrong on our side.", retryable: true };
  return { code: -32000, message, data: { code, message, retryable, callId: call.id } };
}

/** What a view is told when the host did not do something else than a call. */
export function problemOf({ code, message, retryable }: ApiProblem): CallFailure {
  return { code: -32000, message, data: { code, message, retryable, callId: "" } };
}
