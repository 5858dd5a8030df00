import { Places } from "@countersign/service/places";
import type { Signals } from "@countersign/storage/signals";
import { z } from "zod";
import type { CallView } from "./call/record.ts";
import type { ToldProgress } from "./call/progress-board.ts";
import { newId } from "./digest.ts";
import { streamPlaces } from "./limits/places.ts";

/** What a user's open pages are told. `data` is a view without secrets. */
export type HostEvent =
  | { readonly type: "call"; readonly data: CallView }
  | { readonly type: "progress"; readonly data: ToldProgress }
  | { readonly type: "flow" | "connector" | "trace" | "chat" | "settings"; readonly data: unknown };

/** A change that other instances must tell their own pages about: they read the row again. */
export interface Notice {
  readonly userId: string;
  readonly type: "call" | "flow" | "connector" | "settings";
  readonly id: string;
}

const noticeSchema: z.ZodType<Notice & { readonly from: string }> = z.object({
  from: z.string(),
  userId: z.string(),
  type: z.enum(["call", "flow", "connector", "settings"]),
  id: z.string(),
});

type Listener = (event: HostEvent) => void;

const channel = "host_events";
const queuedBytesMax = 16 * 1024 * 1024;
const heartbeatMs = 15_000;
/** A stream ends after an hour and its page opens another: whoever may not hear any more hears no longer than that. */
const streamMsMax = 60 * 60 * 1000;

/** Who listens to what, in this process; changes reach other instances through signals, which are hints and may be lost. */
export class Events {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #signals: Signals;
  readonly #self = newId("ins");
  #stop: () => void = () => {};

  constructor(signals: Signals) {
    this.#signals = signals;
  }

  /**
   * Begins to hear other instances; `reread` turns a notice into an event again. When it rejects, the user's streams end: their pages come back and read the
   * state, so that no change is missed.
   */
  async follow(reread: (notice: Notice) => Promise<HostEvent | undefined>): Promise<void> {
    const own = JSON.stringify({ from: this.#self }).slice(0, -1);
    this.#stop = await this.#signals.subscribe(channel, (payload) => {
      // Most notices are one's own come back.
      if (payload.startsWith(own)) return;
      const notice = parseNotice(payload);
      if (notice === undefined || !this.#listeners.has(notice.userId)) {
        return;
      }
      reread(notice).then(
        (event) => {
          if (event !== undefined) {
            this.#deliver(notice.userId, event);
          }
        },
        () => this.endStreams(notice.userId),
      );
    });
  }

  /** Tells every page of this user. With an `id`, other instances hear of it too. */
  publish(userId: string, event: HostEvent, id?: string): void {
    this.#deliver(userId, event);
    if (id !== undefined && event.type !== "trace" && event.type !== "chat" && event.type !== "progress") {
      this.#signals.notify(channel, JSON.stringify({ from: this.#self, userId, type: event.type, id })).catch(() => {});
    }
  }

  /** Hears one user's events until the returned function is called. */
  subscribe(userId: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(userId) ?? new Set();
    this.#listeners.set(userId, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) {
        this.#listeners.delete(userId);
      }
    };
  }

  /**
   * One user's events as `text/event-stream`, with a heartbeat. A page that reads too slowly is disconnected and reads the state again when it
   * comes back; undefined when the user, the product or this process has too many streams open.
   */
  stream(userId: string, signal: AbortSignal, clientId?: string): ReadableStream<Uint8Array> | undefined {
    const free = this.#places.take(userId, clientId);
    if (free === undefined) return undefined;
    const encoder = new TextEncoder();
    let stop = free;
    const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      const send = (text: string): void => {
        controller.enqueue(encoder.encode(text));
        if ((controller.desiredSize ?? 0) < 0) end();
      };
      const unsubscribe = this.subscribe(userId, (event) => send(`event: ${event.type}\ndata: ${JSON.stringify(event.data)}\n\n`));
      const heartbeat = setInterval(() => send(": heartbeat\n\n"), heartbeatMs);
      heartbeat.unref();
      const life = setTimeout(() => end(), streamMsMax);
      life.unref();
      stop = () => {
        clearInterval(heartbeat);
        clearTimeout(life);
        unsubscribe();
        free();
        this.#ends.delete(end);
        signal.removeEventListener("abort", end);
      };
      const end = once(() => {
        stop();
        controller.close();
      });
      this.#ends.set(end, userId);
      signal.addEventListener("abort", end, { once: true });
      if (signal.aborted) end();
      else send("retry: 1000\n\n");
    };
    // A stream that its reader cancelled is closed already.
    return new ReadableStream<Uint8Array>({ start, cancel: () => stop() }, new ByteLengthQueuingStrategy({ highWaterMark: queuedBytesMax }));
  }

  /** Whether a page of the user, or a product for them, follows the events here. */
  hasPages(userId: string): boolean {
    return this.#ends.values().some((whose) => whose === userId);
  }

  /** Ends every stream of a user here. */
  endStreams(userId: string): void {
    for (const [end, whose] of this.#ends) {
      if (whose === userId) end();
    }
  }

  /** Ends every stream and stops hearing other instances. */
  close(): void {
    this.#stop();
    for (const end of this.#ends.keys()) {
      end();
    }
  }

  readonly #ends = new Map<() => void, string>();
  readonly #places = new Places(streamPlaces);

  #deliver(userId: string, event: HostEvent): void {
    for (const listener of this.#listeners.get(userId) ?? []) {
      listener(event);
    }
  }
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) {
      done = true;
      action();
    }
  };
}

function parseNotice(payload: string): (Notice & { readonly from: string }) | undefined {
  try {
    return noticeSchema.safeParse(JSON.parse(payload)).data;
  } catch {
    return undefined;
  }
}
