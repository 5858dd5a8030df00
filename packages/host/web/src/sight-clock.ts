/** What of the page is used, so that tests need no browser. */
export interface Sight {
  readonly isVisible: () => boolean;
  /** Calls back when the page comes into sight or goes out of it. Gives what stops that. */
  readonly onChange: (listener: () => void) => () => void;
  readonly now: () => number;
  readonly schedule: (run: () => void, delayMs: number) => () => void;
}

/**
 * Runs something once the page has been in sight for so long, all in all: behind another window browsers put off what frames load and what timers do. Gives what
 * stops it.
 */
export function onceSeenFor(ms: number, run: () => void, { isVisible, onChange, now, schedule }: Sight): () => void {
  let left = ms;
  let since: number | undefined;
  let halt = (): void => {};
  const turn = (): void => {
    halt();
    if (since !== undefined) left -= now() - since;
    since = isVisible() ? now() : undefined;
    halt = since === undefined ? () => {} : schedule(end, Math.max(0, left));
  };
  const forget = onChange(turn);
  const end = (): void => {
    forget();
    run();
  };
  turn();
  return () => {
    forget();
    halt();
  };
}

/** The sight of a real page. */
export function sightOf(page: Document): Sight {
  return {
    isVisible: () => page.visibilityState === "visible",
    onChange: (listener) => {
      page.addEventListener("visibilitychange", listener);
      return () => page.removeEventListener("visibilitychange", listener);
    },
    now: () => performance.now(),
    schedule: (run, delayMs) => {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
  };
}
