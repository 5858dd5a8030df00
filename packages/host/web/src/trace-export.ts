import { toTraceDocument, type TracedCall } from "@countersign/protocol/trace-document";
import { traceToMermaid } from "@countersign/protocol/trace-to-mermaid";
import type { ConsoleState } from "./state.ts";

export type TraceFormat = "json" | "mermaid";

type Known = Pick<ConsoleState, "calls" | "childCalls" | "connectors" | "traces" | "ladders">;

/** The trace of a call, alone or with those of the calls that its view made, as a file's text and name. */
export function exportTrace(
  state: Known,
  callIds: readonly string[],
  format: TraceFormat,
  exportedAt: number,
): { readonly name: string; readonly type: string; readonly text: string } {
  const calls = callIds.flatMap((id) => tracedCall(state, id) ?? []);
  const document = toTraceDocument(calls, exportedAt);
  const name = `trace-${calls[0]?.tool ?? "call"}-${calls[0]?.id ?? ""}`;
  return format === "json"
    ? { name: `${name}.json`, type: "application/json", text: `${JSON.stringify(document, null, 2)}\n` }
    : { name: `${name}.mmd`, type: "text/plain", text: `${traceToMermaid(document)}\n` };
}

function tracedCall(state: Known, id: string): TracedCall | undefined {
  const call = state.calls[id];
  if (call === undefined) return undefined;
  const connector = state.connectors.find((each) => each.id === call.connectorId);
  const { tool, origin, error, createdAt } = call;
  return {
    id,
    parentId: Object.entries(state.childCalls).find(([, children]) => children.includes(id))?.[0],
    tool,
    origin,
    state: call.state,
    error,
    createdAt,
    connector: connector === undefined ? undefined : { name: connector.name, url: connector.url, protocol: connector.protocol },
    steps: state.traces[id] ?? [],
    ladder: state.ladders[id] ?? [],
  };
}
