import {
  type HostProfile,
  ladderLogger,
  type LadderMeans,
  type LadderStep,
  mayClimb,
  nextRung,
  profileOf,
  type Rung,
  type RungFailure,
} from "@countersign/protocol/ladder";
import { type AccountLink, createAccountLink } from "./account-link.ts";
import { approvalIn, awaitApproval } from "./approval.ts";
import { askTool, typed } from "./ask-tool.ts";
import type { AuthorizationDesk } from "./authorization-desk.ts";
import type { HostBridge } from "./bridge.ts";
import { CallError, callError, saysNothing, toCallError, unsupported } from "./call-error.ts";
import { type HeldCalls, isSameCall } from "./held-calls.ts";
import { LinkUnavailable } from "./link-question.ts";
import { untilAborted } from "./until-aborted.ts";
import type { JsonObject, ToolResult } from "./wire.ts";

/** How one call is made. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /**
   * Whether running the tool twice with these arguments is the same as running it once. Then a call that got no readable answer is made again another
   * way; otherwise only when it is certain that the tool has not run.
   */
  readonly idempotent?: boolean;
  /** What the chat is asked when nothing else is left, in the user's words; by default the tool's name and the arguments. */
  readonly ask?: string;
}

export interface ClimberOptions {
  readonly bridge: HostBridge;
  readonly held: HeldCalls;
  readonly desk: AuthorizationDesk;
  /** Tells the model how something ended that it cannot see. */
  readonly tell: (line: string) => void;
}

/** Makes calls by the ladder of the host at hand (`@countersign/protocol/ladder`). */
export interface Climber {
  /** Resolves with a successful result, or rejects with a `CallError`. */
  call(tool: string, args: JsonObject, options: CallOptions): Promise<ToolResult>;
  /** Takes up again what an earlier life of the view waited for. */
  resume(): readonly Promise<ToolResult>[];
  unlink(): Promise<void>;
}

interface Call {
  readonly tool: string;
  readonly args: JsonObject;
  readonly options: CallOptions;
}

/** An approval that leads to another demand for approval is no progress. */
const approvalsMax = 2;
const argsShownMax = 1_000;
const unannouncedMsMax = 20_000;

/** Makes the climber of one connection. */
export function createClimber(options: ClimberOptions): Climber {
  const { held } = options;
  const link = createAccountLink(options);
  const resumed = new Map<string, Promise<ToolResult>>();
  const climb = (call: Call): Promise<ToolResult> => climbOnce(options, link, call);
  const finish = async (call: Call, pressed: boolean): Promise<ToolResult> => {
    let waiting = held.waiting.find((each) => isSameCall(each, call.tool, call.args));
    let isHeld = waiting !== undefined && pressed;
    for (let approvals = 0; ; approvals += 1) {
      if (waiting === undefined) {
        const { result, answer } = await approvalOf(climb(call));
        if (answer === undefined) {
          return result;
        }
        if (approvals === approvalsMax) {
          throw callError("payment_pending", "The payment is still waiting for approval.", true);
        }
        waiting = { tool: call.tool, args: call.args, answer };
      }
      const approved = await awaitApproval(waiting, options, call.options.signal).catch((thrown: unknown) => {
        // What was waited for before is over: this press of the button is a new one. Nothing is called anew that nobody pressed.
        if (isHeld && toCallError(thrown).code === "not_found") {
          return undefined;
        }
        throw thrown;
      });
      if (approved !== undefined && hasMore(approved)) {
        return approved;
      }
      isHeld = false;
      waiting = undefined;
    }
  };
  return {
    call(tool, args, callOptions) {
      const call = { tool, args, options: callOptions };
      const taken = resumed.get(keyOf(tool, args));
      if (taken === undefined) {
        return finish(call, true);
      }
      return untilAborted(taken, callOptions.signal).catch((thrown: unknown) => {
        if (toCallError(thrown).code === "not_found") {
          return finish(call, true);
        }
        throw thrown;
      });
    },
    resume: () =>
      held.waiting.map(({ tool, args }) => {
        const key = keyOf(tool, args);
        const result = finish({ tool, args, options: {} }, false).finally(() => resumed.delete(key));
        resumed.set(key, result);
        return result;
      }),
    unlink: () => link.end(),
  };
}

