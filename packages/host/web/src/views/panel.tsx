import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { useMedia } from "./services.ts";

/** Below this width the side panels are sheets over the conversation. */
export const sheetQuery = "(max-width: 60rem)";

export interface PanelProps {
  readonly side: "left" | "right";
  readonly label: string;
  readonly open: boolean;
  readonly onClose: () => void;
  readonly testId: string;
  readonly children: ComponentChildren;
}

/** A side panel: a column beside the conversation, or a modal sheet where there is no room for one. */
export function Panel({ side, label, open, onClose, testId, children }: PanelProps): JSX.Element | null {
  const sheet = useMedia(sheetQuery);
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const element = dialog.current;
    if (!sheet || element === null) return;
    if (open && !element.open) element.showModal();
    if (!open && element.open) element.close();
  }, [sheet, open]);
  if (!sheet) {
    return (
      <aside class={`panel panel-${side}`} aria-label={label} data-testid={testId} hidden={!open}>
        {children}
      </aside>
    );
  }
  const closeOnBackdrop = (event: MouseEvent): void => {
    if (event.target === dialog.current) onClose();
  };
  return (
    <dialog ref={dialog} class={`sheet sheet-${side}`} aria-label={label} data-testid={testId} onClose={onClose} onClick={closeOnBackdrop}>
      {open && <div class="sheet-body">{children}</div>}
    </dialog>
  );
}
