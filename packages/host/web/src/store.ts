import { type Action, type ConsoleState, initialState, reduce } from "./state.ts";

/** Holds the state, tells listeners after each change. Listeners may dispatch; nested changes are told once, at the end. */
export interface Store {
  readonly get: () => ConsoleState;
  readonly dispatch: (action: Action) => void;
  readonly subscribe: (listener: () => void) => () => void;
}

/** Makes a store with the state of an empty console. */
export function createStore(): Store {
  let state = initialState;
  let telling = false;
  const listeners = new Set<() => void>();
  const dispatch = (action: Action): void => {
    const next = reduce(state, action);
    if (next === state) return;
    state = next;
    if (telling) return;
    telling = true;
    try {
      let told: ConsoleState | undefined;
      while (told !== state) {
        told = state;
        for (const listener of listeners) listener();
      }
    } finally {
      telling = false;
    }
  };
  return {
    get: () => state,
    dispatch,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