/** Tries one rung after the other. What may have run already is not run again. */
async function climbOnce({ bridge, held, desk }: ClimberOptions, link: AccountLink, call: Call): Promise<ToolResult> {
  const profile = profileOf(bridge.hostName, bridge.name === "openai");
  const { tool } = call;
  const idempotent = call.options.idempotent === true;
  const tried: Rung[] = [];
  let means: LadderMeans = { continue: false, link: true, model: bridge.can.message };
  let failed: CallError | undefined;
  let rung: Rung | undefined = held.isLinked(tool) ? "link" : "host_resumes";
  while (rung !== undefined) {
    tried.push(rung);
    try {
      const result = await tryRung({ rung, bridge, desk, link, call });
      report(bridge, { tool, rung, outcome: "done" });
      return result;
    } catch (thrown) {
      if (thrown instanceof LinkUnavailable && thrown.needless && failed !== undefined) {
        throw failed;
      }
      const isOffered = !(thrown instanceof LinkUnavailable);
      const error = isOffered ? toCallError(thrown) : (failed ?? unsupported());
      if (error.code === "asked_model") {
        throw error;
      }
      // The demand for approval is at hand: a sign-in on the way to it would be one step more.
      if (isOffered && approvalIn(error.result) !== undefined) {
        throw error;
      }
      const failure = isOffered ? failureOf(error) : "failed";
      report(bridge, { tool, rung, outcome: failure });
      // That the chat could not be asked tells nobody what was missing.
      if (rung === "model") {
        throw failed ?? error;
      }
      failed = error;
      // No tool can be called where views cannot call tools, the one for links neither.
      means = error.source === "unsupported" || error.code === "unavailable" ? { ...means, link: false } : means;
      // An anonymous tool answers for itself: nothing at all from it does not mean that sign-in is missing. Nor does a call that was lost anywhere.
      const judgedBy: HostProfile = rung === "link" || !saysNothing(error) ? "generic" : profile;
      if (isOffered && error.source !== "unsupported" && !mayClimb(judgedBy, failure, idempotent)) {
        throw error;
      }
      rung = nextRung(profile, tried, means);
    }
  }
  throw failed ?? unsupported();
}

interface Try {
  readonly rung: Rung;
  readonly bridge: HostBridge;
  readonly desk: AuthorizationDesk;
  readonly link: AccountLink;
  readonly call: Call;
}

async function tryRung({ rung, bridge, desk, link, call }: Try): Promise<ToolResult> {
  const { tool, args, options } = call;
  if (rung === "link") {
    report(bridge, { tool, rung, outcome: "begun" });
    return link.call(tool, args, options.signal);
  }
  if (rung === "model") {
    report(bridge, { tool, rung, outcome: "begun" });
    await typed(bridge.sendMessage(options.ask ?? wordsFor(tool, args)));
    report(bridge, { tool, rung, outcome: "done" });
    desk.begin().end({ state: "pending", rung, tool });
    throw callError("asked_model", "The chat was asked to do this. Its answer comes there.", false);
  }
  return bridge.can.callTools ? askTool(bridge, tool, args, options.signal) : askUnannounced(bridge, tool, args, options.signal);
}

/** A host that does not say that it serves calls may serve them all the same, or leave them unanswered. */
async function askUnannounced(bridge: HostBridge, tool: string, args: JsonObject, signal: AbortSignal | undefined): Promise<ToolResult> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), unannouncedMsMax);
  try {
    return await askTool(bridge, tool, args, signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]));
  } catch (thrown) {
    throw late.signal.aborted && signal?.aborted !== true ? callError("unavailable", "The host does not answer.", true, "unreadable") : thrown;
  } finally {
    clearTimeout(timer);
  }
}

const unauthorizedCodes: ReadonlySet<string> = new Set(["authorization_required", "insufficient_scope", "invalid_token", "not_signed_in"]);
const endedCodes: ReadonlySet<string> = new Set(["access_denied", "cancelled", "flow_expired", "call_expired", "payment_denied"]);

/** How a try ended, in the words of the ladder. */
export function failureOf(error: CallError): RungFailure {
  if (error.source === "unreadable") {
    return "unreadable";
  }
  if (error.source === "typed" && unauthorizedCodes.has(error.code)) {
    return "unauthorized";
  }
  return endedCodes.has(error.code) ? "ended" : "failed";
}

/** A tool may put its demand for approval into a result or into a refusal. */
async function approvalOf(answer: Promise<ToolResult>): Promise<{ readonly result: ToolResult; readonly answer: ReturnType<typeof approvalIn> }> {
  try {
    const result = await answer;
    return { result, answer: approvalIn(result) };
  } catch (thrown) {
    const result = thrown instanceof CallError ? thrown.result : undefined;
    const demanded = approvalIn(result);
    if (result === undefined || demanded === undefined) {
      throw thrown;
    }
    return { result, answer: demanded };
  }
}

/** Whether the waiting tool's answer carries the outcome itself; else the call is made once more, now that it is approved. */
function hasMore({ structuredContent = {} }: ToolResult): boolean {
  return Object.keys(structuredContent).some((name) => name !== "state");
}

function wordsFor(tool: string, args: JsonObject): string {
  const shown = JSON.stringify(args);
  return Object.keys(args).length === 0 || shown.length > argsShownMax ? `Please use ${tool}.` : `Please use ${tool} with ${shown}.`;
}

/** How the plain call ended is known to the host, unless another way follows. */
function report(bridge: HostBridge, step: LadderStep): void {
  if (step.rung !== "host_resumes" || step.outcome === "unauthorized" || step.outcome === "unreadable") {
    bridge.log(ladderLogger, { ...step });
  }
}

function keyOf(tool: string, args: JsonObject): string {
  return `${tool} ${JSON.stringify(args)}`;
}
