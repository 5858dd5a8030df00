/** One question at a time that a view's request puts to the user, in the host's own layer. */
export interface Question {
  readonly serverName: string;
  readonly url: URL;
}

export interface Prompts {
  readonly current: () => Question | undefined;
  /** Asks whether to open an address. A second question while one is shown is answered no. */
  readonly ask: (question: Question) => Promise<boolean>;
  readonly answer: (yes: boolean) => void;
  readonly subscribe: (listener: () => void) => () => void;
}

/** Makes the queue of one. */
export function createPrompts(): Prompts {
  let shown: { readonly question: Question; readonly resolve: (yes: boolean) => void } | undefined;
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  return {
    current: () => shown?.question,
    ask: (question) => {
      if (shown !== undefined) return Promise.resolve(false);
      return new Promise((resolve) => {
        shown = { question, resolve };
        tell();
      });
    },
    answer: (yes) => {
      const answered = shown;
      shown = undefined;
      answered?.resolve(yes);
      tell();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
