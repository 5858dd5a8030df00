import type { Progress } from "@countersign/protocol/progress";

/** However often a server speaks, a page is told so often at most. */
const everyMs = 300;

/** What goes to the pages of a call's user. */
export interface ToldProgress extends Progress {
  readonly callId: string;
}

/**
 * How far the calls that this process has at a server are, as their servers said last. It is no part of a call: the newest word alone is kept, in memory, until the call
 * is back from its server, and nothing is stored for it however much a server says.
 */
export class ProgressBoard {
  readonly #tell: (userId: string, told: ToldProgress) => void;
  readonly #latest = new Map<string, Progress>();

  constructor(tell: (userId: string, told: ToldProgress) => void) {
    this.#tell = tell;
  }

  /** The newest word on a call that is at its server. */
  of(callId: string): Progress | undefined {
    return this.#latest.get(callId);
  }

  /** Takes down what one sending of a call hears, until `stop`: the first word is passed on at once, of those that follow the newest after a while. */
  attend(userId: string, callId: string): { readonly hear: (progress: Progress) => void; readonly stop: () => void } {
    let timer: NodeJS.Timeout | undefined;
    let isTold = true;
    let isOver = false;
    const tell = (): void => {
      const latest = this.#latest.get(callId);
      timer = undefined;
      if (isTold || latest === undefined) return;
      isTold = true;
      timer = setTimeout(tell, everyMs).unref();
      this.#tell(userId, { callId, ...latest });
    };
    return {
      hear: (progress) => {
        if (isOver) return;
        this.#latest.set(callId, progress);
        isTold = false;
        if (timer === undefined) tell();
      },
      stop: () => {
        isOver = true;
        clearTimeout(timer);
        this.#latest.delete(callId);
      },
    };
  }
}
