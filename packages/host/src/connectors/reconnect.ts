import type { Connectors } from "../connectors.ts";
import type { Events } from "../events.ts";

/** How long to wait before the n-th attempt; after the last, always as long as that. */
const delaysMs: readonly number[] = [2000, 5000, 15_000, 30_000, 60_000, 120_000, 300_000];
/** So much of a delay is drawn at random, so that a server that comes back is not asked by everybody at once. */
const spread = 0.3;
/** So many servers are asked at the same time by one process; whose turn it is not waits for its next one. */
const askedAtOnceMax = 16;

export interface ReconnectOptions {
  readonly connectors: Pick<Connectors, "list" | "find" | "standing" | "probe">;
  /** Whether a page of the user listens: for nobody nothing is asked. */
  readonly events: Pick<Events, "hasPages">;
  /** Runs something later; gives how to take that back. */
  readonly schedule: (run: () => void, delayMs: number) => () => void;
  /** A number from 0 to 1. */
  readonly random: () => number;
}

/** The delay before the n-th attempt, from 0, in milliseconds. */
export function reconnectDelayMs(attempt: number, random: number): number {
  const delay = delaysMs[Math.min(attempt, delaysMs.length - 1)] ?? 0;
  return Math.round(delay * (1 - spread + 2 * spread * random));
}

/** Asks servers again that did not answer, for as long as a page of their user is open: one timer for each connector, with growing delays. */
export class Reconnect {
  readonly #options: ReconnectOptions;
  readonly #waiting = new Map<string, () => void>();
  #asking = 0;
  #closed = false;

  constructor(options: ReconnectOptions) {
    this.#options = options;
  }

  /** A page of the user has opened: looks after each of their connectors that is offline. */
  async watch(userId: string): Promise<void> {
    for (const { id } of await this.#options.connectors.list(userId)) await this.check(userId, id);
  }

  /** The connector may stand otherwise now: begins to ask again, or ends it. */
  async check(userId: string, connectorId: string): Promise<void> {
    const key = `${userId} ${connectorId}`;
    const offline = await this.#isOffline(userId, connectorId);
    if (!offline) this.#end(key);
    else if (!this.#waiting.has(key)) this.#wait(userId, connectorId, 0);
  }

  close(): void {
    this.#closed = true;
    for (const key of this.#waiting.keys()) this.#end(key);
  }

  #wait(userId: string, connectorId: string, attempt: number): void {
    if (this.#closed) return;
    const { schedule, random } = this.#options;
    const again = (): void => void this.#attempt(userId, connectorId, attempt).catch(() => this.#end(`${userId} ${connectorId}`));
    this.#waiting.set(`${userId} ${connectorId}`, schedule(again, reconnectDelayMs(attempt, random())));
  }

  async #attempt(userId: string, connectorId: string, attempt: number): Promise<void> {
    const key = `${userId} ${connectorId}`;
    const { connectors, events } = this.#options;
    const found = await connectors.find(userId, connectorId);
    if (this.#closed || !found.ok || !events.hasPages(userId)) return this.#end(key);
    if (this.#asking >= askedAtOnceMax) return this.#wait(userId, connectorId, attempt);
    this.#asking += 1;
    try {
      await connectors.probe(userId, found.value);
    } finally {
      this.#asking -= 1;
    }
    // Whoever ended it meanwhile was right.
    if (!this.#waiting.has(key)) return;
    if (await this.#isOffline(userId, connectorId)) this.#wait(userId, connectorId, attempt + 1);
    else this.#end(key);
  }

  /** Another failure than silence does not end by being asked again. */
  async #isOffline(userId: string, connectorId: string): Promise<boolean> {
    const { status, error } = await this.#options.connectors.standing(userId, connectorId);
    return status === "failed" && error?.code === "server_unreachable";
  }

  #end(key: string): void {
    this.#waiting.get(key)?.();
    this.#waiting.delete(key);
  }
}
