import type { JSX } from "preact";
import { readNewReceipts, type Receipt } from "../receipt.ts";
import { type Call, isCallEnded } from "../wire.ts";
import { CallStatus } from "./call-status.tsx";
import { ReceiptCard } from "./receipt-card.tsx";
import { useConsole, useServices } from "./services.ts";
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
  const receipts = receiptsOf(known);
  const shown = known.filter(
    (call) => !isCallEnded(call) || receipts.has(call.id) || (call === latest && (call.error !== undefined || known.length === 1)),
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
              <ChildCall key={call.id} call={call} receipt={receipts.get(call.id)} serverName={serverName} onShowTrace={onShowTrace} />
            ))}
          </div>
        </details>
      )}
      {shown.map((call) => (
        <ChildCall key={call.id} call={call} receipt={receipts.get(call.id)} serverName={serverName} onShowTrace={onShowTrace} />
      ))}
    </>
  );
}

/** By call. What was paid is shown once, however often an app looks at it again. */
function receiptsOf(calls: readonly Call[]): ReadonlyMap<string, Receipt> {
  const receipts = readNewReceipts(calls.map(({ result }) => result));
  return new Map(calls.flatMap(({ id }, index) => (receipts[index] === undefined ? [] : [[id, receipts[index]]])));
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

type ChildCallProps = { readonly call: Call; readonly receipt: Receipt | undefined } & Omit<ChildCallsProps, "callIds">;

/** One call of a view. What runs can be stopped here too: after a reload the view that began it knows nothing of it. */
function ChildCall({ call, receipt, serverName, onShowTrace }: ChildCallProps): JSX.Element {
  const { api } = useServices();
  const titleOfTool = useToolTitle();
  return (
    <div class="stack tight" data-testid="child-call" data-call-id={call.id} data-tool={call.tool} data-state={call.state}>
      <div class="row snug child-row">
        <button type="button" class="child-call small" title="Trace" onClick={() => onShowTrace(call.id)}>
          <span class="truncate">
            The app used <span class="strong">{titleOfTool(call)}</span>
          </span>
          <CallStatus call={call} />
        </button>
        {!isCallEnded(call) && (
          <button
            type="button"
            class="button button-quiet button-small child-stop"
            aria-label={`Stop ${titleOfTool(call)}`}
            data-testid="child-stop"
            onClick={() => void api.cancelCall(call.id)}
          >
            Stop
          </button>
        )}
      </div>
      {call.error !== undefined && call.error.code !== "cancelled" && (
        <p class="small bad" data-testid="call-error" data-code={call.error.code}>
          {call.error.message}
        </p>
      )}
      {receipt !== undefined && <ReceiptCard receipt={receipt} serverName={serverName} />}
    </div>
  );
}
