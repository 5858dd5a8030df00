import { isJsonObject } from "@countersign/protocol/shape";
import type { PageMessage } from "./event-hub.ts";

/** What of the worker's port is used. */
export interface PagePort {
  postMessage(message: PageMessage): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  start(): void;
  close(): void;
}

export interface SharedEventsOptions {
  /** The port of the browser's hub, and who is told when the hub cannot run; undefined where the browser has no shared workers. */
  readonly connect: (onFailure: () => void) => PagePort | undefined;
  /** Opens a stream of this page's own: what is done where there is no hub, or none that answers. */
  readonly direct: () => { readonly stop: () => void };
  readonly onEvent: (name: string, json: unknown) => void;
  readonly onLive: () => void;
  readonly onLost: () => void;
  readonly schedule: (run: () => void, delayMs: number) => () => void;
}

export interface SharedEvents {
  /** The page goes out of sight for good or into the browser's cache. */
  readonly pause: () => void;
  /** The page is back from there. */
  readonly resume: () => void;
}

const answerMs = 3000;

/** Hears the events of the browser's one stream, or of a stream of this page's own when there is no hub that answers within three seconds. */
export function linkSharedEvents(options: SharedEventsOptions): SharedEvents {
  let leave = (): void => {};
  const begin = (): void => {
    let own: { readonly stop: () => void } | undefined;
    let answered = false;
    const alone = (): void => {
      unschedule();
      if (answered || own !== undefined) return;
      port?.close();
      own = options.direct();
    };
    const port = options.connect(alone);
    const unschedule = port === undefined ? () => {} : options.schedule(alone, answerMs);
    let over = false;
    leave = () => {
      over = true;
      unschedule();
      answered = true;
      own?.stop();
      port?.postMessage("bye");
    };
    if (port === undefined) return alone();
    port.addEventListener("message", ({ data }) => {
      if (over || own !== undefined || !isJsonObject(data)) return;
      answered = true;
      unschedule();
      if (data["kind"] === "live") options.onLive();
      else if (data["kind"] === "lost") options.onLost();
      else if (data["kind"] === "event" && typeof data["name"] === "string") options.onEvent(data["name"], data["json"]);
    });
    port.start();
    port.postMessage("hello");
  };
  begin();
  return { pause: () => leave(), resume: begin };
}
