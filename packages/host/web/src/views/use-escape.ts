import { useEffect } from "preact/hooks";

/** Runs on Escape while `active`, unless a dialog is open: the key is the dialog's then. */
export function useEscape(active: boolean, run: () => void): void {
  useEffect(() => {
    if (!active) return undefined;
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && !event.isComposing && document.querySelector("dialog[open]") === null) run();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [active]);
}
