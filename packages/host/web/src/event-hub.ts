import { type EventStream, linkEvents } from "./event-link.ts";

/** What a page hears from the one stream that all pages of a browser share. */
export type HubMessage =
  | { readonly kind: "waiting" }
  | { readonly kind: "live" }
  | { readonly kind: "lost" }
  | { readonly kind: "event"; readonly name: string; readonly json: unknown };

/** What a page says: that it listens, or that it leaves. */
export type PageMessage = "hello" | "bye";

/** What of a MessagePort is used, so that tests need no browser. */
export interface HubPort {
  postMessage(message: HubMessage): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  start(): void;
}

export interface HubOptions {
  readonly open: (url: string) => EventStream;
  readonly schedule: (run: () => void, delayMs: number) => () => void;
}

/**
 * One event stream for all pages of a browser: a browser opens six connections to one HTTP/1.1 origin at most, so a stream for each page would leave the seventh page without any. The stream
 * is open while a page listens. Each page is told at once whether the stream is live, and reads the state then: what it missed has no event.
 */
export function createHub(options: HubOptions): { readonly join: (port: HubPort) => void } {
  const listening = new Set<HubPort>();
  let state: "waiting" | "live" | "lost" = "waiting";
  let link: { readonly stop: () => void } | undefined;
  const tell = (message: HubMessage): void => {
    for (const port of listening) port.postMessage(message);
  };
  const turn = (to: "live" | "lost"): void => {
    state = to;
    tell({ kind: to });
  };
  const begin = (): void => {
    link ??= linkEvents({
      ...options,
      onEvent: (name, json) => tell({ kind: "event", name, json }),
      onLive: () => turn("live"),
      onLost: () => turn("lost"),
    });
  };
  const leave = (port: HubPort): void => {
    listening.delete(port);
    if (listening.size > 0) return;
    link?.stop();
    link = undefined;
    state = "waiting";
  };
  return {
    join: (port) => {
      port.addEventListener("message", ({ data }) => {
        if (data === "bye") leave(port);
        if (data !== "hello") return;
        listening.add(port);
        port.postMessage({ kind: state });
        begin();
      });
      port.start();
    },
  };
}
