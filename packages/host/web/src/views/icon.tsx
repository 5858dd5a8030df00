import { type IconName, iconShapes } from "@countersign/look/icons";
import type { JSX } from "preact";

/** One icon of the set; decorative, the words or the label beside it say what it means. */
export function Icon({ name, size }: { readonly name: IconName; readonly size?: "small" | "large" }): JSX.Element {
  return (
    <svg
      class={size === undefined ? "icon" : `icon icon-${size}`}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.75"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
      dangerouslySetInnerHTML={{ __html: iconShapes[name] }}
    />
  );
}
