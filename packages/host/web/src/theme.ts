export type ThemeChoice = "auto" | "light" | "dark";

export interface ThemeControl {
  readonly choice: () => ThemeChoice;
  readonly choose: (choice: ThemeChoice) => void;
  /** What is shown now, whoever chose it. */
  readonly shown: () => "light" | "dark";
  readonly subscribe: (listener: () => void) => () => void;
}

const key = "countersign.theme";

/** Reads and keeps the choice of theme; `auto` follows the system. */
export function createTheme(page: Window): ThemeControl {
  const listeners = new Set<() => void>();
  const system = page.matchMedia("(prefers-color-scheme: dark)");
  const root = page.document.documentElement;
  const saved = page.localStorage.getItem(key);
  let choice: ThemeChoice = saved === "light" || saved === "dark" ? saved : "auto";
  const apply = (): void => {
    if (choice === "auto") delete root.dataset["theme"];
    else root.dataset["theme"] = choice;
    for (const listener of listeners) listener();
  };
  system.addEventListener("change", apply);
  apply();
  return {
    choice: () => choice,
    choose: (chosen) => {
      choice = chosen;
      page.localStorage.setItem(key, chosen);
      apply();
    },
    shown: () => (choice === "auto" ? (system.matches ? "dark" : "light") : choice),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
