import { isObject, type JsonObject } from "./wire.ts";

/** The part of a browser window that the library uses; `window` fits, and so does a stand-in. */
export interface FrameWindow {
  readonly parent: { postMessage(message: unknown, targetOrigin: string): void };
  addEventListener(type: string, listener: (event: Event) => void): void;
  removeEventListener(type: string, listener: (event: Event) => void): void;
}

/** A message that came from the parent window, with the origin the browser vouches for. */
export interface FrameMessage {
  readonly data: unknown;
  readonly origin: string;
}

/**
 * Listens for messages of the parent window only; those of any other window, this one included, are dropped unread. The parent's origin is
 * pinned by {@link ParentPort.pin}: from then on messages of another origin are dropped and ours are addressed to the pinned one.
 */
export interface ParentPort {
  post(message: unknown): void;
  pin(origin: string): void;
  close(): void;
}

/** Opens the channel to the parent window. */
export function openParentPort(frame: FrameWindow, receive: (message: FrameMessage) => void): ParentPort {
  let pinned: string | undefined;
  const onMessage = (event: Event): void => {
    const origin: unknown = Reflect.get(event, "origin");
    if (Reflect.get(event, "source") !== frame.parent || typeof origin !== "string" || (pinned !== undefined && origin !== pinned)) {
      return;
    }
    receive({ data: Reflect.get(event, "data"), origin });
  };
  frame.addEventListener("message", onMessage);
  return {
    post(message) {
      frame.parent.postMessage(message, pinned === undefined || pinned === "null" || pinned === "" ? "*" : pinned);
    },
    pin(origin) {
      pinned ??= origin;
    },
    close() {
      frame.removeEventListener("message", onMessage);
    },
  };
}

/** The host's `window.openai`, or undefined where there is none. It is read afresh each time: hosts replace its members. */
export function findOpenai(frame: FrameWindow): JsonObject | undefined {
  const openai: unknown = Reflect.get(frame, "openai");
  return isObject(openai) ? openai : undefined;
}
