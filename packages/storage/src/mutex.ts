/** A fair lock for asynchronous work: waiters get it in the order they asked. */
export class Mutex {
  #held = false;
  readonly #waiting: (() => void)[] = [];
  #next = 0;

  /** Resolves when the caller holds the lock; each holder calls {@link release} once. */
  acquire(): Promise<void> {
    if (!this.#held) {
      this.#held = true;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Hands the lock to the longest waiting caller. */
  release(): void {
    const waiter = this.#waiting[this.#next];
    if (waiter === undefined) {
      this.#held = false;
      return;
    }
    this.#next += 1;
    if (this.#next === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#next = 0;
    } else if (this.#next > 1024) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
    waiter();
  }
}
