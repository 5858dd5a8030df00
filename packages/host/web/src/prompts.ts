import type { NewFile } from "./bridge/widget-host.ts";
import type { StoredFile } from "./stored-file.ts";

/** What a view's request asks the user, in the host's own layer, and what the answer is. */
export type Question =
  | { readonly kind: "link"; readonly serverName: string; readonly url: URL }
  | { readonly kind: "download"; readonly serverName: string; readonly files: readonly { readonly name: string; readonly bytes: number }[] }
  | { readonly kind: "sampling"; readonly serverName: string; readonly text: string };

/** Which files an app shall have: some of those that it has already, or others of this device. */
export interface FilesQuestion {
  readonly serverName: string;
  readonly stored: readonly StoredFile[];
}

export type FileChoice = { readonly kind: "stored"; readonly file: StoredFile } | { readonly kind: "new"; readonly file: NewFile };

/** One question at a time; a second one while one is shown is answered with `none`. */
export interface Asking<Q, A> {
  readonly current: () => Q | undefined;
  readonly ask: (question: Q) => Promise<A>;
  readonly answer: (answer: A) => void;
  readonly subscribe: (listener: () => void) => () => void;
}

export interface Prompts extends Asking<Question, boolean> {
  readonly files: Asking<FilesQuestion, readonly FileChoice[]>;
}

/** Makes the two queues of one. */
export function createPrompts(): Prompts {
  return { ...createAsking<Question, boolean>(false), files: createAsking<FilesQuestion, readonly FileChoice[]>([]) };
}

function createAsking<Q, A>(none: A): Asking<Q, A> {
  let shown: { readonly question: Q; readonly resolve: (answer: A) => void } | undefined;
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  return {
    current: () => shown?.question,
    ask: (question) => {
      if (shown !== undefined) return Promise.resolve(none);
      return new Promise((resolve) => {
        shown = { question, resolve };
        tell();
      });
    },
    answer: (answer) => {
      const answered = shown;
      shown = undefined;
      answered?.resolve(answer);
      tell();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
