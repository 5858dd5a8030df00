import { type AppCapability, type DisplayMode, hostViews } from "@countersign/protocol/host-profile-view";
import type { AuthorizationNow, OpenAiGlobals } from "./bridge/globals.ts";
import { heightMax } from "./bridge/size.ts";
import type { ConsoleState } from "./state.ts";
import { isWriting } from "./written-call.ts";
import { type Call, type CallResult, type Flow, isCallEnded, isFlowOpen, type WidgetView } from "./wire.ts";

/** What a view is shown with. */
export interface ShownView {
  readonly call: Call;
  readonly args: unknown;
  readonly view: WidgetView;
  readonly mode: DisplayMode | "modal";
  /** What the view that asked for the modal passed to it. */
  readonly modalParams?: unknown;
}

export interface GlobalFacts {
  readonly shown: ShownView;
  readonly state: ConsoleState;
  readonly widgetState: unknown;
  readonly theme: "light" | "dark";
  readonly locale: string;
  readonly touch: boolean;
  /** Height of the place that a mode other than inline gives, in pixels. */
  readonly placeHeight: number;
}

/** The globals of a view, from what the console knows at this moment. */
export function globalsOf({ shown, state, widgetState, theme, locale, touch, placeHeight }: GlobalFacts): OpenAiGlobals {
  const { call, args, view, mode, modalParams } = shown;
  const displayMode = mode === "modal" ? "inline" : mode;
  const has = (capability: AppCapability): boolean => hostViews[view.profile].capabilities.value.includes(capability);
  return {
    // What a view is given as its input is whole; `tool-input-partial` is of MCP Apps alone.
    toolInput: isWriting(call) ? {} : (args ?? {}),
    toolOutput: call.result?.structuredContent ?? null,
    toolResponseMetadata: call.result === undefined ? null : metadataOf(call.result),
    widgetState,
    theme,
    displayMode,
    locale,
    maxHeight: mode === "inline" ? heightMax : placeHeight,
    // The host keeps frames inside the safe area, so nothing of a view is ever covered.
    safeArea: { insets: { top: 0, right: 0, bottom: 0, left: 0 } },
    userAgent: { device: { type: touch ? "mobile" : "desktop" }, capabilities: { hover: !touch, touch } },
    view: mode === "modal" ? { mode, params: modalParams ?? null } : { mode },
    ...(has("countersign/authorization") ? { "countersign/authorization": authorizationOf(state, call, view) } : {}),
    "countersign/openAuthPopup": view.linkDomains.length > 0 && has("countersign/open-auth-popup"),
  };
}

/** The result's `_meta`, and the whole result beside it as reference hosts give it. */
function metadataOf(result: CallResult): unknown {
  const { content, structuredContent, isError, raw } = result;
  const status = isError ? "failed" : "completed";
  return { ...result.meta, status, call_tool_result: { content, structuredContent: structuredContent ?? null, isError }, mcp_tool_result: raw };
}

/** Where sign-in stands for the view's app, from the connector, its flows, and the calls of this view. */
export function authorizationOf(state: ConsoleState, call: Call, view: Pick<WidgetView, "id">): AuthorizationNow {
  const { connectorId } = call;
  const flows = Object.values(state.flows).filter((flow) => flow.connectorId === connectorId);
  const held = state.connectors.find((connector) => connector.id === connectorId)?.token;
  const connection = held !== undefined ? "signed_in" : flows.some(isFlowOpen) ? "signing_in" : "signed_out";
  const own = Object.values(state.calls).filter((known) => known.widgetId === view.id || known.id === call.id);
  const waiting = own.find((known) => known.flow !== undefined && !isCallEnded(known));
  if (waiting?.flow !== undefined) {
    const step = state.windows[waiting.flow.id] === "opened" || state.windows[waiting.flow.id] === "device" ? "pending" : "required";
    const { expiresAt } = waiting.flow;
    return { connection, state: step, callId: waiting.id, tool: waiting.tool, ...(expiresAt === undefined ? {} : { expiresAt }) };
  }
  const last = own.flatMap((known) => known.flow ?? []).at(-1);
  return { connection, state: last === undefined ? "idle" : endOf(state.flows[last.id] ?? last) };
}

function endOf(flow: Flow): AuthorizationNow["state"] {
  if (flow.state === "granted") return "granted";
  if (flow.state === "expired") return "expired";
  return flow.state === "denied" || flow.state === "cancelled" || flow.state === "failed" ? "denied" : "idle";
}
