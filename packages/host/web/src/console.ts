import type { HostProfile } from "@countersign/protocol/ladder";
import type { ProfileDecision } from "@countersign/protocol/profile-call";
import { readProgress } from "@countersign/protocol/progress";
import { member } from "@countersign/protocol/shape";
import type { Answer, ApiProblem, HostApi } from "./api.ts";
import { predictCall } from "./popup-decision.ts";
import { readSaved, type SavedConversation, saveOf } from "./saved.ts";
import type { ConversationId } from "./conversation-id.ts";
import { readChosenProfile } from "./session.ts";
import { rereadFlows } from "./reread.ts";
import type { SignIn } from "./sign-in.ts";
import { type ConsoleState, type Entry, ownCallIds } from "./state.ts";
import type { LadderStep } from "@countersign/protocol/ladder";
import { cardIdOf } from "./entries.ts";
import { readText } from "./json.ts";
import { notesMax } from "./ladder-notes.ts";
import { readTraceStep } from "./trace-wire.ts";
import type { Store } from "./store.ts";
import { type Call, isCallEnded, readCall, readConnector, readFlow, type Tool, type WidgetView } from "./wire.ts";
import type { OpenViews } from "./open-views.ts";
import { createTalk, type Talk } from "./talk.ts";

/** Everything a view may ask for. The store is changed here and by events only. */
export interface Console {
  readonly start: () => Promise<void>;
  /** The event stream is (again) live: reads again whatever may have changed meanwhile. */
  readonly refresh: () => Promise<void>;
  readonly onEvent: (name: string, json: unknown) => void;
  /** Runs a tool for the user. Call it inside the click, so that a sign-in window may open. */
  readonly callTool: (connectorId: string, tool: Tool, args: unknown) => Promise<ApiProblem | undefined>;
  /** Runs a tool for a widget and waits for the end, which `signal` brings about. Call it as soon as the widget's message arrives. */
  readonly callFromWidget: (widget: WidgetCaller, name: string, args: unknown, signal?: AbortSignal) => Promise<Call>;
  readonly loadTools: (connectorId: string) => Promise<void>;
  readonly loadTrace: (callId: string) => Promise<void>;
  /** Shows and keeps what the view of a call says of a call of its own. */
  readonly noteLadder: (callId: string, step: LadderStep) => void;
  /** Chooses the host that is acted out. */
  readonly chooseProfile: (profile: HostProfile) => Answer<void>;
  readonly loadWidget: (callId: string, resourceUri: string) => Promise<void>;
  readonly say: Talk["say"];
  readonly sayAgain: Talk["sayAgain"];
  readonly stopAnswer: Talk["stop"];
  readonly sayFromApp: Talk["sayFromApp"];
  readonly setAppContext: Talk["setAppContext"];
  /** Empties the conversation, once its views have said goodbye. */
  readonly clear: () => Promise<void>;
  /** Closes the view of a call, once it has said goodbye. */
  readonly closeWidget: (callId: string) => Promise<void>;
  /** Makes the view of a call anew, once the one that is shown has said goodbye. */
  readonly reloadWidget: (callId: string, resourceUri: string) => Promise<void>;
  /** Makes a view of another template of the call's app, for a dialog. */
  readonly openTemplate: (callId: string, resourceUri: string) => Answer<WidgetView>;
}

export interface WidgetCaller {
  readonly connectorId: string;
  readonly widgetId: string;
  /** The call whose card shows the widget. */
  readonly callId: string;
  /** The host that is acted out for the view, which may be another than the one that was chosen a moment ago. */
  readonly profile: HostProfile;
}

export interface ConsoleOptions {
  readonly store: Store;
  readonly conversation: ConversationId;
  readonly api: HostApi;
  readonly signIn: SignIn;
  readonly open: OpenViews;
  readonly now: () => number;
  readonly newId: () => string;
  readonly storage: { getItem(key: string): string | null; setItem(key: string, value: string): void };
}

const savedKey = "countersign.conversation";

