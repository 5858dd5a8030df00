/** How many of something may be open at once: for one user, for all users of one client, and for this process. */
export interface PlaceBounds {
  readonly user: number;
  readonly client: number;
  readonly total: number;
}

/** Counts what is open. */
export class Places {
  readonly #bounds: PlaceBounds;
  readonly #taken = new Map<string, number>();

  constructor(bounds: PlaceBounds) {
    this.#bounds = bounds;
  }

  /** Takes a place and gives what frees it again (calling it twice does no harm); undefined when there is none. */
  take(userId: string, clientId: string | undefined): (() => void) | undefined {
    const wanted: readonly (readonly [string, number])[] = [
      [`user ${userId}`, this.#bounds.user],
      ...(clientId === undefined ? [] : [[`client ${clientId}`, this.#bounds.client] as const]),
      ["total", this.#bounds.total],
    ];
    if (wanted.some(([key, bound]) => (this.#taken.get(key) ?? 0) >= bound)) return undefined;
    for (const [key] of wanted) this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      for (const [key] of wanted) {
        const left = (this.#taken.get(key) ?? 1) - 1;
        if (left > 0) this.#taken.set(key, left);
        else this.#taken.delete(key);
      }
    };
  }
}
