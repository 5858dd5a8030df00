import { callError, toCallError } from "./call-error.ts";

/** A server that does not hold the question is asked at most this often. */
const pauseMs = 2_000;
const failuresMax = 5;
/** Two clocks may differ; the server's word counts until then. */
const slackMs = 30_000;

export interface WaitOptions {
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Asks until there is an answer; undefined when the time is over. `ask` gives undefined while nothing is decided, at once or after holding the question.
 * What may pass, such as a dropped connection, is asked again, five times in a row at most; a typed refusal that may not be retried ends the wait.
 */
export async function waitUntil<T>(ask: () => Promise<T | undefined>, { expiresAt, signal }: WaitOptions): Promise<T | undefined> {
  let failures = 0;
  while (Date.now() < expiresAt + slackMs) {
    const askedAt = Date.now();
    try {
      const answer = await ask();
      if (answer !== undefined) {
        return answer;
      }
      failures = 0;
    } catch (thrown) {
      const error = toCallError(thrown);
      failures += 1;
      if (signal?.aborted === true || !(error.retryable || error.source === "unreadable") || failures === failuresMax) {
        throw error;
      }
    }
    const restMs = pauseMs * Math.max(1, failures) - (Date.now() - askedAt);
    if (restMs > 0) {
      await pause(restMs, signal);
    }
  }
  return undefined;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(callError("cancelled", "Cancelled.", true));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted === true) {
      onAbort();
    }
  });
}
