import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { formatElapsed, formatTime } from "../format.ts";
import { wordsOf } from "../ladder-notes.ts";
import { ownCallIds } from "../state.ts";
import type { TraceStep } from "../trace-wire.ts";
import { type Call, isCallEnded, titleOf } from "../wire.ts";
import { Icon } from "./icon.tsx";
import { JsonView } from "./json-view.tsx";
import { sheetQuery } from "./panel.tsx";
import { useConsole, useMedia, useServices } from "./services.ts";
import { useToolTitle } from "./tool-title.ts";
import { TraceExport } from "./trace-export.tsx";
import { WireMessageView } from "./wire-message.tsx";

const toneOf: Readonly<Record<string, string>> = {
  result: "good",
  token: "good",
  error: "bad",
  challenge: "warn",
  decision: "accent",
  authorization: "accent",
};

/** A reader this near to the last step, in pixels, is kept at it while steps come. */
const followWithin = 160;

/** The right panel: every step of one call, live, with its reason and, one click away, its raw detail. */
export function TracePanel({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const { console } = useServices();
  const selected = useConsole((state) => state.selectedCallId);
  const call = useConsole((state) => (selected === undefined ? undefined : state.calls[selected]));
  const steps = useConsole((state) => (selected === undefined ? undefined : state.traces[selected]));
  const sheet = useMedia(sheetQuery);
  useEffect(() => {
    if (selected !== undefined) void console.loadTrace(selected);
  }, [selected, console]);
  return (
    <>
      <div class="panel-head">
        <h2 class="grow">Trace</h2>
        {selected !== undefined && steps !== undefined && <ExportButton callId={selected} />}
        <button type="button" class="icon-button" aria-label="Hide trace" onClick={onClose}>
          <Icon name={sheet ? "close" : "panel_right"} />
        </button>
      </div>
      <div class="panel-body">{selected === undefined || call === undefined ? <NoTrace /> : <Timeline call={call} steps={steps ?? []} />}</div>
    </>
  );
}

function NoTrace(): JSX.Element {
  return (
    <div class="empty">
      <Icon name="activity" size="large" />
      <h2>No call yet</h2>
      <p class="small">Each tool call is shown here step by step: what was decided and why, what was sent, how sign-in went, what came back.</p>
    </div>
  );
}

function Timeline({ call, steps }: { readonly call: Call; readonly steps: readonly TraceStep[] }): JSX.Element {
  const start = steps[0]?.at ?? 0;
  const live = !isCallEnded(call);
  const list = useRef<HTMLOListElement>(null);
  useLayoutEffect(() => {
    const area = list.current?.parentElement ?? null;
    if (area !== null && area.scrollHeight - area.scrollTop - area.clientHeight < followWithin) area.scrollTop = area.scrollHeight;
  }, [steps.length, live]);
  return (
    <>
      <CallPicker selectedId={call.id} />
      <ol ref={list} class="timeline" aria-label={`Steps of ${titleOf(call.tool)}`} aria-busy={live}>
        {steps.map((step) => (
          <Step key={step.seq} step={step} startMs={start} />
        ))}
        <LadderNotes callId={call.id} startMs={start} />
        {live && (
          <li class="step step-live">
            <span class="step-dot" aria-hidden="true" />
            <span class="row snug small quiet">
              <span class="spinner" aria-hidden="true" />
              {call.state === "authorizing" ? "Waiting for you" : "Waiting for the server"}
            </span>
          </li>
        )}
      </ol>
    </>
  );
}

/** What the view of this call said of the ways that its own calls take. */
function LadderNotes({ callId, startMs }: { readonly callId: string; readonly startMs: number }): JSX.Element {
  const notes = useConsole((state) => state.ladders[callId]) ?? [];
  return (
    <>
      {notes.map((note) => (
        <li key={`${note.at} ${note.rung} ${note.outcome}`} class="step step-plain" data-testid="trace-ladder" data-rung={note.rung}>
          <span class="step-dot" aria-hidden="true" />
          <div class="row between snug step-head">
            <span class="small quiet">App</span>
            <span class="small quiet nums">{formatElapsed(note.at - startMs)}</span>
          </div>
          <p class="step-title">{wordsOf(note)}</p>
        </li>
      ))}
    </>
  );
}

function CallPicker({ selectedId }: { readonly selectedId: string }): JSX.Element {
  const { store } = useServices();
  const entries = useConsole((state) => state.entries);
  const childCalls = useConsole((state) => state.childCalls);
  const calls = useConsole((state) => state.calls);
  const titleOfTool = useToolTitle();
  const now = Date.now();
  const ids = ownCallIds({ ...store.get(), entries, childCalls });
  return (
    <label class="field call-picker">
      <span class="visually-hidden">Call</span>
      <select
        class="select"
        value={selectedId}
        data-testid="trace-call"
        onChange={(event) => store.dispatch({ type: "select", callId: event.currentTarget.value })}
      >
        {ids.toReversed().map((id) => {
          const call = calls[id];
          if (call === undefined) return null;
          const time = call.createdAt === undefined ? "" : ` · ${formatTime(call.createdAt, now)}`;
          return (
            <option key={id} value={id}>
              {titleOfTool(call)}
              {call.origin === "widget" ? " (app)" : ""}
              {time}
            </option>
          );
        })}
      </select>
    </label>
  );
}

function Step({ step, startMs }: { readonly step: TraceStep; readonly startMs: number }): JSX.Element {
  const hasDetail = Object.keys(step.detail).length > 0;
  const tone = toneOf[step.step] ?? "plain";
  return (
    <li class={`step step-${tone}`} data-testid="trace-step" data-step={step.step}>
      <span class="step-dot" aria-hidden="true" />
      <div class="row between snug step-head">
        <span class="small quiet">{titleOf(step.step)}</span>
        <span class="small quiet nums">{formatElapsed(step.at - startMs)}</span>
      </div>
      <p class="step-title">{step.title}</p>
      {step.reason !== undefined && <p class="small quiet">{asSentence(step.reason)}</p>}
      {(hasDetail || step.messages.length > 0) && (
        <details class="step-raw">
          <summary class="small" data-testid="trace-raw">
            {step.messages.length === 0 ? "Details" : "Details and messages"}
          </summary>
          {hasDetail && <JsonView value={step.detail} />}
          {step.messages.map((message, index) => (
            <WireMessageView key={index} message={message} />
          ))}
        </details>
      )}
    </li>
  );
}

/** A reason begins like a sentence, unless it begins with an address. */
function asSentence(reason: string): string {
  return /^[a-z]+:\/\//.test(reason) ? reason : reason.slice(0, 1).toUpperCase() + reason.slice(1);
}

function ExportButton({ callId }: { readonly callId: string }): JSX.Element {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        class="icon-button"
        aria-label="Export the trace"
        title="Export as JSON or as a diagram"
        data-testid="trace-export-open"
        onClick={() => setOpen(true)}
      >
        <Icon name="download" />
      </button>
      {open && <TraceExport callId={callId} onClose={() => setOpen(false)} />}
    </>
  );
}
