import { approvalMeta, isApprovalHandle } from "@countersign/protocol/approval-answer";
import type { BrowserUrl, EpochMs } from "@countersign/protocol/brand";
import { err, ok, type Result } from "@countersign/protocol/result";
import { member } from "@countersign/protocol/shape";
import { refused, type ToolApproval, type ToolResult } from "../answer.ts";
import type { AskedApproval, Caller } from "../context.ts";
import { type ApprovalAsk, type AskRefusal, judgeState } from "../policy/judge-ask.ts";
import { carriedArgs, digestOfArgs, openAsk, sealAsk } from "./approval-ask.ts";
import { type InputDemand, inputKey } from "./input-demand.ts";
import type { Payee } from "./payee.ts";

/** A call with which a client comes back from a demand (MCP 2026-07-28, multi-round-trip requests). All of it is the client's word. */
export interface Continuation {
  readonly state: unknown;
  readonly answers: unknown;
}

/** One call of one caller. `awaitTool`: where a view can wait for the outcome, if the server has such a tool. */
export interface AskingCall {
  readonly awaitTool: string | undefined;
  readonly tool: string;
  readonly args: unknown;
  readonly caller: Caller;
}

/** A demand that the user can still answer. */
export type OpenApproval = ToolApproval & { readonly link: BrowserUrl };

/** A continuation that belongs to its call. */
export interface Returned {
  readonly asked: AskedApproval;
  readonly round: number;
  /** False when the user did not want to go to the address. */
  readonly isWilling: boolean;
}

/** How long the result can be fetched after nobody can approve any more: a mandate lives as long. */
const handleGraceMs = 900_000;
const stateGraceMs = 60_000;
const waitSeconds = 20;
/** The user is shown the address again each so many rounds; in between the client just comes back. */
const roundsPerQuestion = 4;

/** Makes what a view or a person needs to approve elsewhere: a result that is no success yet, with the address for people and the handle for the view. */
export function linkResult(payee: Payee, call: AskingCall, approval: OpenApproval): ToolResult {
  const { link, expiresAt, why } = approval;
  const until = new Date(expiresAt).toISOString().slice(11, 16);
  const text = `${why} Ask the user to open this address, here or on another device, before ${until} UTC: ${link} Nothing is charged before that. Afterwards call ${call.tool} again with the same arguments.`;
  return { ...refused({ code: "payment_pending" }), content: [{ type: "text", text }], ...handleMeta(payee, call, approval) };
}

/** The `_meta` by which a view waits; nothing where the server has no tool to wait with. */
export function handleMeta(payee: Payee, call: AskingCall, approval: OpenApproval): Pick<ToolResult, "_meta"> {
  const { link, expiresAt } = approval;
  const { awaitTool } = call;
  if (awaitTool === undefined) return {};
  const asked = { ...askOf(payee, call, approval, expiresAt + handleGraceMs, 0), use: "handle" } as const;
  const whole = sealAsk(payee, { ...asked, args: carriedArgs(call.args) });
  // Sealed text has a length of its own. Without the arguments it still tells how the user decided.
  const handle = isApprovalHandle(whole) ? whole : sealAsk(payee, { ...asked, args: null });
  return { _meta: approvalMeta({ link, handle, expiresAt, awaitTool }) };
}

/** Makes the demand for a client that shows addresses. `round`: how often this call came back from one. */
export function inputDemand(payee: Payee, call: AskingCall & Pick<InputDemand, "era">, approval: OpenApproval, round: number): InputDemand {
  const { link, expiresAt, why } = approval;
  const asked = askOf(payee, call, approval, expiresAt + stateGraceMs, round);
  const state = sealAsk(payee, { ...asked, use: "state", argsDigest: digestOfArgs(call.args) });
  return { era: call.era, id: asked.id, message: why, link: round % roundsPerQuestion === 0 ? link : undefined, state };
}

/** Takes a continuation: once, and only with the call, and from the caller, that it was given to. Whatever is wrong, nothing has happened. */
export async function takeBack(payee: Payee, call: AskingCall, continuation: Continuation): Promise<Result<Returned, AskRefusal>> {
  const ask = openAsk(payee, continuation.state, "state");
  if (ask === undefined) return err("unreadable");
  const { tool, args, caller } = call;
  const verdict = judgeState(ask, { tool, argsDigest: digestOfArgs(args), subject: caller.subject ?? null, now: payee.now() });
  if (verdict !== "good") return err(verdict);
  if (!(await payee.approvals.spend(ask.id, ask.expiresAt))) return err("spent");
  const answer = member(continuation.answers, inputKey);
  return ok({ asked: askedOf(ask), round: ask.round + 1, isWilling: answer === undefined || member(answer, "action") === "accept" });
}

/** What an opened ask proves to a tool. */
export function askedOf(ask: ApprovalAsk): AskedApproval {
  return { requestId: ask.requestId, payer: ask.isPayer ? (ask.subject ?? undefined) : undefined, waitSeconds };
}

type Asked = Pick<ApprovalAsk, "id" | "requestId" | "tool" | "subject" | "isPayer" | "round" | "expiresAt">;

function askOf(payee: Payee, { tool, caller }: AskingCall, approval: ToolApproval, expiresAt: EpochMs, round: number): Asked {
  const subject = caller.subject ?? null;
  const isPayer = subject !== null && caller.issuer === payee.issuer;
  return { id: payee.newId(), requestId: approval.requestId, tool, subject, isPayer, round, expiresAt };
}
