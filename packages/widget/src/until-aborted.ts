import { callError } from "./call-error.ts";

/** The same answer, or `cancelled` as soon as nobody wants it any more. What was begun goes on. */
export function untilAborted<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) {
    return answer;
  }
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(callError("cancelled", "Cancelled.", true));
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) {
      onAbort();
    }
  });
}
