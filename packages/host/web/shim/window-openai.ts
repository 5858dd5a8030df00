import { globalsAttribute, type OpenAiGlobals } from "../src/bridge/globals.ts";

/** What the shim uses of the widget's window, so that tests need no browser. */
export interface ShimWindow {
  readonly parent: { postMessage(message: unknown, targetOrigin: string): void };
  readonly document: { querySelector(selector: string): { readonly textContent: string | null } | null };
  addEventListener(type: "message", listener: (event: ShimMessage) => void, capture: boolean): void;
  dispatchEvent(event: Event): boolean;
}

export interface ShimMessage {
  readonly data: unknown;
  readonly source: unknown;
  stopImmediatePropagation(): void;
}

export interface ShimOptions {
  readonly view: ShimWindow;
  /** Makes the event by which a widget learns of new globals. */
  readonly event: (globals: Partial<OpenAiGlobals>) => Event;
  /** Called at the first use of `window.openai`: the widget relies on it, so its height is reported for it from now on. */
  readonly onUsed: () => void;
}

/** A rejected `callTool`: what went wrong, in fields that code can read. */
export interface CallToolError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly callId: string | undefined;
}

/** The part of `window.openai` that this host has. What is not here is absent, so that feature tests tell the truth. */
export interface OpenAi extends OpenAiGlobals {
  callTool(name: string, args?: unknown): Promise<unknown>;
  setWidgetState(state: unknown): Promise<void>;
  sendFollowUpMessage(message: { prompt: string; scrollToBottom?: boolean }): Promise<void>;
  openExternal(link: { href: string } | string): Promise<void>;
  requestDisplayMode(request: { mode: string }): Promise<{ mode: string }>;
  notifyIntrinsicHeight(height: number): void;
}

const idPrefix = "openai:";

/** Before the host said anything. */
const unknownGlobals: OpenAiGlobals = {
  toolInput: null,
  toolOutput: null,
  toolResponseMetadata: null,
  widgetState: null,
  theme: "light",
  displayMode: "inline",
  locale: "en",
  maxHeight: 600,
  safeArea: { insets: { top: 0, right: 0, bottom: 0, left: 0 } },
  userAgent: { device: { type: "desktop" }, capabilities: { hover: true, touch: false } },
  view: { mode: "inline" },
};

/**
 * Makes `window.openai` over JSON-RPC messages to the parent window. Only messages with its own ids and methods are taken (and stopped, so
 * that a widget which speaks the MCP Apps bridge at the same time never sees them); all others pass untouched.
 */
export function createOpenAi(options: ShimOptions): { readonly openai: OpenAi; readonly reportHeight: (height: number) => void } {
  const { view } = options;
  const channel = openChannel(view);
  let globals: OpenAiGlobals | undefined;
  let used = false;
  let explicitHeight = false;
  const read = (): OpenAiGlobals => {
    globals ??= { ...unknownGlobals, ...readBlock(view) };
    return globals;
  };
  const use = (): OpenAiGlobals => {
    if (!used) {
      used = true;
      options.onUsed();
    }
    return read();
  };
  const change = (changed: Partial<OpenAiGlobals>): void => {
    globals = { ...read(), ...changed };
    view.dispatchEvent(options.event(changed));
  };
  channel.onGlobals = change;

  const openai: OpenAi = {
    ...actionsOf(channel, change),
    notifyIntrinsicHeight: (height) => {
      explicitHeight = true;
      channel.notify("openai/notifyIntrinsicHeight", { height });
    },
    get toolInput() {
      return use().toolInput;
    },
    get toolOutput() {
      return use().toolOutput;
    },
    get toolResponseMetadata() {
      return use().toolResponseMetadata;
    },
    get widgetState() {
      return use().widgetState;
    },
    get theme() {
      return use().theme;
    },
    get displayMode() {
      return use().displayMode;
    },
    get locale() {
      return use().locale;
    },
    get maxHeight() {
      return use().maxHeight;
    },
    get safeArea() {
      return use().safeArea;
    },
    get userAgent() {
      return use().userAgent;
    },
    get view() {
      return use().view;
    },
  };
  const reportHeight = (height: number): void => {
    if (!explicitHeight) channel.notify("openai/notifyIntrinsicHeight", { height, automatic: true });
  };
  return { openai, reportHeight };
}

