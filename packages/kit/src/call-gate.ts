import type { Issuer } from "@countersign/protocol/brand";
import { type BearerChallenge, resultChallengeMeta } from "@countersign/protocol/challenge";
import { errorCatalogue, type ErrorCode } from "@countersign/protocol/errors";
import { formatScope, paymentScope, unionScopes } from "@countersign/protocol/scope";
import { type ToolAnswer, type ToolApproval, type ToolResult, refused } from "./answer.ts";
import { type Caller, createToolContext } from "./context.ts";
import type { Bearer } from "./bearer/verify-token.ts";
import { type AskingCall, type Continuation, handleMeta, inputDemand, linkResult, takeBack } from "./payment/approval-desk.ts";
import type { InputDemand } from "./payment/input-demand.ts";
import type { Payee } from "./payment/payee.ts";
import { type ApprovalForm, chooseApproval, readClient } from "./policy/choose-approval.ts";
import type { ChallengeForm } from "./policy/choose-form.ts";
import { type BoundTokens, chooseScheme } from "./policy/choose-scheme.ts";
import { decideAccess } from "./policy/decide-access.ts";
import type { ScopeHierarchy } from "./policy/scope-hierarchy.ts";
import type { Report } from "./report.ts";
import type { Tool } from "./tool.ts";

/** A challenge that a tool raised and that must become the HTTP response. */
export interface RaisedChallenge {
  readonly status: 401 | 403;
  readonly code: ErrorCode;
  readonly challenge: BearerChallenge;
}

/** What the gate needs to know of a tool, whoever made it. */
export interface GatedTool extends Pick<Tool, "auth" | "run"> {
  readonly listing: Pick<Tool["listing"], "name">;
}

/** A tool's result. `input` takes its place where the answer is written for a client that shows addresses. */
export interface GatedResult extends ToolResult {
  readonly input?: InputDemand;
}

/** What holds for one HTTP request. It is made per request and reached by closure alone, so nothing crosses between callers. */
export interface CallGate {
  /**
   * Runs one tool for this request's caller. Decides access again, whatever decided it before.
   *
   * @param meta `params._meta`, as sent
   * @param signal gives the signal that the client went away; asked for only when the tool looks at it
   * @param continuation what the call comes back with, when it was asked for something before
   */
  call(tool: GatedTool, args: unknown, meta: unknown, signal: () => AbortSignal, continuation?: Continuation): Promise<GatedResult>;
  /** The challenge that replaces the HTTP response, once every tool of the request has answered. */
  raised(): RaisedChallenge | undefined;
}

export interface CallGateOptions {
  readonly bearer: Bearer;
  readonly form: ChallengeForm;
  readonly scopes: ScopeHierarchy;
  readonly resourceMetadata: string | undefined;
  /** Who issued the bearer's token, and every other that is accepted. */
  readonly issuer: Issuer | undefined;
  readonly boundTokens: BoundTokens | undefined;
  readonly payee: Payee | undefined;
  /** The tool by which a view waits for an approval, if there is one. */
  readonly awaitTool: string | undefined;
  /** How a demand for approval reaches the user; `auto` chooses by the client. */
  readonly approvalForm: "auto" | ApprovalForm;
  /** The client as HTTP names it. */
  readonly userAgent: string | null;
  readonly report: Report;
}

/** Builds the gate of one request. */
export function createCallGate(options: CallGateOptions): CallGate {
  const { bearer, report } = options;
  const caller = callerOf(options);
  let raised: RaisedChallenge | undefined;

  const demand = (tool: GatedTool, challenge: BearerChallenge): ToolResult => {
    const status = bearer.state === "valid" ? 403 : 401;
    const code = status === 403 ? "insufficient_scope" : "authorization_required";
    const event = { event: "challenged", tool: tool.listing.name, scope: formatScope(challenge.scope), form: options.form } as const;
    if (options.form === "result") {
      report({ ...event, status: 200 });
      return challengeResult(code, challenge);
    }
    report({ ...event, status });
    raised = { status, code, challenge };
    return refused({ code });
  };

  const challengeOf = (scope: BearerChallenge["scope"], why?: string) => bearerChallenge(scope, bearer, options, why);
  const demandMore = (tool: GatedTool, scope: BearerChallenge["scope"], why?: string): ToolResult => {
    if (options.resourceMetadata === undefined) throw new TypeError("a tool demands authorization, but the app has no issuer");
    return demand(tool, challengeOf(options.scopes.least(unionScopes(tool.auth.scope, scope)), why));
  };
  const approve = (tool: GatedTool, call: PayingCall, approval: ToolApproval): GatedResult => {
    const plan = planApproval(call, approval, options);
    if (plan.form !== "scope") report({ event: "approval_asked", tool: tool.listing.name, form: plan.form, request: approval.requestId });
    // A wallet has nothing to show for the scope of a payment that is approved; who signs in is known by their name.
    const scope = approval.isApproved ? [] : [paymentScope(approval.requestId)];
    const why = approval.isApproved ? approvedWhy : approval.why;
    if (plan.form === "scope") return withMeta(demandMore(tool, new Set(scope), why), plan.meta);
    return plan.result;
  };

  return {
    async call(tool, args, meta, signal, continuation) {
      const name = tool.listing.name;
      const decision = decideAccess({ kind: "tool", auth: tool.auth }, bearer);
      if (decision.action === "challenge") return demand(tool, challengeOf(decision.scope));
      if (decision.action !== "pass") return refused({ code: "unavailable" });
      const { payee } = options;
      const call = { tool: name, args, caller, meta, awaitTool: options.awaitTool };
      try {
        const returned = payee && continuation?.state !== undefined ? await takeBack(payee, call, continuation) : undefined;
        if (returned?.ok === false) {
          report({ event: "approval_refused", tool: name, reason: returned.error });
          return refused({ code: "answer_refused" });
        }
        if (returned?.value.isWilling === false) return refused({ code: "cancelled" });
        const answer: ToolAnswer = await tool.run(args, createToolContext(name, caller, meta, signal, payee, returned?.value.asked));
        if (answer.kind === "result") return answer;
        if (answer.kind === "challenge") return demandMore(tool, answer.scope, answer.why);
        if (payee === undefined) throw new TypeError("a tool demands an approval, but the app has no payee");
        return approve(tool, { ...call, payee, round: returned?.value.round ?? 0 }, answer);
      } catch (error) {
        report({ event: "tool_failed", tool: name, error });
        return refused({ code: "internal_error" });
      }
    },
    raised: () => raised,
  };
}

