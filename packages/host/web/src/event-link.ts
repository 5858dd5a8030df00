import { parseJson } from "./json.ts";

/** What of the browser's EventSource is used, so that tests need no browser. */
export interface EventStream {
  addEventListener(type: string, listener: (event: { readonly data?: unknown }) => void): void;
  close(): void;
}

export interface EventLinkOptions {
  readonly open: (url: string) => EventStream;
  readonly onEvent: (name: string, json: unknown) => void;
  /** Called at each (re)connection: what was missed must be read again. */
  readonly onLive: () => void;
  readonly onLost: () => void;
  readonly schedule: (run: () => void, delayMs: number) => () => void;
}

const eventNames = ["call", "flow", "connector", "trace", "chat", "settings", "progress"] as const;
const firstDelayMs = 500;
const delayMsMax = 10_000;

/**
 * Keeps one event stream open. The browser's own reconnection gives up after some failures, so a lost stream is closed and opened anew with
 * growing delays. Events are hints: after each reconnection the caller reads the state again.
 */
export function linkEvents(options: EventLinkOptions): { readonly stop: () => void } {
  let stream: EventStream | undefined;
  let delayMs = firstDelayMs;
  let unschedule = (): void => {};
  let stopped = false;
  const connect = (): void => {
    if (stopped) return;
    const opened = options.open("/api/events");
    stream = opened;
    opened.addEventListener("open", () => {
      delayMs = firstDelayMs;
      options.onLive();
    });
    opened.addEventListener("error", () => {
      if (stopped || stream !== opened) return;
      opened.close();
      stream = undefined;
      options.onLost();
      unschedule = options.schedule(connect, delayMs);
      delayMs = Math.min(delayMs * 2, delayMsMax);
    });
    for (const name of eventNames) {
      opened.addEventListener(name, (event) => {
        if (typeof event.data === "string") options.onEvent(name, parseJson(event.data));
      });
    }
  };
  connect();
  return {
    stop: () => {
      stopped = true;
      unschedule();
      stream?.close();
    },
  };
}
