import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { readReceipt } from "../receipt.ts";
import type { Entry } from "../state.ts";
import { type Call, isCallEnded, type Tool, titleOf } from "../wire.ts";
import { isMade, writtenCall } from "../written-call.ts";
import { CallProgress } from "./call-progress.tsx";
import { CallResultView } from "./call-result.tsx";
import { CallStatus } from "./call-status.tsx";
import { ChildCalls } from "./child-calls.tsx";
import { Icon } from "./icon.tsx";
import { ReceiptCard } from "./receipt-card.tsx";
import { useConsole, useServices } from "./services.ts";
import { WidgetPanel } from "./widget-panel.tsx";

export interface CallCardProps {
  readonly entry: Extract<Entry, { kind: "call" | "draft" }>;
  /** The reader's eyes are brought to it. */
  readonly turn: true | undefined;
  readonly onShowTrace: (callId: string) => void;
  /** Opens the form of a tool. */
  readonly onPick: (connectorId: string, tool: Tool) => void;
}

/** One tool call in the conversation, from the model's first word of it: what was asked, how it stands, what came back, the app's view, and the calls that view made. */
export function CallCard({ entry, turn, onShowTrace, onPick }: CallCardProps): JSX.Element | null {
  const cardId = entry.kind === "call" ? entry.callId : entry.id;
  const made = useConsole((state) => state.calls[cardId]);
  const call = entry.kind === "draft" ? writtenCall(entry) : made;
  const connector = useConsole((state) => state.connectors.find((known) => known.id === call?.connectorId));
  const listed = useConsole((state) => (call === undefined ? undefined : state.tools[call.connectorId]));
  const childIds = useConsole((state) => state.childCalls[cardId]);
  if (call === undefined) return null;
  const unmade = entry.kind === "draft" ? entry.unmade : undefined;
  const tool = listed?.state === "ready" ? listed.tools.find((known) => known.name === call.tool) : undefined;
  const serverName = connector?.name ?? "App";
  const shown = useRef(false);
  // A view is there from the moment its tool runs, and stays when the call ends badly: the app says what that means.
  const runs = !isCallEnded(call) && call.state !== "authorizing";
  const showsView = tool?.resourceUri !== undefined && unmade === undefined && (shown.current || runs || call.result?.isError === false);
  shown.current ||= showsView;
  return (
    <article
      class="turn"
      aria-label={`${tool?.title ?? titleOf(call.tool)}, ${serverName}`}
      data-testid="call-card"
      data-call-id={call.id}
      data-tool={call.tool}
      data-state={call.state}
      data-turn={turn}
    >
      {call.origin === "user" && <Asked title={tool?.title ?? titleOf(call.tool)} args={entry.arguments} />}
      <div class="answer">
        <span class="avatar answer-avatar" aria-hidden="true">
          {serverName.slice(0, 1)}
        </span>
        <div class="stack snug grow">
          <CallHead call={call} tool={tool} serverName={serverName} title={tool?.title ?? titleOf(call.tool)} onShowTrace={onShowTrace} />
          {call.progress !== undefined && call.state === "dispatched" && (
            <CallProgress progress={call.progress} title={tool?.title ?? titleOf(call.tool)} />
          )}
          {call.origin === "model" && <AskedByModel title={tool?.title ?? titleOf(call.tool)} args={entry.arguments} />}
          {unmade === undefined ? (
            <CallBody call={call} tool={tool} serverName={serverName} args={entry.arguments} showsView={showsView} onPick={onPick} />
          ) : (
            <p class="notice" data-testid="call-unmade">
              <Icon name="info" size="small" />
              <span>{unmade}</span>
            </p>
          )}
          {childIds !== undefined && <ChildCalls callIds={childIds} serverName={serverName} onShowTrace={onShowTrace} />}
        </div>
      </div>
    </article>
  );
}

function Asked({ title, args }: { readonly title: string; readonly args: unknown }): JSX.Element {
  const words = wordsOf(args);
  return (
    <div class="asked">
      <p class="bubble">
        {title}
        {words !== "" && <span class="bubble-more small">{words}</span>}
      </p>
    </div>
  );
}