function callerOf({ bearer, issuer }: CallGateOptions): Caller {
  if (bearer.state !== "valid") return { subject: undefined, clientId: undefined, scope: new Set(), issuer: undefined };
  const { subject, clientId, scope } = bearer;
  return { subject, clientId, scope, issuer };
}

interface PayingCall extends AskingCall {
  readonly payee: Payee;
  readonly meta: unknown;
  readonly round: number;
}

type ApprovalPlan =
  /** `meta`: what a view waits by, where the challenge is a result and can carry it. */
  { readonly form: "scope"; readonly meta: ToolResult["_meta"] } | { readonly form: "elicitation" | "link"; readonly result: GatedResult };

const approvedWhy = "This payment is approved. Please sign in as the user who approved it.";

/** How the user is asked, and with what. An approval that somebody else gave leaves nothing to open: only a sign-in can show that this caller is the one. */
function planApproval(call: PayingCall, approval: ToolApproval, options: CallGateOptions): ApprovalPlan {
  const { payee, caller, round, meta } = call;
  const { link } = approval;
  const client = readClient(meta, options.userAgent);
  const form = chooseApproval({
    setting: options.approvalForm,
    ...client,
    isWalletIssuer: options.issuer === payee.issuer,
    isSignedIn: caller.subject !== undefined,
  });
  if (link === undefined) {
    const couldBeTheirs = options.issuer === payee.issuer && (caller.subject === undefined || !approval.isApproved);
    return couldBeTheirs ? { form: "scope", meta: undefined } : { form: "link", result: refused({ code: "claimed_elsewhere" }) };
  }
  const open = { ...approval, link };
  if (form === "scope") return { form, meta: options.form === "result" ? handleMeta(payee, call, open)._meta : undefined };
  const result = linkResult(payee, call, open);
  return { form, result: form === "link" ? result : { ...result, input: inputDemand(payee, { ...call, era: client.era }, open, round) } };
}

function withMeta(result: ToolResult, meta: ToolResult["_meta"]): ToolResult {
  return meta === undefined ? result : { ...result, _meta: { ...result._meta, ...meta } };
}

/**
 * The challenge for a caller (RFC 6750 section 3.1): no error code for one who sent no token, `insufficient_scope` for one who did. The result
 * form always names an error, because the clients that read it ignore a challenge without one.
 */
function bearerChallenge(scope: BearerChallenge["scope"], bearer: Bearer, options: CallGateOptions, why?: string): BearerChallenge {
  const code = bearer.state === "valid" ? "insufficient_scope" : "authorization_required";
  const named = bearer.state === "valid" || options.form === "result";
  const cameWithKey = bearer.state === "valid" && bearer.keyThumbprint !== undefined;
  return {
    scope,
    ...(options.form === "http" ? chooseScheme(options.boundTokens, cameWithKey, named ? "insufficient_scope" : undefined) : {}),
    ...(named ? { error: "insufficient_scope", errorDescription: why ?? errorCatalogue[code].text } : {}),
    ...(options.resourceMetadata === undefined ? {} : { resourceMetadata: options.resourceMetadata }),
  };
}

function challengeResult(code: ErrorCode, challenge: BearerChallenge): ToolResult {
  const text = challenge.errorDescription ?? errorCatalogue[code].text;
  return { ...refused({ code }), content: [{ type: "text", text }], _meta: resultChallengeMeta(challenge) };
}
