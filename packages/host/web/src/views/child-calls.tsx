import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { readReceipt } from "../receipt.ts";
import { type Call, isCallEnded } from "../wire.ts";
import { CallStatus } from "./call-status.tsx";
import { ReceiptCard } from "./receipt-card.tsx";
import { useConsole } from "./services.ts";
import { useToolTitle } from "./tool-title.ts";

export interface ChildCallsProps {
  readonly callIds: readonly string[];
  readonly serverName: string;
  readonly onShowTrace: (callId: string) => void;
}

/** The calls that an app's view made: what runs, what was paid and what just failed in the open, the rest folded into one line. */
export function ChildCalls({ callIds, serverName, onShowTrace }: ChildCallsProps): JSX.Element {
  const calls = useConsole((state) => state.calls);
  const known = callIds.flatMap((id) => calls[id] ?? []);
  const latest = known.at(-1);
  const shown = known.filter(
    (call) => !isCallEnded(call) || hasReceipt(call) || (call === latest && (call.error !== undefined || known.length === 1)),
  );
  const folded = known.filter((call) => !shown.includes(call));
  return (
    <>
      {folded.length > 0 && (
        <details class="child-fold" data-testid="child-calls">
          <summary class="small quiet">
            The app used <Names calls={folded} />
          </summary>
          <div class="stack tight child-list">
            {folded.map((call) => (
              <ChildCall key={call.id} call={call} serverName={serverName} onShowTrace={onShowTrace} />
            ))}
          </div>
        </details>
      )}
      {shown.map((call) => (
        <ChildCall key={call.id} call={call} serverName={serverName} onShowTrace={onShowTrace} />
      ))}
    </>
  );
}

function hasReceipt(call: Call): boolean {
  return call.result?.isError === false && readReceipt(call.result.structuredContent) !== undefined;
}

/** “List orders, Get product ×5”, in the order of their first use. */
function Names({ calls }: { readonly calls: readonly Call[] }): JSX.Element {
  const titleOfTool = useToolTitle();
  const counts = new Map<string, number>();
  for (const call of calls) {
    const title = titleOfTool(call);
    counts.set(title, (counts.get(title) ?? 0) + 1);
  }
  return <>{[...counts].map(([title, count]) => (count === 1 ? title : `${title} ×${count}`)).join(", ")}</>;
}

function ChildCall({ call, serverName, onShowTrace }: { readonly call: Call } & Omit<ChildCallsProps, "callIds">): JSX.Element {
  const titleOfTool = useToolTitle();
  const receipt = useMemo(() => (call.result?.isError === false ? readReceipt(call.result.structuredContent) : undefined), [call.result]);
  return (
    <div class="stack tight" data-testid="child-call" data-call-id={call.id} data-tool={call.tool} data-state={call.state}>
      <button type="button" class="child-call small" title="Trace" onClick={() => onShowTrace(call.id)}>
        <span class="truncate">
          The app used <span class="strong">{titleOfTool(call)}</span>
        </span>
        <CallStatus call={call} />
      </button>
      {call.error !== undefined && call.error.code !== "cancelled" && (
        <p class="small bad" data-testid="call-error" data-code={call.error.code}>
          {call.error.message}
        </p>
      )}
      {receipt !== undefined && <ReceiptCard receipt={receipt} serverName={serverName} />}
    </div>
  );
}
