import { defaultProfile } from "@countersign/protocol/host-profile";
import type { HostProfile } from "@countersign/protocol/ladder";
import type { Progress } from "@countersign/protocol/progress";
import type { JsonObject } from "@countersign/protocol/shape";
import type { Asking } from "./asking.ts";
import { cardIdOf, endDrafts, endWriting, putCallEntry, putDraft, putSaid } from "./entries.ts";
import type { LadderNote } from "@countersign/protocol/trace-document";
import { addNote } from "./ladder-notes.ts";
import type { Session } from "./session.ts";
import type { TraceStep } from "./trace-wire.ts";
import { type Call, type Connector, type Flow, isCallEnded, isFlowOpen, type Tool, type WidgetView } from "./wire.ts";

/**
 * Everything the console knows, and the one function that changes it. Events may arrive twice, late or out of order (an answer can be
 * overtaken by the event stream), so every action is idempotent and an ended call never comes back to life.
 */

export type Entry =
  /** `draft`: the id under which the model wrote the call. */
  | { readonly kind: "call"; readonly callId: string; readonly arguments: unknown; readonly draft?: string }
  /** A call that the model is still writing; `unmade` says why it was not made. */
  | {
      readonly kind: "draft";
      readonly id: string;
      readonly connectorId: string;
      readonly tool: string;
      readonly arguments: JsonObject;
      readonly unmade?: string;
    }
  | {
      readonly kind: "said";
      readonly id: string;
      readonly by: "user" | "model" | "app" | "console";
      readonly name: string;
      readonly text: string;
      readonly quiet?: true;
      /** More of it comes. */
      readonly writing?: true;
      readonly problem?: TurnProblem;
    };

/** Why the model said nothing more. `retryAt`: when it may be asked again, in epoch milliseconds. */
export interface TurnProblem {
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAt?: number;
}

/** Which conversation the model is answering: that of this page, or another one of the user's. */
export type Answering = "here" | "elsewhere" | undefined;

export type ToolsState =
  | { readonly state: "loading" }
  | { readonly state: "ready"; readonly tools: readonly Tool[] }
  | { readonly state: "failed"; readonly message: string };

export type WidgetState =
  | { readonly state: "loading" }
  | { readonly state: "ready"; readonly view: WidgetView }
  | { readonly state: "failed"; readonly message: string }
  | { readonly state: "unloaded" };

/** Where the user is with a flow. `needed`: only a click by the user may open its window. `device`: they chose to finish it on another device. */
export type WindowState = "needed" | "opened" | "device";

export interface AppWindow {
  readonly serverName: string;
  readonly host: string;
  /** False: the browser gave no window, so the user must open one by a click. */
  readonly opened: boolean;
}

export interface ConsoleState {
  readonly phase: "loading" | "ready" | "failed";
  readonly problem: string | undefined;
  /** The event stream: `lost` shows a notice, everything shown may be old. */
  readonly link: "connecting" | "live" | "lost";
  readonly model: string | undefined;
  /** The host that this one acts out. */
  readonly profile: HostProfile;
  readonly answering: Answering;
  readonly connectors: readonly Connector[];
  readonly tools: Readonly<Record<string, ToolsState>>;
  readonly entries: readonly Entry[];
  readonly calls: Readonly<Record<string, Call>>;
  /** Calls started by a widget, by the call whose card shows that widget. */
  readonly childCalls: Readonly<Record<string, readonly string[]>>;
  /** The widget of a call's card, by call. */
  readonly widgets: Readonly<Record<string, WidgetState>>;
  readonly flows: Readonly<Record<string, Flow>>;
  readonly windows: Readonly<Record<string, WindowState>>;
  /** The sign-ins that this page began for a connector itself, the newest last. */
  readonly connectorFlows: readonly string[];
  readonly traces: Readonly<Record<string, readonly TraceStep[]>>;
  /** The ways that the calls of a view take, by the call whose card shows it. */
  readonly ladders: Readonly<Record<string, readonly LadderNote[]>>;
  /** The one view that is shown outside its place in the conversation, by its call. */
  readonly stage: { readonly callId: string; readonly mode: "fullscreen" | "pip" } | undefined;
  /** The window that an app has open, by `openAuthPopup`. */
  readonly appWindow: AppWindow | undefined;
  /** The call that the trace panel shows. */
  readonly selectedCallId: string | undefined;
}

