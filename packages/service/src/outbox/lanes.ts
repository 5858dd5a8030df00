/** Work by name: never two runs of one name at a time, and no name waits for another. */
export interface Lanes {
  /** Runs the work of this name; when it runs already, once more after that. */
  run(name: string): void;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
}

interface Lane {
  isAskedAgain: boolean;
  ended: Promise<void>;
}

/** `failed` is told of an error; the name may be run again. */
export function createLanes(work: (name: string) => Promise<unknown>, failed: (error: unknown) => void): Lanes {
  const lanes = new Map<string, Lane>();
  const follow = async (name: string, lane: Lane): Promise<void> => {
    try {
      do {
        lane.isAskedAgain = false;
        await work(name);
      } while (lane.isAskedAgain);
    } catch (error) {
      failed(error);
    } finally {
      lanes.delete(name);
    }
  };
  return {
    run(name) {
      const running = lanes.get(name);
      if (running !== undefined) {
        running.isAskedAgain = true;
        return;
      }
      const lane: Lane = { isAskedAgain: false, ended: Promise.resolve() };
      lanes.set(name, lane);
      lane.ended = follow(name, lane);
    },
    async idle() {
      while (lanes.size > 0) await Promise.all([...lanes.values()].map((lane) => lane.ended));
    },
  };
}
