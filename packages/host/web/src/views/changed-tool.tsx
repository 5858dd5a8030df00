import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { describeChange, type ToolChange } from "../tool-change.ts";
import type { Tool } from "../wire.ts";
import { Icon } from "./icon.tsx";
import { JsonView } from "./json-view.tsx";
import { useArmed, useServices } from "./services.ts";

export interface ChangedToolProps {
  readonly connectorId: string;
  readonly tool: Tool;
  readonly change: ToolChange;
}

/** What is different about a tool that changed after it was used, before and now, and the button that lets it be used again (M13). */
export function ChangedTool({ connectorId, tool, change }: ChangedToolProps): JSX.Element {
  const { api, console } = useServices();
  const armed = useArmed();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const agree = async (): Promise<void> => {
    if (!armed) return;
    setBusy(true);
    const answer = await api.agreeToTool(connectorId, tool.name, change.digest);
    await console.loadTools(connectorId);
    setBusy(false);
    setProblem(answer.ok ? undefined : answer.error.message);
  };
  return (
    <section class="stack snug" aria-label="What changed" data-testid="tool-changed" data-fields={change.fields.join(" ")}>
      <p class="notice notice-warn">
        <Icon name="alert" size="small" />
        <span>This tool is paused. Since you last used it, the server has changed {describeChange(change)}.</span>
      </p>
      {change.fields.map((field) => (
        <div key={field} class="stack tight change">
          <p class="label">Before</p>
          <Value value={change.before?.[field]} />
          <p class="label">Now</p>
          <Value value={nowOf(tool, field)} />
        </div>
      ))}
      {problem !== undefined && (
        <p class="field-error" role="alert">
          {problem}
        </p>
      )}
      <button type="button" class="button" data-testid="tool-agree" aria-disabled={!armed} disabled={busy} onClick={() => void agree()}>
        Use the tool as it is now
      </button>
    </section>
  );
}

function Value({ value }: { readonly value: unknown }): JSX.Element {
  return typeof value === "string" ? <p class="small">{value === "" ? "(nothing)" : value}</p> : <JsonView value={value ?? null} />;
}

function nowOf(tool: Tool, field: string): unknown {
  switch (field) {
    case "title":
      return tool.title;
    case "description":
      return tool.description ?? "";
    case "inputSchema":
      return tool.inputSchema;
    case "visibility":
      return [...tool.visibility].toSorted();
    case "security":
      return (
        tool.security?.map((scheme) => (scheme.type === "noauth" ? scheme : { type: scheme.type, scopes: [...scheme.scopes].toSorted() })) ?? null
      );
    case "annotations":
      return { readOnlyHint: tool.readOnly, destructiveHint: tool.destructive };
    case "resourceUri":
      return tool.resourceUri ?? null;
    default:
      return null;
  }
}
