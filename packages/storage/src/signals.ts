import { EventEmitter } from "node:events";

/**
 * Hints that something changed, to every instance of the party, the sender's too. Lossy by contract: a signal may be lost or doubled, so it only ever
 * shortens a wait; whoever hears it reads the row, and whoever waits also polls slowly.
 */
export interface Signals {
  /** `channel` up to 200 characters, `payload` up to 4000 bytes in UTF-8 and without U+0000 and never a secret. Does not fail when the server is away. */
  notify(channel: string, payload: string): Promise<void>;

  /** Resolves when listening has begun. The listener never runs inside `notify`. The answer ends the subscription. */
  subscribe(channel: string, listener: (payload: string) => void): Promise<() => void>;
}

/** Throws on a signal that one of the engines could not carry. */
export function checkSignal(channel: string, payload: string): void {
  if (channel.length === 0 || channel.length > 200) throw new TypeError("a signal's channel has 1 to 200 characters");
  if (!/^[^\0]*$/.test(channel + payload) || !(channel + payload).isWellFormed()) throw new TypeError("a signal is well-formed text without U+0000");
  if (Buffer.byteLength(payload) > 4000) throw new TypeError("a signal's payload has at most 4000 bytes");
}

/** Delivers signals to the listeners of this process. */
export class SignalBus {
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  subscribe(channel: string, listener: (payload: string) => void): () => void {
    const guarded = (payload: string): void => {
      queueMicrotask(() => {
        try {
          listener(payload);
        } catch (error) {
          process.emitWarning("a signal listener threw; the signal is dropped", {
            code: "SIGNAL_LISTENER",
            detail: error instanceof Error ? error.name : "",
          });
        }
      });
    };
    this.#emitter.on(`signal:${channel}`, guarded);
    return () => {
      this.#emitter.off(`signal:${channel}`, guarded);
    };
  }

  deliver(channel: string, payload: string): void {
    this.#emitter.emit(`signal:${channel}`, payload);
  }

  get idle(): boolean {
    return this.#emitter.eventNames().length === 0;
  }
}
