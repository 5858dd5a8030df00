import type { Authorization } from "./authorization.ts";
import type { HostBridge, HostContext, HostTopics, ModelContext } from "./bridge.ts";
import { openDesk } from "./authorization-desk.ts";
import { typed } from "./ask-tool.ts";
import { callError } from "./call-error.ts";
import { type CallOptions, createClimber } from "./climb.ts";
import { findOpenai, type FrameWindow } from "./frame.ts";
import { openHeldCalls } from "./held-calls.ts";
import { openMcpBridge } from "./mcp-bridge.ts";
import { openOpenaiBridge } from "./openai-bridge.ts";
import { openModelContext } from "./model-context.ts";
import { createTopic, type Unsubscribe } from "./topic.ts";
import { type HeldState, openWidgetState, type WidgetState } from "./widget-state.ts";
import { isObject, type JsonObject, type ToolResult } from "./wire.ts";

export type { CallOptions } from "./climb.ts";

export interface ConnectOptions {
  /** How the app names itself in the handshake. */
  readonly name?: string;
  readonly version?: string;
  /** Which bridge to use; `auto` takes MCP Apps when the host answers its handshake, else `window.openai`. */
  readonly bridge?: "auto" | "mcp-apps" | "openai";
  /** How long the host may take to answer the handshake: 10 s, or 2 s when `window.openai` is there to fall back to. */
  readonly handshakeMsMax?: number;
  /** The frame's window. */
  readonly window?: FrameWindow;
}

/** A connected app. Listeners hear the latest value at once when there is one, and give a function that stops them. */
export interface App {
  readonly bridge: "mcp-apps" | "openai";
  readonly hostContext: HostContext;
  readonly state: WidgetState;
  /**
   * Calls a tool of the app's own server. Resolves with a successful result, after sign-in or approval: the host holds the call meanwhile, or the user is
   * shown a link (`onAuthorization`). Rejects only with a `CallError`; `asked_model` when the chat was asked to make the call instead. There is no time limit
   * of its own. A view that was reloaded while a payment waited for approval gets its outcome by `onToolResult`, or by making the same call again.
   */
  callTool(name: string, args?: JsonObject, options?: CallOptions): Promise<ToolResult>;
  /** Ends the account link that calls of this view went through, if there is one. The host's own sign-in is not touched. */
  unlink(): Promise<void>;
  onToolInput(listener: (input: JsonObject) => void): Unsubscribe;
  onToolResult(listener: (result: ToolResult) => void): Unsubscribe;
  onToolCancelled(listener: (reason: string) => void): Unsubscribe;
  onAuthorization(listener: (authorization: Authorization) => void): Unsubscribe;
  onHostContext(listener: (context: HostContext) => void): Unsubscribe;
  /** Tells the model something without starting a turn. Rejects with a `CallError` where the host does not support it. */
  updateModelContext(context: ModelContext): Promise<void>;
  /** Sends a message to the chat as the user. */
  sendMessage(text: string): Promise<void>;
  /** Asks the host to open a page; the host decides. Only http(s). */
  openLink(url: string): Promise<void>;
  /** Asks for another display mode, in the user's click; gives the mode that was set, which may be the old one. */
  requestDisplayMode(mode: "inline" | "fullscreen" | "pip"): Promise<string>;
  /**
   * Opens a page of the app in a window, in the user's click, and gives the parameters that it comes back with. Undefined where the host does not
   * offer it: then use `openLink`.
   */
  readonly openAuthPopup: ((url: string) => Promise<Readonly<Record<string, string>>>) | undefined;
  /** Tells the host how large the content is. */
  resize(size: { readonly width: number; readonly height: number }): void;
  /** Runs when the host is about to remove the frame. */
  onTeardown(listener: () => void): Unsubscribe;
  close(): void;
}

/** Connects to the host this frame is in. Rejects with a `CallError` (`unavailable`) when there is none. */
export async function connect(options: ConnectOptions = {}): Promise<App> {
  const frame = options.window ?? globalThis.window;
  const topics: HostTopics = {
    toolInput: createTopic(),
    toolResult: createTopic(),
    toolCancelled: createTopic(),
    authorization: createTopic(),
    context: createTopic(),
  };
  topics.authorization.publish({ state: "idle" });
  const teardown = createTopic<true>();
  const state = openWidgetState(frame);
  const bridge = await openBridge(options, frame, topics, state, () => teardown.publish(true));
  if (bridge === undefined) {
    throw callError("unavailable", "This app works inside a chat. No host answered.", true);
  }
  const desk = openDesk(topics.authorization);
  const context = openModelContext(bridge);
  const climber = createClimber({ bridge, held: openHeldCalls(state), desk, tell: (line) => context.tell(line) });
  for (const result of climber.resume()) {
    result.then(
      (outcome) => topics.toolResult.publish(outcome),
      () => undefined,
    );
  }
  return {
    bridge: bridge.name,
    get hostContext() {
      return topics.context.latest ?? { raw: {} };
    },
    state,
    callTool: (name, args, callOptions) => climber.call(name, args ?? {}, callOptions ?? {}),
    unlink: () => climber.unlink(),
    onToolInput: (listener) => topics.toolInput.subscribe(listener),
    onToolResult: (listener) => topics.toolResult.subscribe(listener),
    onToolCancelled: (listener) => topics.toolCancelled.subscribe(listener),
    onAuthorization: (listener) => desk.shown.subscribe(listener),
    onHostContext: (listener) => topics.context.subscribe(listener),
    updateModelContext: (told) => typed(context.update(told)),
    sendMessage: (text) => typed(bridge.sendMessage(text)),
    async openLink(url) {
      if (!/^https?:\/\//i.test(url)) {
        throw callError("unsafe_url", "The address is not safe to open.", false);
      }
      await typed(bridge.openLink(url));
    },
    async requestDisplayMode(mode) {
      const set = await typed(bridge.requestDisplayMode(mode));
      return typeof set === "string" ? set : "inline";
    },
    get openAuthPopup() {
      const open = bridge.openAuthPopup;
      return open === undefined ? undefined : async (url: string) => readParameters(await typed(open(url)));
    },
    resize: (size) => bridge.resize(size),
    onTeardown: (listener) => teardown.subscribe(listener),
    close: () => bridge.close(),
  };
}

async function openBridge(
  options: ConnectOptions,
  frame: FrameWindow,
  topics: HostTopics,
  state: HeldState,
  onTeardown: () => void,
): Promise<HostBridge | undefined> {
  const wanted = options.bridge ?? "auto";
  const fallback = wanted === "auto" && typeof findOpenai(frame)?.["callTool"] === "function";
  // A page that is its own parent has nobody to shake hands with.
  if (wanted !== "openai" && !Object.is(frame.parent, frame)) {
    const bridge = await openMcpBridge({
      frame,
      topics,
      appInfo: { name: options.name ?? "app", version: options.version ?? "1.0.0" },
      handshakeMsMax: options.handshakeMsMax ?? (fallback ? 2_000 : 10_000),
      onTeardown,
    });
    if (bridge !== undefined) {
      return bridge;
    }
  }
  return wanted === "mcp-apps" ? undefined : openOpenaiBridge({ frame, topics, state });
}

/** Texts by name; anything else that a host gives is left out. */
function readParameters(value: unknown): Readonly<Record<string, string>> {
  const entries = isObject(value) ? Object.entries(value) : [];
  return Object.fromEntries(entries.flatMap(([name, text]) => (typeof text === "string" ? [[name, text]] : [])));
}