function actionsOf(channel: Channel, change: (changed: Partial<OpenAiGlobals>) => void): Omit<OpenAi, keyof OpenAiGlobals | "notifyIntrinsicHeight"> {
  return {
    callTool: (name, args) => channel.request("openai/callTool", { name, arguments: args ?? {} }),
    setWidgetState: async (state) => {
      change({ widgetState: state });
      await channel.request("openai/setWidgetState", { state });
    },
    sendFollowUpMessage: async (message) => {
      await channel.request("openai/sendFollowUpMessage", { prompt: message.prompt });
    },
    openExternal: async (link) => {
      await channel.request("openai/openExternal", { href: typeof link === "string" ? link : link.href });
    },
    requestDisplayMode: async (wish) => {
      const { mode } = objectOf(await channel.request("openai/requestDisplayMode", { mode: wish.mode }));
      return { mode: typeof mode === "string" ? mode : "inline" };
    },
  };
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: Error) => void;
}

interface Channel {
  readonly request: (method: string, params: unknown) => Promise<unknown>;
  readonly notify: (method: string, params: unknown) => void;
  onGlobals: (changed: Partial<OpenAiGlobals>) => void;
}

function openChannel(view: ShimWindow): Channel {
  const pending = new Map<string, Pending>();
  let last = 0;
  // The parent is the host's proxy page; a frame of opaque origin cannot always name its origin, and the messages hold nothing secret.
  const post = (message: object): void => view.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  const channel: Channel = {
    request: (method, params) =>
      new Promise((resolve, reject) => {
        last += 1;
        const id = `${idPrefix}${last}`;
        pending.set(id, { resolve, reject });
        post({ id, method, params });
      }),
    notify: (method, params) => post({ method, params }),
    onGlobals: () => {},
  };
  view.addEventListener(
    "message",
    (event) => {
      const message = objectOf(event.data);
      if (event.source !== view.parent || !isOwn(message)) return;
      event.stopImmediatePropagation();
      if (message["method"] === "openai/setGlobals") channel.onGlobals(objectOf(objectOf(message["params"])["globals"]));
      else settle(pending, message);
    },
    true,
  );
  return channel;
}

function readBlock(view: ShimWindow): Partial<OpenAiGlobals> {
  const text = view.document.querySelector(`script[${globalsAttribute}]`)?.textContent;
  return typeof text === "string" ? objectOf(JSON.parse(text)) : {};
}

function isOwn(message: Record<string, unknown>): boolean {
  const { id, method } = message;
  return (
    message["jsonrpc"] === "2.0" &&
    ((typeof id === "string" && id.startsWith(idPrefix)) || (typeof method === "string" && method.startsWith("openai/")))
  );
}

function settle(pending: Map<string, Pending>, message: Record<string, unknown>): void {
  const id = String(message["id"]);
  const waiting = pending.get(id);
  if (waiting === undefined) return;
  pending.delete(id);
  if ("result" in message) waiting.resolve(message["result"]);
  else waiting.reject(errorOf(objectOf(message["error"])));
}

function errorOf(error: Record<string, unknown>): CallToolError {
  const data = objectOf(error["data"]);
  const message = [data["message"], error["message"]].find((text) => typeof text === "string") ?? "The call failed.";
  return Object.assign(new Error(message), {
    code: typeof data["code"] === "string" ? data["code"] : "internal_error",
    retryable: data["retryable"] === true,
    callId: typeof data["callId"] === "string" ? data["callId"] : undefined,
  });
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
