import { type ApprovalState, awaitApprovalTool } from "@countersign/protocol/approval-answer";
import { refuse } from "@countersign/protocol/errors";
import type { PaymentRequestStatus } from "@countersign/protocol/payment";
import { z } from "zod";
import { answer, refused, type ToolAnswer, type ToolResult } from "../answer.ts";
import { anonymous } from "../auth.ts";
import { createToolContext, type ToolContext } from "../context.ts";
import { createHeldWaits } from "../held-waits.ts";
import type { ApprovalAsk } from "../policy/judge-ask.ts";
import type { Report } from "../report.ts";
import { prepareTool, type Tool } from "../tool.ts";
import { openAsk } from "./approval-ask.ts";
import { askedOf } from "./approval-desk.ts";
import type { Payee } from "./payee.ts";

interface AwaitOptions {
  readonly payee: Payee;
  readonly toolOf: (name: string) => Tool | undefined;
  readonly report: Report;
  /** Aborted when the server begins to stop: what is not decided then is pending. */
  readonly stopping: AbortSignal | undefined;
}

type HandleAsk = ApprovalAsk & { readonly use: "handle" };

const states: Readonly<Record<PaymentRequestStatus, ApprovalState>> = {
  created: "pending",
  approved: "approved",
  redeemed: "approved",
  denied: "denied",
  revoked: "denied",
  voided: "denied",
  canceled: "denied",
  expired: "expired",
};

const texts: Readonly<Record<ApprovalState, string>> = {
  pending: "The user has not decided yet.",
  approved: "The user approved the payment.",
  denied: "The payment was not approved.",
  expired: "The time to approve this payment is over.",
};

/** The tool of an app that takes payments; no tool without a payee. */
export function openAwaitTool(payee: Payee | undefined, options: Omit<AwaitOptions, "payee">): ReadonlyMap<string, Tool> {
  return new Map(payee === undefined ? [] : [[awaitApprovalTool, createAwaitTool({ ...options, payee })]]);
}

/**
 * Makes the tool by which a view waits for an approval: anonymous, for views only, and good for nothing without a handle, which only the view of the call that
 * was asked for the approval got. Once the payment is approved its answer is that call's own, made again with the handle as the proof of who asks, beside `state`.
 */
function createAwaitTool(options: AwaitOptions): Tool {
  const { payee, report } = options;
  const stopping = options.stopping ?? new AbortController().signal;
  const waits = createHeldWaits();
  const wait = async (given: string, ctx: ToolContext): Promise<ToolAnswer> => {
    const ask = openAsk(payee, given, "handle");
    if (ask === undefined || payee.now() >= ask.expiresAt) {
      report({ event: "approval_refused", tool: awaitApprovalTool, reason: ask === undefined ? "unreadable" : "expired" });
      return refused(refuse("not_found"));
    }
    // By the payment and not by the handle: each call that asks for it gives another one.
    const leave = waits.enter(ask.requestId);
    if (leave === undefined) return refused(refuse("rate_limited"));
    const request = await payee.read(ask.requestId, askedOf(ask).waitSeconds, AbortSignal.any([ctx.signal, stopping])).finally(leave);
    if (!request.ok) return stopping.aborted ? answer({ state: "pending" }, texts.pending) : refused(request.error);
    const state = states[request.value.status];
    return state === "approved" ? await repeat(options, ask, ctx) : answer({ state }, texts[state]);
  };
  return prepareTool(
    awaitApprovalTool,
    {
      title: "Wait for an approval",
      description: "Waits until the user has decided about a payment that this app's view asked for.",
      input: z.object({ handle: z.string().max(2048).describe("The handle that the view got with the demand for approval") }),
      auth: anonymous(),
      visibility: ["app"],
      annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
    },
    anonymous(),
    undefined,
    ({ handle }, ctx) => wait(handle, ctx),
  );
}

/**
 * Makes the call again, as the guest that everybody is who has no token. A tool that demands a token is not run: its view calls it again with the one that its
 * host holds.
 */
async function repeat(options: AwaitOptions, ask: HandleAsk, ctx: ToolContext): Promise<ToolResult> {
  const told = answer({ state: "approved" }, texts.approved);
  const tool = options.toolOf(ask.tool);
  if (tool === undefined || tool.auth.mode === "required" || ask.args === null) return told;
  const guest = { subject: undefined, clientId: undefined, scope: new Set<string>(), issuer: undefined };
  const again = createToolContext(ask.tool, guest, undefined, () => ctx.signal, options.payee, askedOf(ask));
  const result = await tool.run(ask.args, again);
  // It asks once more: what is approved is not this call's any longer.
  if (result.kind !== "result") return told;
  return result.isError ? result : { ...result, structuredContent: { ...result.structuredContent, state: "approved" } };
}
