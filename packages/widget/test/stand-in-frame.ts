import type { FrameWindow } from "../src/frame.ts";

/** A frame's window and the host's side of it, in memory. Messages are cloned and delivered in a later microtask, as a browser does. */
export interface StandInFrame {
  readonly window: FrameWindow & { openai?: unknown };
  /** Everything the frame posted to its parent, in order. */
  readonly posted: readonly unknown[];
  readonly targets: readonly string[];
  onPost(listener: (message: unknown) => void): void;
  /** Delivers a message as the parent, or as somebody else. */
  deliver(message: unknown, from?: { readonly source?: unknown; readonly origin?: string }): void;
  dispatch(event: Event): void;
}

export const hostOrigin = "https://host.example";

/** Makes a frame whose parent is the host. */
export function createFrame(openai?: unknown): StandInFrame {
  const target = new EventTarget();
  const posted: unknown[] = [];
  const targets: string[] = [];
  const listeners: ((message: unknown) => void)[] = [];
  const parent = {
    postMessage(message: unknown, targetOrigin: string): void {
      const copy: unknown = structuredClone(message);
      posted.push(copy);
      targets.push(targetOrigin);
      queueMicrotask(() => listeners.forEach((listener) => listener(copy)));
    },
  };
  const window = {
    parent,
    addEventListener: (type: string, listener: (event: Event) => void): void => target.addEventListener(type, listener),
    removeEventListener: (type: string, listener: (event: Event) => void): void => target.removeEventListener(type, listener),
    ...(openai === undefined ? {} : { openai }),
  };
  return {
    window,
    posted,
    targets,
    onPost: (listener) => {
      listeners.push(listener);
    },
    deliver(message, from = {}) {
      const event = new Event("message");
      Object.assign(event, { data: structuredClone(message), source: "source" in from ? from.source : parent, origin: from.origin ?? hostOrigin });
      queueMicrotask(() => target.dispatchEvent(event));
    },
    dispatch: (event) => {
      target.dispatchEvent(event);
    },
  };
}

/** Lets every queued delivery happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await Promise.resolve();
  }
}

/** Answers the handshake and hands every other message to `handle`. */
export function answerHandshake(frame: StandInFrame, hostContext: Record<string, unknown> = {}): void {
  frame.onPost((message) => {
    if (Reflect.get(Object(message), "method") === "ui/initialize") {
      frame.deliver({
        jsonrpc: "2.0",
        id: Reflect.get(Object(message), "id"),
        result: { protocolVersion: "2026-01-26", hostInfo: { name: "stand-in", version: "1" }, hostCapabilities: { serverTools: {} }, hostContext },
      });
    }
  });
}