export type Action =
  | { readonly type: "session"; readonly session: Session }
  | { readonly type: "session_failed"; readonly message: string }
  | { readonly type: "link"; readonly link: ConsoleState["link"] }
  | { readonly type: "profile"; readonly profile: HostProfile }
  | { readonly type: "connector"; readonly connector: Connector }
  | { readonly type: "tools"; readonly connectorId: string; readonly tools: ToolsState }
  | { readonly type: "call_started"; readonly call: Call; readonly arguments: unknown; readonly parentCallId?: string; readonly draft?: string }
  | { readonly type: "call"; readonly call: Call }
  | { readonly type: "progress"; readonly callId: string; readonly progress: Progress }
  | { readonly type: "flow"; readonly flow: Flow }
  | { readonly type: "connector_flow"; readonly flow: Flow }
  | { readonly type: "window"; readonly flowId: string; readonly window: WindowState }
  | { readonly type: "widget"; readonly callId: string; readonly widget: WidgetState }
  | { readonly type: "said"; readonly entry: Extract<Entry, { kind: "said" }>; readonly at?: number }
  | { readonly type: "unsaid"; readonly id: string }
  | { readonly type: "draft"; readonly entry: Extract<Entry, { kind: "draft" }> }
  | { readonly type: "unmade"; readonly draft: string; readonly message: string }
  | { readonly type: "answering"; readonly answering: Answering }
  | { readonly type: "trace"; readonly steps: readonly TraceStep[] }
  | { readonly type: "ladder"; readonly callId: string; readonly note: LadderNote }
  | { readonly type: "ladder_read"; readonly callId: string; readonly notes: readonly LadderNote[] }
  | { readonly type: "stage"; readonly stage: ConsoleState["stage"] }
  | { readonly type: "app_window"; readonly window: AppWindow | undefined }
  | { readonly type: "select"; readonly callId: string }
  | { readonly type: "cleared" };

/** Calls, flows and traces of the user's other pages are held up to so many of each. */
const heldMax = 400;
const stepsMax = 300;

/** The state before anything was read. */
export const initialState: ConsoleState = {
  phase: "loading",
  problem: undefined,
  link: "connecting",
  model: undefined,
  profile: defaultProfile,
  answering: undefined,
  connectors: [],
  tools: {},
  entries: [],
  calls: {},
  childCalls: {},
  widgets: {},
  flows: {},
  windows: {},
  connectorFlows: [],
  traces: {},
  ladders: {},
  stage: undefined,
  appWindow: undefined,
  selectedCallId: undefined,
};

/** Applies one action. Gives the same object back when nothing changed. */
export function reduce(state: ConsoleState, action: Action): ConsoleState {
  switch (action.type) {
    case "session":
      return takeSession(state, action.session);
    case "session_failed":
      return state.phase === "ready" ? state : { ...state, phase: "failed", problem: action.message };
    case "link":
      return state.link === action.link ? state : { ...state, link: action.link };
    case "profile":
      return state.profile === action.profile ? state : { ...state, profile: action.profile };
    case "connector":
      return { ...state, connectors: putConnector(state.connectors, action.connector) };
    case "tools":
      return { ...state, tools: { ...state.tools, [action.connectorId]: action.tools } };
    case "call_started":
      return startCall(state, action);
    case "call":
      return putCall(state, action.call);
    case "progress":
      return putProgress(state, action.callId, action.progress);
    case "flow":
      return putFlow(state, action.flow);
    case "connector_flow":
      return { ...putFlow(state, action.flow), connectorFlows: [...state.connectorFlows.slice(-19), action.flow.id] };
    case "window":
      return { ...state, windows: { ...state.windows, [action.flowId]: action.window } };
    case "widget":
      return showWidget(state, action.callId, action.widget);
    case "said":
      return withEntries(state, putSaid(state.entries, action.entry, action.at));
    case "unsaid":
      return { ...state, entries: state.entries.filter((entry) => entry.kind !== "said" || entry.id !== action.id) };
    case "draft":
      return withEntries(state, putDraft(state.entries, action.entry));
    case "unmade":
      return withEntries(state, endDrafts(state.entries, action.message, action.draft));
    case "answering":
      return setAnswering(state, action.answering);
    case "trace":
      return addSteps(state, action.steps);
    case "ladder": {
      const callId = cardIdOf(state.entries, action.callId);
      return { ...state, ladders: { ...state.ladders, [callId]: addNote(state.ladders[callId], action.note) } };
    }
    case "ladder_read":
      return readLadder(state, cardIdOf(state.entries, action.callId), action.notes);
    case "stage":
      return { ...state, stage: action.stage };
    case "app_window":
      return { ...state, appWindow: action.window };
    case "select":
      return state.selectedCallId === action.callId ? state : { ...state, selectedCallId: action.callId };
    case "cleared":
      return { ...state, entries: [], childCalls: {}, widgets: {}, ladders: {}, stage: undefined, selectedCallId: undefined };
    default:
      return action satisfies never;
  }
}

