import { callError, toCallError } from "./call-error.ts";
import { isObject, type JsonObject } from "./wire.ts";

/** One end of a JSON-RPC 2.0 conversation. It has no clock: a request waits as long as the other side holds it. */
export interface Peer {
  /** Sends a request. Rejects with a `CallError`; an aborted signal tells the other side (`notifications/cancelled`) and rejects with `cancelled`. */
  request(method: string, params: JsonObject, signal?: AbortSignal): Promise<unknown>;
  notify(method: string, params: JsonObject): void;
  /** Takes one message of the other side. Gives false for what is no JSON-RPC message, which is ignored. */
  receive(message: unknown): boolean;
  /** Rejects everything that waits. */
  close(): void;
}

export interface PeerOptions {
  readonly post: (message: JsonObject) => void;
  readonly onNotification: (method: string, params: JsonObject) => void;
  /** Answers a request, or gives undefined for a method that is not served. */
  readonly onRequest: (method: string, params: JsonObject) => JsonObject | undefined;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Makes a peer over any way to post a message. */
export function createPeer(options: PeerOptions): Peer {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let closed = false;
  const settle = (id: unknown, message: JsonObject): void => {
    const entry = typeof id === "number" ? waiting.get(id) : undefined;
    if (entry === undefined || typeof id !== "number") {
      return;
    }
    waiting.delete(id);
    if (message["error"] === undefined) {
      entry.resolve(message["result"]);
    } else {
      entry.reject(toCallError(message["error"]));
    }
  };
  return {
    request(method, params, signal) {
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        if (signal?.aborted === true || closed) {
          reject(closed ? gone() : cancelled());
          return;
        }
        const onAbort = (): void => {
          waiting.delete(id);
          options.post({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: id, reason: "cancelled by the app" } });
          reject(cancelled());
        };
        const done = (): void => signal?.removeEventListener("abort", onAbort);
        signal?.addEventListener("abort", onAbort, { once: true });
        waiting.set(id, {
          resolve: (value) => (done(), resolve(value)),
          reject: (error) => (done(), reject(error)),
        });
        options.post({ jsonrpc: "2.0", id, method, params });
      });
    },
    notify(method, params) {
      options.post({ jsonrpc: "2.0", method, params });
    },
    receive(message) {
      if (!isObject(message) || message["jsonrpc"] !== "2.0") {
        return false;
      }
      const { id, method } = message;
      const params = isObject(message["params"]) ? message["params"] : {};
      if (typeof method !== "string") {
        settle(id, message);
      } else if (id === undefined) {
        options.onNotification(method, params);
      } else {
        answer(options, id, options.onRequest(method, params));
      }
      return true;
    },
    close() {
      closed = true;
      for (const entry of waiting.values()) {
        entry.reject(gone());
      }
      waiting.clear();
    },
  };
}

function answer(options: PeerOptions, id: unknown, result: JsonObject | undefined): void {
  const outcome = result === undefined ? { error: { code: -32601, message: "Method not found" } } : { result };
  options.post({ jsonrpc: "2.0", id, ...outcome });
}

function gone(): Error {
  return callError("unavailable", "The app was closed.", true);
}

function cancelled(): Error {
  return callError("cancelled", "Cancelled.", true);
}