/** Wires the parts of the console together. */
export function createConsole(options: ConsoleOptions): Console {
  const { store, api, signIn } = options;
  store.subscribe(() => signIn.settle());
  keepConversation(options);
  const untilEnded = followCalls(store);
  const talk = createTalk(options);
  return {
    start: async () => {
      await readSession(options);
      if (store.get().phase === "ready") await restore(options, talk);
    },
    refresh: () => refresh(options, talk),
    onEvent: (name, json) => (name === "chat" ? talk.hear(json) : hear(options, name, json)),
    callTool: async (connectorId, tool, args) => {
      const started = await startCall(options, { connectorId, tool: tool.name, arguments: args });
      return started.ok ? undefined : started.error;
    },
    callFromWidget: async (widget, name, args, signal) => {
      const started = await startCall(options, { connectorId: widget.connectorId, tool: name, arguments: args, widget });
      if (!started.ok) return unstartedCall(widget, name, started.error);
      return whileWanted(signal, () => void api.cancelCall(started.value.id), untilEnded(started.value.id));
    },
    chooseProfile: (profile) => chooseProfile(options, profile),
    loadTools: (connectorId) => loadTools(options, connectorId),
    loadTrace: (callId) => loadTrace(options, callId),
    noteLadder: (callId, step) => noteLadder(options, callId, step),
    loadWidget: (callId, resourceUri) => loadWidget(options, callId, resourceUri),
    say: talk.say,
    sayAgain: talk.sayAgain,
    stopAnswer: talk.stop,
    sayFromApp: talk.sayFromApp,
    setAppContext: talk.setAppContext,
    clear: async () => {
      if (store.get().answering === "here") await talk.stop();
      await options.open.teardown();
      talk.forgetContexts();
      options.conversation.renew();
      store.dispatch({ type: "cleared" });
      await talk.catchUp();
    },
    closeWidget: async (callId) => {
      await sayGoodbye(options, callId);
      store.dispatch({ type: "widget", callId, widget: { state: "unloaded" } });
    },
    reloadWidget: async (callId, resourceUri) => {
      await sayGoodbye(options, callId);
      await loadWidget(options, callId, resourceUri);
    },
    openTemplate: async (callId, resourceUri) => {
      const connectorId = store.get().calls[callId]?.connectorId ?? "";
      return api.createWidget({ connectorId, resourceUri, callId });
    },
  };
}

/** Waits for an end, and asks for it when nobody wants to wait any more. */
function whileWanted<T>(signal: AbortSignal | undefined, cancel: () => void, end: Promise<T>): Promise<T> {
  if (signal?.aborted === true) cancel();
  else signal?.addEventListener("abort", cancel, { once: true });
  return end.finally(() => signal?.removeEventListener("abort", cancel));
}

/** Takes one event of the stream, and does what follows from it. */
function hear(options: ConsoleOptions, name: string, json: unknown): void {
  const { store } = options;
  const before = store.get().connectors;
  applyEvent(store, name, json);
  // Another token may have other tools; those that are shown stay until the new list is there.
  for (const { id, status } of store.get().connectors) {
    const was = before.find((known) => known.id === id)?.status;
    if (status === "connected" && was !== undefined && was !== "connected") void loadTools(options, id);
  }
  // What changed about a tool is told with the list.
  const call = name === "call" ? readCall(json) : undefined;
  if (call?.error?.code === "tool_changed") void loadTools(options, call.connectorId);
}

/** Gives a promise for the end of any call, as the store learns of it. */
function followCalls(store: Store): (callId: string) => Promise<Call> {
  const waiters = new Map<string, ((call: Call) => void)[]>();
  store.subscribe(() => {
    for (const [callId, resolves] of waiters) {
      const call = store.get().calls[callId];
      if (call === undefined || !isCallEnded(call)) continue;
      waiters.delete(callId);
      for (const resolve of resolves) resolve(call);
    }
  });
  return (callId) =>
    new Promise((resolve) => {
      const call = store.get().calls[callId];
      if (call !== undefined && isCallEnded(call)) resolve(call);
      else waiters.set(callId, [...(waiters.get(callId) ?? []), resolve]);
    });
}

/** The window, if one is needed, is reserved before the first await: the click is still the browser's reason to allow it. */
async function startCall(options: ConsoleOptions, request: CallStart): Answer<Call> {
  const { store, api, signIn } = options;
  const window = signIn.reserve(predict(options, request), request.connectorId);
  const { widget } = request;
  const answer = await api.startCall({
    connectorId: request.connectorId,
    tool: request.tool,
    arguments: request.arguments,
    origin: widget === undefined ? "user" : "widget",
    idempotencyKey: options.newId(),
    conversationId: options.conversation.current(),
    ...(widget === undefined ? {} : { widgetId: widget.widgetId }),
  });
  if (!answer.ok) {
    window?.close();
    return answer;
  }
  const call = answer.value;
  if (window !== undefined) signIn.attach(call.id, window);
  const parent = widget === undefined ? {} : { parentCallId: widget.callId };
  store.dispatch({ type: "call_started", call: store.get().calls[call.id] ?? call, arguments: request.arguments, ...parent });
  return answer;
}

interface CallStart {
  readonly connectorId: string;
  readonly tool: string;
  readonly arguments: unknown;
  readonly widget?: WidgetCaller;
}