function takeSession(state: ConsoleState, { connectors, model, profile }: Session): ConsoleState {
  return { ...state, phase: "ready", problem: undefined, connectors, model, profile };
}

/** What the host has kept takes the place of what this page heard, unless the page has heard more since. */
function readLadder(state: ConsoleState, callId: string, notes: readonly LadderNote[]): ConsoleState {
  return notes.length < (state.ladders[callId] ?? []).length ? state : { ...state, ladders: { ...state.ladders, [callId]: notes } };
}

/** The flows that wait for the user, each with the calls of this page that it would let go on: those, and those that this page began for a connector itself. */
export function openFlows(state: ConsoleState): readonly { readonly flow: Flow; readonly window: WindowState; readonly calls: readonly Call[] }[] {
  const own = new Set(ownCallIds(state));
  return Object.values(state.flows)
    .filter(isFlowOpen)
    .map((flow) => ({
      flow,
      window: state.windows[flow.id] ?? (flow.device?.state === "waiting" ? "device" : "needed"),
      calls: Object.values(state.calls).filter((call) => own.has(call.id) && call.flow?.id === flow.id && !isCallEnded(call)),
    }))
    .filter((open) => open.calls.length > 0 || state.connectorFlows.includes(open.flow.id));
}

/** A view that is closed or failed leaves the stage. */
function showWidget(state: ConsoleState, id: string, widget: WidgetState): ConsoleState {
  const callId = cardIdOf(state.entries, id);
  const gone = widget.state === "failed" || widget.state === "unloaded";
  const stage = gone && state.stage?.callId === callId ? undefined : state.stage;
  return { ...state, stage, widgets: { ...state.widgets, [callId]: widget } };
}

/** The calls of this page whose servers ask the user something. */
export function openAskings(state: ConsoleState): readonly { readonly call: Call; readonly asking: Asking }[] {
  return ownCallIds(state).flatMap((id) => {
    const call = state.calls[id];
    return call?.asking === undefined || isCallEnded(call) ? [] : [{ call, asking: call.asking }];
  });
}

/** The calls of this page: those with a card and those made by its widgets. */
export function ownCallIds(state: ConsoleState): readonly string[] {
  return state.entries.flatMap((entry) => (entry.kind === "call" ? [entry.callId, ...(state.childCalls[entry.callId] ?? [])] : []));
}

function putConnector(connectors: readonly Connector[], connector: Connector): readonly Connector[] {
  const at = connectors.findIndex((known) => known.id === connector.id);
  return at < 0 ? [...connectors, connector] : connectors.with(at, connector);
}

function startCall(state: ConsoleState, action: Extract<Action, { type: "call_started" }>): ConsoleState {
  const { call } = action;
  const parentCallId = action.parentCallId === undefined ? undefined : cardIdOf(state.entries, action.parentCallId);
  // The event stream may already have brought a later state of this call.
  const known = state.calls[call.id] === undefined ? putCall(state, call) : state;
  if (parentCallId === undefined) {
    const { draft } = action;
    const entry = { kind: "call", callId: call.id, arguments: action.arguments, ...(draft === undefined ? {} : { draft }) } as const;
    const entries = putCallEntry(known.entries, entry);
    if (entries === known.entries) return known;
    return { ...(draft === undefined ? known : moveCard(known, draft, call.id)), entries, selectedCallId: call.id };
  }
  const siblings = known.childCalls[parentCallId] ?? [];
  if (siblings.includes(call.id)) return known;
  return { ...known, childCalls: { ...known.childCalls, [parentCallId]: [...siblings, call.id] }, selectedCallId: call.id };
}

