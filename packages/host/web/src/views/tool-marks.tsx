import { kindOfSchemes } from "@countersign/protocol/security";
import type { JSX } from "preact";
import type { Tool } from "../wire.ts";
import { Icon } from "./icon.tsx";

/** A lock beside tools that need sign-in; nothing beside the others. */
export function SecurityMark({ tool }: { readonly tool: Tool }): JSX.Element | null {
  if (kindOfSchemes(tool.security) !== "oauth2") return null;
  return (
    <span class="quiet" title="Needs sign-in">
      <Icon name="lock" size="small" />
      <span class="visually-hidden">needs sign-in</span>
    </span>
  );
}
