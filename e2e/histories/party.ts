import type { Ground } from "@countersign/storage/testing/mortal-database";
import type { Listener } from "./network.ts";

interface Process extends Listener {
  close(): Promise<void>;
}

/** A party of the town: its database stays, its processes come and go. */
export class Party<P extends Process> implements Listener {
  readonly ground: Ground;
  readonly #open: () => Promise<P>;
  #process: P | undefined;

  constructor(ground: Ground, open: () => Promise<P>) {
    this.ground = ground;
    this.#open = open;
  }

  /** The process that runs, if one does. */
  get running(): P | undefined {
    return this.ground.life.isOver ? undefined : this.#process;
  }

  /** Who dies while it is asked never answers: the connection breaks. */
  async fetch(request: Request): Promise<Response> {
    const process = this.running;
    if (process === undefined) throw new TypeError("fetch failed");
    const broken = this.ground.life.over.then((): never => {
      throw new TypeError("terminated");
    });
    return Promise.race([process.fetch(request), broken]);
  }

  /** Starts a process, after ending the one that runs; what a dead one left in memory is cleared away. */
  async restart(): Promise<void> {
    await this.stop();
    this.ground.renew();
    this.#process = await this.#open();
  }

  async stop(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined) return;
    const closed = process.close().catch(() => undefined);
    if (!this.ground.life.isOver) await closed;
  }
}
