/** How long a request may stay without an answer, with the time not counted in which the server waits for the user. */
export class Patience {
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;
  #pauses = 0;

  /** `outer` aborts too: the call was given up. */
  constructor(timeoutMs: number, outer: AbortSignal) {
    this.#timeoutMs = timeoutMs;
    this.signal = AbortSignal.any([this.#abort.signal, outer]);
    this.#start();
  }

  /** Stops the clock until the returned function is called; then the whole time is given again. */
  pause(): () => void {
    this.#pauses += 1;
    clearTimeout(this.#timer);
    let paused = true;
    return () => {
      if (!paused) return;
      paused = false;
      this.#pauses -= 1;
      this.#start();
    };
  }

  /** Gives up the request at once. */
  end(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  /** The answer is there: nothing is timed any more. */
  done(): void {
    this.#pauses = Number.POSITIVE_INFINITY;
    clearTimeout(this.#timer);
  }

  #start(): void {
    if (this.#pauses > 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abort.abort(), this.#timeoutMs);
    this.#timer.unref();
  }
}