/** What the call will need, as far as this page can know; `undefined` when the tool is not known here. */
function predict({ store, now }: ConsoleOptions, request: CallStart): ProfileDecision | undefined {
  const { connectors, tools, profile } = store.get();
  const connector = connectors.find((known) => known.id === request.connectorId);
  const listed = tools[request.connectorId];
  const tool = listed?.state === "ready" ? listed.tools.find((known) => known.name === request.tool) : undefined;
  if (connector === undefined || tool === undefined) return undefined;
  const { widget } = request;
  return predictCall(widget?.profile ?? profile, tool, connector, widget === undefined ? "user" : "widget", now());
}

/** A call that the host refused before it got an id, as a widget sees it. */
function unstartedCall(widget: WidgetCaller, tool: string, problem: ApiProblem): Call {
  const error = { code: problem.code, message: problem.message, retryable: problem.retryable };
  const base = { connectorId: widget.connectorId, tool, origin: "widget", state: "failed", flow: undefined, result: undefined } as const;
  return { ...base, id: "", error, widgetId: widget.widgetId, createdAt: undefined, version: undefined };
}

/** An event that comes while the session is being read is newer than what that read brings. */
async function readSession({ store, api }: ConsoleOptions): Promise<void> {
  const { connectors: before, profile: profileBefore } = store.get();
  const answer = await api.session();
  if (!answer.ok) {
    store.dispatch({ type: "session_failed", message: answer.error.message });
    return;
  }
  const heard = new Map(store.get().connectors.flatMap((now) => (before.includes(now) ? [] : [[now.id, now]])));
  const connectors = answer.value.connectors.map((read) => heard.get(read.id) ?? read);
  const { profile: heardProfile } = store.get();
  const profile = heardProfile === profileBefore ? answer.value.profile : heardProfile;
  store.dispatch({ type: "session", session: { ...answer.value, connectors, profile } });
}

/** What an event tells meanwhile is this choice, or one that another page made after it: either is newer than the answer. */
async function chooseProfile({ store, api }: ConsoleOptions, profile: HostProfile): Answer<void> {
  const { profile: before } = store.get();
  const answer = await api.chooseProfile(profile);
  if (answer.ok && store.get().profile === before) store.dispatch({ type: "profile", profile });
  return answer;
}

async function loadTools({ store, api }: ConsoleOptions, connectorId: string): Promise<void> {
  if (store.get().tools[connectorId]?.state !== "ready") store.dispatch({ type: "tools", connectorId, tools: { state: "loading" } });
  const answer = await api.tools(connectorId);
  // Tools that wait for sign-in are still the connector's tools.
  if (!answer.ok && answer.error.code === "authorization_required" && store.get().tools[connectorId]?.state === "ready") return;
  const tools = answer.ok ? ({ state: "ready", tools: answer.value } as const) : ({ state: "failed", message: answer.error.message } as const);
  store.dispatch({ type: "tools", connectorId, tools });
}

async function sayGoodbye({ store, open }: ConsoleOptions, callId: string): Promise<void> {
  const widget = store.get().widgets[callId];
  if (widget?.state === "ready") await open.teardown([widget.view.id]);
}

async function loadTrace({ store, api }: ConsoleOptions, callId: string): Promise<void> {
  const answer = await api.trace(callId);
  if (!answer.ok) return;
  store.dispatch({ type: "trace", steps: answer.value.steps });
  store.dispatch({ type: "ladder_read", callId, notes: answer.value.ladder });
}

/** A view that talks without end is shown, but no longer kept: each note costs the host a write. */
function noteLadder({ store, api, now }: ConsoleOptions, shownId: string, step: LadderStep): void {
  const callId = cardIdOf(store.get().entries, shownId);
  const before = store.get().ladders[callId] ?? [];
  store.dispatch({ type: "ladder", callId, note: { ...step, at: now() } });
  if (before.length >= notesMax) return;
  void api.noteLadder(callId, step).then((answer) => {
    if (answer.ok) store.dispatch({ type: "ladder_read", callId, notes: answer.value });
  });
}

/** Asks for the widget's frame; the html comes with it or is read after. */
async function loadWidget({ store, api }: ConsoleOptions, callId: string, resourceUri: string): Promise<void> {
  const subject = subjectOf(store.get(), callId);
  if (subject === undefined || store.get().widgets[callId]?.state === "loading") return;
  store.dispatch({ type: "widget", callId, widget: { state: "loading" } });
  const created = await api.createWidget({ ...subject, resourceUri });
  const answer = created.ok && created.value.html === undefined ? await api.widget(created.value.id) : created;
  if (!created.ok || !answer.ok || answer.value.html === undefined) {
    const message = answer.ok ? "The app sent no view." : answer.error.message;
    store.dispatch({ type: "widget", callId, widget: { state: "failed", message } });
    return;
  }
  store.dispatch({
    type: "widget",
    callId,
    widget: { state: "ready", view: { ...created.value, ...answer.value, frameUrl: created.value.frameUrl } },
  });
}

