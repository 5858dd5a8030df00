import type { OpenAiGlobals } from "../src/bridge/globals.ts";

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

/** A rejected `callTool`: what went wrong, in fields that code can read. */
export interface CallToolError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly callId: string | undefined;
}

/** The shim's own JSON-RPC requests and notifications to the host. */
export interface Channel {
  readonly request: (method: string, params: unknown) => Promise<unknown>;
  readonly notify: (method: string, params: unknown) => void;
  onGlobals: (changed: Partial<OpenAiGlobals>) => void;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: Error) => void;
}

const idPrefix = "openai:";

/** Opens the channel over the widget's window. */
export function openChannel(view: ShimWindow): Channel {
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

function errorOf(error: Record<string, unknown>): Error | CallToolError {
  const data = objectOf(error["data"]);
  const message = [data["message"], error["message"]].find((text) => typeof text === "string") ?? "The call failed.";
  // A host that gives no reason is not given one here.
  if ("data" in error && Object.keys(data).length === 0) return new Error(message);
  return Object.assign(new Error(message), {
    code: typeof data["code"] === "string" ? data["code"] : "internal_error",
    retryable: data["retryable"] === true,
    callId: typeof data["callId"] === "string" ? data["callId"] : undefined,
  });
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
