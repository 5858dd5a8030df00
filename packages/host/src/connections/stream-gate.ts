import type { Secret } from "@countersign/protocol/secret";
import { sendWithToken } from "./token-headers.ts";
import { dial, type DialBounds, type DialRequest } from "@countersign/service/dial/dial";

/**
 * Holds back a session's standing GET stream (2025-03-26 to 2025-11-25) until somebody needs what only it carries, and closes it when nobody does any more: a stream
 * that nobody reads would keep a socket open for each connection. The SDK asks for it once after `initialize`, and again whenever it ended.
 */
export class StreamGate {
  readonly #readers = new Set<symbol>();
  #bearer: Secret | undefined;
  #wanted: PromiseWithResolvers<void> = Promise.withResolvers();
  #over = new AbortController();
  #opening: Promise<unknown> = Promise.resolve();

  /**
   * Wants the stream until the returned function is called, and `lingerMs` longer: calls that follow one another, and what a server tells right after one, need no
   * new stream. The newest reader's token opens it.
   */
  want(bearer: Secret | undefined): (lingerMs?: number) => void {
    const reader = Symbol("reader");
    this.#readers.add(reader);
    this.#bearer = bearer;
    this.#wanted.resolve();
    const release = (): void => {
      this.#readers.delete(reader);
      if (this.#readers.size > 0) return;
      this.#wanted = Promise.withResolvers();
      this.#over.abort();
      this.#over = new AbortController();
    };
    return (lingerMs = 0) => {
      if (lingerMs === 0) release();
      else setTimeout(release, lingerMs).unref();
    };
  }

  /** Resolves once the server has answered a request for the stream; at once when the SDK has asked for none, as over 2026-07-28. Call it while wanting the stream. */
  async opened(): Promise<void> {
    await this.#opening;
  }

  /**
   * Answers the SDK's request for the stream once it is wanted. Rejects when `request.signal` aborts before that. `token` is the connection's own, for a reader
   * that brought none.
   */
  open(url: URL, request: DialRequest, bounds: DialBounds, token: Secret | undefined): Promise<Response> {
    const opening = this.#open(url, request, bounds, token);
    this.#opening = opening.catch(() => {});
    return opening;
  }

  async #open(url: URL, request: DialRequest, bounds: DialBounds, token: Secret | undefined): Promise<Response> {
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
