/** The calls of one tool that wait for a user. */
export interface HeldWaits {
  /** Lets one more wait for what this handle stands for, and gives the function that ends the wait; undefined when there is no room. */
  enter(handle: string): (() => void) | undefined;
}

const waitsMax = 256;
/** From this many on a handle is waited for by two at once: a view, and the connection that it has lost. One handle then cannot keep all others out. */
const crowdedFrom = 128;
const ofOneMax = 2;

/** Bounds the waits of one tool: of all callers together, and of each handle when there are many. */
export function createHeldWaits(): HeldWaits {
  const held = new Map<string, number>();
  let all = 0;
  return {
    enter(handle) {
      const beside = held.get(handle) ?? 0;
      if (all >= waitsMax || (all >= crowdedFrom && beside >= ofOneMax)) return undefined;
      all += 1;
      held.set(handle, beside + 1);
      return () => {
        const left = (held.get(handle) ?? 1) - 1;
        all -= 1;
        if (left === 0) held.delete(handle);
        else held.set(handle, left);
      };
    },
  };
}
