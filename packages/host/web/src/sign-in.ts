import type { ProfileDecision } from "@countersign/protocol/profile-call";
import type { Answer, ApiProblem } from "./api.ts";
import { decideAtFlow, decideAtStart, type StartFacts } from "./popup-decision.ts";
import { openFlows, ownCallIds } from "./state.ts";
import type { Store } from "./store.ts";
import { type Call, type Flow, isCallEnded, isFlowOpen } from "./wire.ts";

/** A window of ours. It may be gone or beyond reach at any time: nothing is ever read from it. */
export interface SignInWindow {
  readonly navigate: (url: string) => void;
  readonly close: () => void;
}

export interface SignInOptions {
  readonly store: Store;
  /** Opens the inert waiting page; `undefined` when the browser did not give a window. */
  readonly openWindow: () => SignInWindow | undefined;
  readonly isActivated: () => boolean;
  readonly now: () => number;
  readonly cancelFlow: (flowId: string) => Promise<unknown>;
  readonly startDevice: (flowId: string) => Answer<Flow>;
  readonly beginConnectorFlow: (connectorId: string) => Answer<Flow>;
  readonly origin: string;
}

export interface SignIn {
  /** Call inside the click: a window for a call that is about to start, when its tool will need sign-in. */
  readonly reserve: (decision: ProfileDecision | undefined, connectorId: string) => SignInWindow | undefined;
  /** The started call takes over its reserved window. */
  readonly attach: (callId: string, window: SignInWindow) => void;
  /** Signs in to a connector itself; call it inside the click. The window opens at once and is sent to the flow when there is one. */
  readonly signInConnector: (connectorId: string) => Promise<ApiProblem | undefined>;
  /** Opens (again) the window of a flow; call it inside a click. False: the browser gave no window. */
  readonly openAgain: (flowId: string) => boolean;
  readonly cancel: (flowId: string) => void;
  /** Goes on on another device, because the user chose to (D09). Gives the problem when the server does not let them. */
  readonly useDevice: (flowId: string) => Promise<ApiProblem | undefined>;
  /** Shows the way by a window again. The code stays good: whichever way ends first counts. */
  readonly leaveDevice: (flowId: string) => void;
  /** Acts on what has changed in the store. */
  readonly settle: () => void;
}

/** The address that starts a flow, when it is one of ours: a path below `/flows/` of this origin. */
export function startUrlOf(flow: Flow, origin: string): string | undefined {
  const path = flow.startUrl ?? `/flows/${encodeURIComponent(flow.id)}/start`;
  if (!URL.canParse(path, origin)) return undefined;
  const url = new URL(path, origin);
  return url.origin === origin && url.pathname.startsWith("/flows/") ? url.href : undefined;
}

/** The windows that were sent to a flow, and when a connector's last one was opened. */
interface FlowWindows {
  /** Sends a window to its flow. False: there is no window, so the user must open one by a click. */
  readonly send: (flow: Flow, window: SignInWindow | undefined) => boolean;
  readonly close: (flowId: string) => void;
  /** Closes the windows of flows that are over, or that no call of this page waits for any more. */
  readonly closeEnded: () => void;
  readonly note: (connectorId: string) => void;
  /** Counts only while a flow of the connector runs or a window waits for one. */
  readonly openedAtMs: (connectorId: string, reserved: boolean) => number | undefined;
  /** When the window that this very flow has was opened. Another flow's says nothing: the page may not have heard yet that it has ended. */
  readonly flowOpenedAtMs: (flowId: string) => number | undefined;
}

function createFlowWindows({ store, now, origin }: SignInOptions): FlowWindows {
  const windows = new Map<string, SignInWindow>();
  const openedAt = new Map<string, number>();
  const flowOpenedAt = new Map<string, number>();
  return {
    send: (flow, window) => {
      const url = startUrlOf(flow, origin);
      if (window === undefined || url === undefined) {
        window?.close();
        store.dispatch({ type: "window", flowId: flow.id, window: "needed" });
        return false;
      }
      windows.get(flow.id)?.close();
      windows.set(flow.id, window);
      openedAt.set(flow.connectorId, now());
      flowOpenedAt.set(flow.id, now());
      window.navigate(url);
      store.dispatch({ type: "window", flowId: flow.id, window: "opened" });
      return true;
    },
    close: (flowId) => windows.get(flowId)?.close(),
    closeEnded: () => {
      const waited = new Set(openFlows(store.get()).map(({ flow }) => flow.id));
      for (const [flowId, window] of windows) {
        if (waited.has(flowId)) continue;
        window.close();
        windows.delete(flowId);
        flowOpenedAt.delete(flowId);
      }
    },
    note: (connectorId) => void openedAt.set(connectorId, now()),
    openedAtMs: (connectorId, reserved) => {
      const { flows, windows: shown } = store.get();
      const running = Object.values(flows).some((flow) => flow.connectorId === connectorId && isFlowOpen(flow) && shown[flow.id] === "opened");
      return running || reserved ? openedAt.get(connectorId) : undefined;
    },
    flowOpenedAtMs: (flowId) => (store.get().windows[flowId] === "opened" ? flowOpenedAt.get(flowId) : undefined),
  };
}

