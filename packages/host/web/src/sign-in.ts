import type { CallDecision } from "@countersign/protocol/security";
import { decideAtFlow, decideAtStart } from "./popup-decision.ts";
import { ownCallIds } from "./state.ts";
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
  readonly origin: string;
}

export interface SignIn {
  /** Call inside the click: a window for a call that is about to start, when its tool will need sign-in. */
  readonly reserve: (decision: CallDecision | undefined, connectorId: string) => SignInWindow | undefined;
  /** The started call takes over its reserved window. */
  readonly attach: (callId: string, window: SignInWindow) => void;
  /** Opens (again) the window of a flow; call it inside a click. False: the browser gave no window. */
  readonly openAgain: (flowId: string) => boolean;
  readonly cancel: (flowId: string) => void;
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

/** Runs the windows of all flows of this page. A window's closing is never a signal: only what the server says about a flow counts. */
export function createSignIn(options: SignInOptions): SignIn {
  const { store } = options;
  const reserved = new Map<string, SignInWindow>();
  const windows = new Map<string, SignInWindow>();
  const decided = new Set<string>();
  const openedAt = new Map<string, number>();
  const cancelledAt = new Map<string, number>();

  /** What the decision needs to know of a connector now. A window counts as open only while its flow runs. */
  const facts = (connectorId: string): { activated: boolean; nowMs: number; openedAtMs: number | undefined; cancelledAtMs: number | undefined } => {
    const { flows, windows: shown } = store.get();
    const running = Object.values(flows).some((flow) => flow.connectorId === connectorId && isFlowOpen(flow) && shown[flow.id] === "opened");
    const openedAtMs = running || reserved.size > 0 ? openedAt.get(connectorId) : undefined;
    return { activated: options.isActivated(), nowMs: options.now(), openedAtMs, cancelledAtMs: cancelledAt.get(connectorId) };
  };

  const openFlow = (flow: Flow, window: SignInWindow | undefined): boolean => {
    const url = startUrlOf(flow, options.origin);
    if (window === undefined || url === undefined) {
      window?.close();
      store.dispatch({ type: "window", flowId: flow.id, window: "needed" });
      return false;
    }
    windows.get(flow.id)?.close();
    windows.set(flow.id, window);
    openedAt.set(flow.connectorId, options.now());
    window.navigate(url);
    store.dispatch({ type: "window", flowId: flow.id, window: "opened" });
    return true;
  };

  const settleCall = (call: Call): void => {
    const held = reserved.get(call.id);
    if (isCallEnded(call)) {
      held?.close();
      reserved.delete(call.id);
      return;
    }
    const flow = call.flow === undefined ? undefined : store.get().flows[call.flow.id];
    if (flow === undefined || !isFlowOpen(flow) || decided.has(`${call.id} ${flow.id}`)) return;
    decided.add(`${call.id} ${flow.id}`);
    reserved.delete(call.id);
    const verdict = decideAtFlow({ ...facts(flow.connectorId), reserved: held !== undefined });
    if (verdict === "navigate") openFlow(flow, held);
    if (verdict === "open") openFlow(flow, options.openWindow());
    if (verdict === "card") store.dispatch({ type: "window", flowId: flow.id, window: "needed" });
  };

  return {
    reserve: (decision, connectorId) => {
      if (decision === undefined || decideAtStart({ ...facts(connectorId), decision }) === "wait") return undefined;
      openedAt.set(connectorId, options.now());
      return options.openWindow();
    },
    attach: (callId, window) => void reserved.set(callId, window),
    openAgain: (flowId) => {
      const flow = store.get().flows[flowId];
      return flow !== undefined && openFlow(flow, options.openWindow());
    },
    cancel: (flowId) => {
      const flow = store.get().flows[flowId];
      if (flow !== undefined) cancelledAt.set(flow.connectorId, options.now());
      windows.get(flowId)?.close();
      void options.cancelFlow(flowId);
    },
    settle: () => {
      const { calls, flows } = store.get();
      for (const id of ownCallIds(store.get())) {
        const call = calls[id];
        if (call !== undefined) settleCall(call);
      }
      for (const [flowId, window] of windows) {
        const flow = flows[flowId];
        if (flow !== undefined && isFlowOpen(flow)) continue;
        window.close();
        windows.delete(flowId);
      }
    },
  };
}
