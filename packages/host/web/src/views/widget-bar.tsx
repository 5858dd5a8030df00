import type { JSX } from "preact";
import { Icon } from "./icon.tsx";

/** Whose view this is, in every mode and outside the frame (V08). */
export function BarName({ name, host }: { readonly name: string; readonly host: string }): JSX.Element {
  return (
    <>
      <Icon name="plug" size="small" />
      <span class="small grow truncate" data-testid="widget-name">
        <span class="strong">{name}</span> <span class="quiet">{host}</span>
      </span>
    </>
  );
}

export interface BarButtonProps {
  readonly icon: "refresh" | "expand" | "minus" | "close";
  readonly label: string;
  readonly testId: string;
  readonly onClick: () => void;
}

/** A button of the host's bar. */
export function BarButton({ icon, label, testId, onClick }: BarButtonProps): JSX.Element {
  return (
    <button type="button" class="icon-button icon-button-small" aria-label={label} title={label} data-testid={testId} onClick={onClick}>
      <Icon name={icon} size="small" />
    </button>
  );
}