/** What the model calls, in one line, from its first word on: the line has its place before there is more to show. */
function AskedByModel({ title, args }: { readonly title: string; readonly args: unknown }): JSX.Element {
  const words = wordsOf(args);
  return (
    <p class="small quiet truncate" data-testid="call-asked">
      {title}
      {words !== "" && ` · ${words}`}
    </p>
  );
}

function wordsOf(args: unknown): string {
  if (typeof args !== "object" || args === null) return "";
  const words = Object.entries(args).map(([name, value]) => `${titleOf(name)}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return words.join(" · ");
}

function CallHead({
  call,
  tool,
  serverName,
  title,
  onShowTrace,
}: {
  readonly call: Call;
  readonly tool: Tool | undefined;
  readonly serverName: string;
  readonly title: string;
  readonly onShowTrace: (callId: string) => void;
}): JSX.Element {
  const { api } = useServices();
  return (
    <div class="row snug call-head">
      <span class="strong truncate">{serverName}</span>
      <CallStatus call={call} tool={tool} />
      <span class="grow" />
      {isMade(call) && !isCallEnded(call) && (
        <button type="button" class="button button-quiet button-small" data-testid="call-stop" onClick={() => void api.cancelCall(call.id)}>
          Stop
        </button>
      )}
      {isMade(call) && (
        <button
          type="button"
          class="icon-button icon-button-small"
          aria-label={`Trace of ${title}`}
          title="Trace"
          data-testid="show-trace"
          onClick={() => onShowTrace(call.id)}
        >
          <Icon name="activity" size="small" />
        </button>
      )}
    </div>
  );
}

interface CallBodyProps {
  readonly call: Call;
  readonly tool: Tool | undefined;
  readonly serverName: string;
  readonly args: unknown;
  readonly showsView: boolean;
  readonly onPick: CallCardProps["onPick"];
}

function CallBody({ call, tool, serverName, args, showsView, onPick }: CallBodyProps): JSX.Element | null {
  const receipt = useMemo(() => (call.result?.isError === false ? readReceipt(call.result.structuredContent) : undefined), [call.result]);
  if (!isCallEnded(call) && !showsView) {
    return tool?.resourceUri === undefined ? null : <div class="skeleton view-skeleton" aria-hidden="true" />;
  }
  return (
    <>
      {call.error !== undefined && <CallFailed call={call} tool={tool} args={args} onPick={onPick} />}
      {receipt !== undefined && <ReceiptCard receipt={receipt} serverName={serverName} />}
      {showsView && tool?.resourceUri !== undefined && <WidgetPanel call={call} args={args} tool={tool} resourceUri={tool.resourceUri} />}
      {call.result !== undefined && <CallResultView result={call.result} folded={showsView || receipt !== undefined} />}
    </>
  );
}

function CallFailed({ call, tool, args, onPick }: Pick<CallBodyProps, "call" | "tool" | "args" | "onPick">): JSX.Element {
  const { console } = useServices();
  const [problem, setProblem] = useState<string>();
  const retry = async (): Promise<void> => {
    if (tool !== undefined) setProblem((await console.callTool(call.connectorId, tool, args ?? {}))?.message);
  };
  const tone = call.error?.code === "cancelled" ? "" : " notice-bad";
  return (
    <div class={`notice${tone}`} data-testid="call-error" data-code={call.error?.code}>
      <Icon name={call.error?.code === "cancelled" ? "info" : "alert"} size="small" />
      <div class="stack tight grow">
        <p>{problem ?? call.error?.message}</p>
        {call.error?.retryable === true && tool !== undefined && (
          <p>
            <button type="button" class="button-link" data-testid="call-retry" onClick={() => void retry()}>
              Try again
            </button>
          </p>
        )}
        {call.error?.code === "tool_changed" && tool?.changed !== undefined && (
          <p>
            <button type="button" class="button-link" data-testid="call-changed" onClick={() => onPick(call.connectorId, tool)}>
              See what changed
            </button>
          </p>
        )}
      </div>
    </div>
  );
}