/** What is known of a card under its draft's id is its call's from now on. A view that could not be loaded is tried again: now its tool runs. */
function moveCard(state: ConsoleState, draft: string, callId: string): ConsoleState {
  const { [draft]: widget, ...widgets } = state.widgets;
  const { [draft]: children, ...childCalls } = state.childCalls;
  const { [draft]: notes, ...ladders } = state.ladders;
  return {
    ...state,
    widgets: widget === undefined || widget.state === "failed" ? widgets : { ...widgets, [callId]: widget },
    childCalls: children === undefined ? childCalls : { ...childCalls, [callId]: children },
    ladders: notes === undefined ? ladders : { ...ladders, [callId]: notes },
    stage: state.stage?.callId === draft ? { ...state.stage, callId } : state.stage,
  };
}

/** What the model was still writing when it ended will not be made. */
function setAnswering(state: ConsoleState, answering: Answering): ConsoleState {
  const entries =
    answering === "here" ? state.entries : endWriting(endDrafts(state.entries, "The assistant did not finish this call. Nothing was called."));
  return state.answering === answering ? withEntries(state, entries) : { ...state, answering, entries };
}

function withEntries(state: ConsoleState, entries: ConsoleState["entries"]): ConsoleState {
  return entries === state.entries ? state : { ...state, entries };
}

function putCall(state: ConsoleState, call: Call): ConsoleState {
  const known = state.calls[call.id];
  if (known !== undefined && isOlder(call, known)) return state;
  const calls = bounded({ ...state.calls, [call.id]: call }, ownCallIds(state));
  return call.flow === undefined ? { ...state, calls } : putFlow({ ...state, calls }, call.flow);
}

/** Of a call that is over, or that this page does not know, nothing more is heard. */
function putProgress(state: ConsoleState, callId: string, progress: Progress): ConsoleState {
  const call = state.calls[callId];
  return call === undefined || isCallEnded(call) ? state : { ...state, calls: { ...state.calls, [callId]: { ...call, progress } } };
}

function isOlder(call: Call, known: Call): boolean {
  if (isCallEnded(known) && !isCallEnded(call)) return true;
  return call.version !== undefined && known.version !== undefined && call.version < known.version;
}

/** Drops the oldest entries that this page does not show, so that a busy second page cannot fill this one. */
function bounded<T>(entries: Readonly<Record<string, T>>, kept: readonly string[]): Readonly<Record<string, T>> {
  const ids = Object.keys(entries);
  if (ids.length <= heldMax) return entries;
  const keep = new Set([...kept, ...ids.slice(-heldMax / 2)]);
  return Object.fromEntries(Object.entries(entries).filter(([id]) => keep.has(id)));
}

function putFlow(state: ConsoleState, flow: Flow): ConsoleState {
  const known = state.flows[flow.id];
  if (known !== undefined && !isFlowOpen(known) && isFlowOpen(flow)) return state;
  const flows = { ...state.flows, [flow.id]: { ...flow, startUrl: flow.startUrl ?? known?.startUrl } };
  return {
    ...state,
    flows: bounded(
      flows,
      ownCallIds(state).flatMap((id) => state.calls[id]?.flow?.id ?? []),
    ),
  };
}

function addSteps(state: ConsoleState, steps: readonly TraceStep[]): ConsoleState {
  const traces = { ...state.traces };
  for (const step of steps) {
    const known = traces[step.callId] ?? [];
    if (known.some((other) => other.seq === step.seq)) continue;
    traces[step.callId] = [...known, step].sort((a, b) => a.seq - b.seq).slice(-stepsMax);
  }
  return { ...state, traces: bounded(traces, ownCallIds(state)) };
}
