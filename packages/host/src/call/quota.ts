/** Counts what one user has under way in this process, up to a limit. Taking is one step: two that ask at once never share the last place. */
export class Quota {
  readonly #max: number;
  readonly #taken = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Takes a place beside `others` that are counted elsewhere; gives how to return it, or undefined when none is left. Returning twice is returning once. */
  take(userId: string, others = 0): (() => void) | undefined {
    const taken = this.#taken.get(userId) ?? 0;
    if (taken + others >= this.#max) return undefined;
    this.#taken.set(userId, taken + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.#taken.get(userId) ?? 1) - 1;
      if (left > 0) this.#taken.set(userId, left);
      else this.#taken.delete(userId);
    };
  }
}
