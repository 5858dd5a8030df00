import { kindOfSchemes } from "@countersign/protocol/security";
import type { JSX } from "preact";
import type { Tool } from "../wire.ts";
import { Icon } from "./icon.tsx";

/** A warning beside tools that have changed, a lock beside those that need sign-in; nothing beside the others. */
export function SecurityMark({ tool }: { readonly tool: Tool }): JSX.Element | null {
  if (tool.changed !== undefined) {
    return (
      <span class="tool-changed-mark" title="Has changed" data-testid="tool-changed-mark">
        <Icon name="alert" size="small" />
        <span class="visually-hidden">has changed</span>
      </span>
    );
  }
  if (kindOfSchemes(tool.security) !== "oauth2") return null;
  return (
    <span class="quiet" title="Needs sign-in">
      <Icon name="lock" size="small" />
      <span class="visually-hidden">needs sign-in</span>
    </span>
  );
}
