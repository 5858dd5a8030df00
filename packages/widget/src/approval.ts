import {
  type ApprovalAnswer,
  type ApprovalState,
  awaitApprovalArgument,
  readApprovalAnswer,
  readApprovalState,
} from "@countersign/protocol/approval-answer";
import { askTool } from "./ask-tool.ts";
import type { AuthorizationDesk } from "./authorization-desk.ts";
import type { HostBridge } from "./bridge.ts";
import { type CallError, callError, toCallError } from "./call-error.ts";
import type { HeldCalls, WaitingCall } from "./held-calls.ts";
import { waitUntil } from "./wait-until.ts";
import type { JsonObject, ToolResult } from "./wire.ts";

export interface ApprovalOptions {
  readonly bridge: HostBridge;
  readonly held: HeldCalls;
  readonly desk: AuthorizationDesk;
  /** Tells the chat how it went. */
  readonly tell: (line: string) => void;
}

/** `not_found`: the handle is over, and the demand with it. */
const endings: Readonly<Record<string, { readonly state: "denied" | "expired"; readonly line: string }>> = {
  payment_denied: { state: "denied", line: "The user did not approve" },
  payment_request_expired: { state: "expired", line: "Nobody approved in time" },
  not_found: { state: "expired", line: "Nobody approved in time" },
};

const refusals: Readonly<Record<Exclude<ApprovalState, "pending" | "approved">, () => CallError>> = {
  denied: () => callError("payment_denied", "The payment was not approved.", true),
  expired: () => callError("payment_request_expired", "The time to approve this payment is over.", false),
};

/** The demand for approval in a tool's answer, or undefined. One that is malformed or unsafe to show is a `protocol_error` or `unsafe_url`. */
export function approvalIn(result: ToolResult | undefined): ApprovalAnswer | undefined {
  const read = readApprovalAnswer(result?._meta, Date.now());
  if (!read.ok) {
    throw callError(read.error.code, "The app's answer could not be used.", false);
  }
  return read.value;
}

/**
 * Shows the link until the user has decided. Gives the waiting tool's last answer once the payment is approved; throws a `CallError` when it was denied or
 * nobody approved in time. The call stays held, so a reloaded view goes on waiting for the same payment.
 */
export async function awaitApproval(call: WaitingCall, options: ApprovalOptions, signal: AbortSignal | undefined): Promise<ToolResult> {
  const { bridge, held, desk, tell } = options;
  const { tool, args, answer } = call;
  const { link, expiresAt } = answer;
  held.keepWaiting(call);
  const turn = desk.begin();
  turn.show({ state: "required", rung: "link", purpose: "approval", tool, link, expiresAt });
  try {
    const decided = await waitUntil(() => decisionOf(bridge, answer, signal), { expiresAt, signal });
    if (decided?.state !== "approved") {
      throw refusals[decided?.state ?? "expired"]();
    }
    held.dropWaiting(tool, args);
    turn.end({ state: "granted", rung: "link", tool });
    tell(`The user approved what ${tool} asked for.`);
    return decided.result;
  } catch (thrown) {
    const error = toCallError(thrown);
    const ending = endings[error.code];
    turn.end({ state: ending?.state ?? "idle", rung: "link", tool });
    if (ending !== undefined || (error.result !== undefined && !error.retryable)) {
      held.dropWaiting(tool, args);
    }
    if (ending !== undefined) {
      tell(`${ending.line} what ${tool} asked for.`);
    }
    throw error;
  }
}

interface Decision {
  readonly state: Exclude<ApprovalState, "pending">;
  readonly result: ToolResult;
}

async function decisionOf(bridge: HostBridge, answer: ApprovalAnswer, signal: AbortSignal | undefined): Promise<Decision | undefined> {
  const args: JsonObject = { [awaitApprovalArgument]: answer.handle };
  const result = await askTool(bridge, answer.awaitTool, args, signal);
  const state = readApprovalState(result.structuredContent);
  if (state === undefined) {
    throw callError("protocol_error", "The app's answer could not be understood.", false);
  }
  return state === "pending" ? undefined : { state, result };
}
