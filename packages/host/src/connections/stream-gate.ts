import type { Secret } from "@countersign/protocol/secret";
import { sendWithToken } from "./token-headers.ts";
import { dial, type DialBounds, type DialRequest } from "../dial/dial.ts";

/**
 * Holds back a session's standing GET stream (2025-03-26 to 2025-11-25) until somebody needs what only it carries, and closes it when nobody does any more: a stream
 * that nobody reads would keep a socket open for each connection. The SDK asks for it once after `initialize`, and again whenever it ended.
 */
export class StreamGate {
  readonly #readers = new Set<symbol>();
  #bearer: Secret | undefined;
  #wanted: PromiseWithResolvers<void> = Promise.withResolvers();
  #over = new AbortController();

  /** Wants the stream until the returned function is called; the newest reader's token opens it. */
  want(bearer: Secret | undefined): () => void {
    const reader = Symbol("reader");
    this.#readers.add(reader);
    this.#bearer = bearer;
    this.#wanted.resolve();
    return () => {
      this.#readers.delete(reader);
      if (this.#readers.size > 0) return;
      this.#wanted = Promise.withResolvers();
      this.#over.abort();
      this.#over = new AbortController();
    };
  }

  /**
   * Answers the SDK's request for the stream once it is wanted. Rejects when `request.signal` aborts before that. `token` is the connection's own, for a reader
   * that brought none.
   */
  async open(url: URL, request: DialRequest, bounds: DialBounds, token: Secret | undefined): Promise<Response> {
    await this.#untilWanted(request.signal);
    const headers = new Headers(request.headers);
    const signal = AbortSignal.any([this.#over.signal, ...(request.signal === undefined ? [] : [request.signal])]);
    return sendWithToken({ headers, token: this.#bearer ?? token, method: request.method, url }, () =>
      dial(url, { ...request, headers, signal }, { ...bounds, endless: true }),
    );
  }

  #untilWanted(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const { promise, reject } = Promise.withResolvers<never>();
    const aborted = (): void => reject(new Error("the connection was closed"));
    signal?.addEventListener("abort", aborted, { once: true });
    return Promise.race([this.#wanted.promise, promise]).finally(() => signal?.removeEventListener("abort", aborted));
  }
}
