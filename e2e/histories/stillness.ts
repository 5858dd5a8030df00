const operations = ["sign", "verify", "digest", "importKey", "exportKey", "generateKey"] as const;

let running = 0;
let begun = 0;

async function countUntilDone(work: unknown): Promise<void> {
  running += 1;
  begun += 1;
  try {
    await work;
  } catch {
    // Whoever asked for it is told.
  } finally {
    running -= 1;
  }
}

/** Counts the signatures and keys that are being worked on beside this thread, until the answer is called. */
export function countCrypto(): () => void {
  const { subtle } = crypto;
  for (const name of operations) {
    const real = subtle[name];
    const counted = (...args: readonly unknown[]): unknown => {
      const result: unknown = Reflect.apply(real, subtle, args);
      void countUntilDone(result);
      return result;
    };
    Object.defineProperty(subtle, name, { configurable: true, value: counted });
  }
  return () => {
    for (const name of operations) Reflect.deleteProperty(subtle, name);
  };
}

const quietTurns = 4;
/** Longer than any machine takes for what parties do by themselves. */
const restlessMsMax = 60_000;

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves when nobody does anything any more without being asked. `activity` grows with whatever anybody does; `isBusy` says that something is under way. */
export async function untilStill(activity: () => number, isBusy: () => boolean): Promise<void> {
  let quiet = 0;
  let seen = -1;
  const startedAt = performance.now();
  while (quiet < quietTurns) {
    await turn();
    const now = activity() + begun;
    quiet = now === seen && running === 0 && !isBusy() ? quiet + 1 : 0;
    seen = now;
    if (performance.now() - startedAt > restlessMsMax) throw new Error("the parties never come to rest");
  }
}
