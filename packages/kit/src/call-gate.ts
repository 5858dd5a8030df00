import { type BearerChallenge, resultChallengeMeta } from "@countersign/protocol/challenge";
import { errorCatalogue, type ErrorCode } from "@countersign/protocol/errors";
import { formatScope, unionScopes } from "@countersign/protocol/scope";
import { type ToolAnswer, type ToolResult, refused } from "./answer.ts";
import { createToolContext } from "./context.ts";
import type { Bearer } from "./bearer/verify-token.ts";
import type { Payee } from "./payment/payee.ts";
import type { ChallengeForm } from "./policy/choose-form.ts";
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

/** What holds for one HTTP request. It is made per request and reached by closure alone, so nothing crosses between callers. */
export interface CallGate {
  /**
   * Runs one tool for this request's caller. Decides access again, whatever decided it before.
   *
   * @param meta `params._meta`, as sent
   * @param signal gives the signal that the client went away; asked for only when the tool looks at it
   */
  call(tool: GatedTool, args: unknown, meta: unknown, signal: () => AbortSignal): Promise<ToolResult>;
  /** The challenge that replaces the HTTP response, once every tool of the request has answered. */
  raised(): RaisedChallenge | undefined;
}

export interface CallGateOptions {
  readonly bearer: Bearer;
  readonly form: ChallengeForm;
  readonly scopes: ScopeHierarchy;
  readonly resourceMetadata: string | undefined;
  readonly payee: Payee | undefined;
  readonly report: Report;
}

/** Builds the gate of one request. */
export function createCallGate(options: CallGateOptions): CallGate {
  const { bearer, report } = options;
  const caller = bearer.state === "valid" ? bearer : { subject: undefined, clientId: undefined, scope: new Set<string>() };
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

  return {
    async call(tool, args, meta, signal) {
      const name = tool.listing.name;
      const decision = decideAccess({ kind: "tool", auth: tool.auth }, bearer);
      const challengeOf = (scope: BearerChallenge["scope"], why?: string) => bearerChallenge(scope, bearer, options, why);
      if (decision.action === "challenge") return demand(tool, challengeOf(decision.scope));
      if (decision.action !== "pass") return refused({ code: "unavailable" });
      try {
        const answer: ToolAnswer = await tool.run(args, createToolContext(name, caller, meta, signal, options.payee));
        if (answer.kind === "result") return answer;
        if (options.resourceMetadata === undefined) throw new TypeError("a tool demands authorization, but the app has no issuer");
        return demand(tool, challengeOf(options.scopes.least(unionScopes(tool.auth.scope, answer.scope)), answer.why));
      } catch (error) {
        report({ event: "tool_failed", tool: name, error });
        return refused({ code: "internal_error" });
      }
    },
    raised: () => raised,
  };
}

/**
 * The challenge for a caller (RFC 6750 section 3.1): no error code for one who sent no token, `insufficient_scope` for one who did. The result
 * form always names an error, because the clients that read it ignore a challenge without one.
 */
function bearerChallenge(scope: BearerChallenge["scope"], bearer: Bearer, options: CallGateOptions, why?: string): BearerChallenge {
  const code = bearer.state === "valid" ? "insufficient_scope" : "authorization_required";
  const named = bearer.state === "valid" || options.form === "result";
  return {
    scope,
    ...(named ? { error: "insufficient_scope", errorDescription: why ?? errorCatalogue[code].text } : {}),
    ...(options.resourceMetadata === undefined ? {} : { resourceMetadata: options.resourceMetadata }),
  };
}

function challengeResult(code: ErrorCode, challenge: BearerChallenge): ToolResult {
  const text = challenge.errorDescription ?? errorCatalogue[code].text;
  return { ...refused({ code }), content: [{ type: "text", text }], _meta: resultChallengeMeta(challenge) };
}