/** Whose view a card shows. One that was made while its call was written stays known by what the call was written under, over a reload too. */
function subjectOf({ entries, calls }: ConsoleState, id: string): { readonly connectorId: string; readonly callId: string } | undefined {
  const entry = entries.find((each) => (each.kind === "draft" ? each.id === id : each.kind === "call" && each.callId === id));
  const connectorId = entry?.kind === "draft" ? entry.connectorId : calls[id]?.connectorId;
  return connectorId === undefined ? undefined : { connectorId, callId: entry?.kind === "call" ? (entry.draft ?? id) : id };
}

async function refresh(options: ConsoleOptions, talk: Talk): Promise<void> {
  const { store, api } = options;
  const first = store.get().phase !== "ready";
  await readSession(options);
  if (first && store.get().phase === "ready") await restore(options, talk);
  else await talk.catchUp();
  const { calls } = store.get();
  const pending = ownCallIds(store.get()).filter((id) => calls[id] !== undefined && !isCallEnded(calls[id]));
  for (const id of pending) {
    const answer = await api.call(id);
    const known = store.get().calls[id];
    if (answer.ok) store.dispatch({ type: "call", call: answer.value });
    else if (answer.error.code === "unknown_call" && known !== undefined && !isCallEnded(known))
      store.dispatch({ type: "call", call: forgotten(known, answer.error) });
  }
  await rereadFlows(options);
}

/** A call that the host no longer has: nothing will ever be heard of it again. */
function forgotten(call: Call, { code, message, retryable }: ApiProblem): Call {
  return { ...call, state: "failed", flow: undefined, error: { code, message, retryable } };
}

/** Brings back the conversation of this tab after a reload: the calls are read again, what no longer exists is left out. */
async function restore({ store, api, storage }: ConsoleOptions, talk: Talk): Promise<void> {
  const saved = readSaved(storage.getItem(savedKey));
  for (const entry of saved.entries) {
    if (entry.kind === "said") store.dispatch({ type: "said", entry });
    else if (entry.kind === "call") await restoreCall(store, api, entry, saved);
  }
  await talk.catchUp();
}

async function restoreCall(store: Store, api: HostApi, entry: Extract<Entry, { kind: "call" }>, saved: SavedConversation): Promise<void> {
  const { callId, arguments: args, draft } = entry;
  const answer = await api.call(callId);
  if (!answer.ok) return;
  store.dispatch({ type: "call_started", call: answer.value, arguments: args, ...(draft === undefined ? {} : { draft }) });
  for (const childId of saved.childCalls[callId] ?? []) {
    const child = await api.call(childId);
    if (child.ok) store.dispatch({ type: "call_started", call: child.value, arguments: undefined, parentCallId: callId });
  }
}

/** Tells a conversation with another entry or call from one whose words have grown: those the host has while they are written. */
function shapeOf({ entries, childCalls }: ConsoleState): string {
  const children = Object.values(childCalls).reduce((sum, calls) => sum + calls.length, 0);
  return `${entries.length} ${entries.filter((entry) => entry.kind === "call").length} ${children}`;
}

function keepConversation({ store, storage }: ConsoleOptions): void {
  let kept = store.get();
  store.subscribe(() => {
    const state = store.get();
    const grown = state.answering === "here" && shapeOf(state) === shapeOf(kept);
    if (grown || (state.entries === kept.entries && state.childCalls === kept.childCalls)) return;
    kept = state;
    try {
      storage.setItem(savedKey, saveOf(state));
    } catch {
      // The browser keeps nothing more: the conversation goes on and is gone after a reload.
    }
  });
}

function applyEvent(store: Store, name: string, json: unknown): void {
  if (name === "call") {
    const call = readCall(json);
    if (call !== undefined) store.dispatch({ type: "call", call });
  } else if (name === "flow") {
    const flow = readFlow(json);
    if (flow !== undefined) store.dispatch({ type: "flow", flow });
  } else if (name === "connector") {
    const connector = readConnector(json);
    if (connector !== undefined) store.dispatch({ type: "connector", connector });
  } else if (name === "trace") {
    const step = readTraceStep(json);
    if (step !== undefined) store.dispatch({ type: "trace", steps: [step] });
  } else if (name === "progress") {
    const [callId, progress] = [readText(member(json, "callId")), readProgress(json)];
    if (callId !== undefined && progress !== undefined) store.dispatch({ type: "progress", callId, progress });
  } else if (name === "settings") {
    const profile = readChosenProfile(json);
    if (profile !== undefined) store.dispatch({ type: "profile", profile });
  }
}