/** The window is opened before the first await: the click is still the browser's reason to allow it. */
async function signInConnector(options: SignInOptions, windows: FlowWindows, connectorId: string): Promise<ApiProblem | undefined> {
  const window = options.openWindow();
  windows.note(connectorId);
  const begun = await options.beginConnectorFlow(connectorId);
  if (!begun.ok) {
    window?.close();
    return begun.error;
  }
  options.store.dispatch({ type: "connector_flow", flow: begun.value });
  windows.send(begun.value, window);
  return undefined;
}

/** What this page did and was told so far. */
interface Past {
  /** By call: a window that waits for the call's flow. */
  readonly reserved: Map<string, SignInWindow>;
  /** By connector. */
  readonly cancelledAt: Map<string, number>;
  readonly facts: (connectorId: string) => Omit<StartFacts, "decision">;
}

function createPast(options: SignInOptions, windows: FlowWindows): Past {
  const reserved = new Map<string, SignInWindow>();
  const cancelledAt = new Map<string, number>();
  const facts = (connectorId: string): Omit<StartFacts, "decision"> => ({
    activated: options.isActivated(),
    nowMs: options.now(),
    openedAtMs: windows.openedAtMs(connectorId, reserved.size > 0),
    cancelledAtMs: cancelledAt.get(connectorId),
  });
  return { reserved, cancelledAt, facts };
}

/** Gives each call's flow its window or its card, once. */
function createSettleCall({ store, openWindow }: SignInOptions, windows: FlowWindows, { reserved, facts }: Past): (call: Call) => void {
  const decided = new Set<string>();
  const left = new Set<string>();
  return (call) => {
    const held = reserved.get(call.id);
    if (isCallEnded(call)) {
      held?.close();
      reserved.delete(call.id);
      return;
    }
    const flow = call.flow === undefined ? undefined : store.get().flows[call.flow.id];
    const key = `${call.id} ${flow?.id}`;
    if (flow === undefined || !isFlowOpen(flow) || decided.has(key)) return;
    reserved.delete(call.id);
    const { activated, ...known } = facts(flow.connectorId);
    const verdict = decideAtFlow({
      ...known,
      // The click is over for a call that waited for another's window.
      activated: activated && !left.has(key),
      openedAtMs: windows.flowOpenedAtMs(flow.id) ?? (reserved.size > 0 ? known.openedAtMs : undefined),
      reserved: held !== undefined,
      // A user's own click on a tool is wanted, however soon after a refusal; anybody else's call is not.
      quiet: call.quiet === true && call.origin !== "user",
    });
    if (verdict === "leave" && windows.flowOpenedAtMs(flow.id) === undefined) return void left.add(key);
    decided.add(key);
    if (verdict !== "navigate") held?.close();
    if (verdict === "navigate") windows.send(flow, held);
    if (verdict === "open") windows.send(flow, openWindow());
    if (verdict === "card") store.dispatch({ type: "window", flowId: flow.id, window: "needed" });
  };
}

/** Runs the windows of all flows of this page. A window's closing is never a signal: only what the server says about a flow counts. */
export function createSignIn(options: SignInOptions): SignIn {
  const { store } = options;
  const windows = createFlowWindows(options);
  const past = createPast(options, windows);
  const { reserved, cancelledAt, facts } = past;
  const settleCall = createSettleCall(options, windows, past);

  return {
    reserve: (decision, connectorId) => {
      if (decision === undefined || decideAtStart({ ...facts(connectorId), decision }) === "wait") return undefined;
      windows.note(connectorId);
      return options.openWindow();
    },
    attach: (callId, window) => void reserved.set(callId, window),
    signInConnector: (connectorId) => signInConnector(options, windows, connectorId),
    openAgain: (flowId) => {
      const flow = store.get().flows[flowId];
      return flow !== undefined && windows.send(flow, options.openWindow());
    },
    cancel: (flowId) => {
      const flow = store.get().flows[flowId];
      if (flow !== undefined) cancelledAt.set(flow.connectorId, options.now());
      windows.close(flowId);
      void options.cancelFlow(flowId);
    },
    useDevice: async (flowId) => {
      const started = await options.startDevice(flowId);
      if (!started.ok) return started.error;
      windows.close(flowId);
      store.dispatch({ type: "flow", flow: started.value });
      store.dispatch({ type: "window", flowId, window: "device" });
      return undefined;
    },
    leaveDevice: (flowId) => store.dispatch({ type: "window", flowId, window: "needed" }),
    settle: () => {
      for (const id of ownCallIds(store.get())) {
        const call = store.get().calls[id];
        if (call !== undefined) settleCall(call);
      }
      windows.closeEnded();
    },
  };
}
