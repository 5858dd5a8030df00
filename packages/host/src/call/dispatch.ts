import { setTimeout as delay } from "node:timers/promises";
import type { CallEvent } from "@countersign/protocol/auth-flow";
import type { BearerChallenge, Challenge } from "@countersign/protocol/challenge";
import type { Refusal } from "@countersign/protocol/errors";
import { cutJson, cutText } from "@countersign/protocol/cut-secrets";
import { defaultProfile } from "@countersign/protocol/host-profile";
import type { Progress } from "@countersign/protocol/progress";
import { hostShown, type Question } from "@countersign/protocol/elicitation";
import { coversScope, formatScope, unionScopes, withoutTransactionScopes, type ScopeSet } from "@countersign/protocol/scope";
import type { HostProfile } from "@countersign/protocol/ladder";
import { type ChallengeVerdict, decideUnder, type EmptyAnswer, judgeChallenge, renewsTokens } from "@countersign/protocol/profile-call";
import type { Secret } from "@countersign/protocol/secret";
import { decideCall, type CallOrigin, type ConnectorMode, type TokenState } from "@countersign/protocol/security";
import type { JsonObject } from "@countersign/protocol/shape";
import type { WireMessage } from "@countersign/protocol/trace-step";
import { BoundToken } from "../authorize/proof-key.ts";
import type { McpConnection } from "../connections/connection.ts";
import type { CallOutcome, PlainAnswer } from "../connections/outcome.ts";
import type { Ask } from "../connections/server-requests.ts";
import type { ToolDefinition } from "../connections/tool-definition.ts";
import type { Connector } from "../connectors.ts";
import type { Recorder } from "../trace.ts";
import type { Vault } from "../vault.ts";
import { recordDecision } from "./acted-out.ts";
import { type Asking, askingOf, type Continuation } from "./asking.ts";
import { withoutToken } from "./without-token.ts";

/** One sending of a call: everything it needs, and nothing of how the row is kept. */
export interface Dispatch {
  readonly callId: string;
  readonly userId: string;
  readonly connector: Connector;
  readonly mode: ConnectorMode;
  readonly connection: McpConnection;
  /** The host that is acted out. */
  readonly profile: HostProfile;
  readonly origin: CallOrigin;
  readonly tool: ToolDefinition;
  readonly arguments: JsonObject;
  /** Hints that go along in `_meta`. */
  readonly meta: JsonObject;
  readonly token: "attach" | "omit" | "refresh";
  /** The token that the server refused at the last sending, if it did. */
  readonly refused: Secret | undefined;
  readonly flowId: string | undefined;
  /** The answers and the state of earlier rounds of questions. */
  readonly continuation: Continuation;
  /** How often the server has asked so far. */
  readonly asked: number;
  /** The one silent retry is spent. */
  readonly retried: boolean;
  /** Puts a question of the running request to the user. */
  readonly ask: Ask;
  /** Hears how far the server says that it is. */
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
  readonly record: Recorder;
}

/** What a sending listens to and is heard by. */
export type Sending = Pick<Dispatch, "signal" | "onProgress">;

/** What came of it, for the reducer and for the row. */
export interface DispatchOutcome {
  readonly event: CallEvent;
  readonly result?: JsonObject;
  readonly detail?: string;
  /** The view is answered with HTTP 400 and `{}`. */
  readonly emptied?: true;
  readonly resourceMetadata?: string;
  readonly dpopChallenged?: boolean;
  readonly refused?: Secret;
  /** What the server asks the user. */
  readonly asking?: Asking;
  /** The state to call again with, when the server asked nothing. */
  readonly deferred?: { readonly requestState: string | undefined };
}

/** How long to wait before the n-th call that only repeats: a busy server is not hurried. */
const deferMsMax = 5000;

type Bearer = { readonly bearer: Secret | undefined } | { readonly instead: DispatchOutcome };

/** Sends calls upstream with the right token, and reads the answer as an event of the call. */
export class Dispatcher {
  readonly #vault: Vault;

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  async run(dispatch: Dispatch): Promise<DispatchOutcome> {
    const chosen = await this.#chooseBearer(dispatch);
    return "instead" in chosen ? chosen.instead : this.#send(dispatch, chosen.bearer);
  }

  async #send(dispatch: Dispatch, bearer: Secret | undefined): Promise<DispatchOutcome> {
    const { record, tool, connection, signal, callId } = dispatch;
    const authorization = bearer === undefined ? "none" : `${bearer instanceof BoundToken ? "DPoP" : "Bearer"} [masked]`;
    record("request", "Sent to the server", {
      method: "tools/call",
      tool: tool.name,
      url: dispatch.connector.resource,
      authorization,
      idempotencyKey: callId,
    });
    const { continuation } = dispatch;
    const ask = askWithoutToken(dispatch.ask, bearer);
    const request = {
      tool,
      arguments: dispatch.arguments,
      meta: dispatch.meta,
      idempotencyKey: callId,
      signal,
      continuation,
      ask,
      // Whether another host asks for that is not known of it.
      ...(dispatch.profile === defaultProfile ? { onProgress: dispatch.onProgress } : {}),
      ...(bearer === undefined ? {} : { bearer }),
    };
    let messages: readonly WireMessage[] = [];
    const onMessages = (seen: readonly WireMessage[]): void => {
      messages = seen;
    };
    const outcome = withoutToken(await connection.callTool({ ...request, onMessages }), bearer);
    return this.#judge({ ...dispatch, record: withMessages(record, messagesWithoutToken(messages, bearer)) }, bearer, outcome);
  }

  async #judge(dispatch: Dispatch, bearer: Secret | undefined, outcome: CallOutcome): Promise<DispatchOutcome> {
    const { record } = dispatch;
    switch (outcome.kind) {
      case "result":
        return completed(record, outcome.result);
      case "failed":
        return failed(record, outcome.refusal);
      case "unreadable":
        return failed(record, outcome.refusal, "unreadable");
      case "lost":
        record("error", outcome.sent ? "The connection broke after sending" : "The server was not reached", { reason: outcome.detail });
        return { event: outcome.sent ? { type: "connection_lost" } : { type: "failed", code: "server_unreachable" }, detail: outcome.detail };
      case "challenge":
        return this.#judgeChallenge(dispatch, bearer, outcome);
    }
  }

  async #judgeChallenge(dispatch: Dispatch, bearer: Secret | undefined, { challenge, plain }: Challenged): Promise<DispatchOutcome> {
    const { record, userId, connector, tool } = dispatch;
    if (challenge.form === "url" || challenge.form === "structured" || challenge.form === "input") {
      return passOn(dispatch, judge(dispatch, bearer, challenge), plain) ?? judgeAsking(dispatch, askingOf(challenge));
    }
    if (challenge.form === "declared")
      return { event: { type: "challenged", demand: { kind: "scope", scope: challenge.scope }, refreshable: false } };
    record("challenge", "The server demands authorization", describeChallenge(challenge));
    const held = await this.#vault.find(userId, connector.resource);
    const refusedToken = bearer !== undefined && (challenge.error === "invalid_token" || (challenge.form === "http" && challenge.status === 401));
    const mayRenew = refusedToken && renewsTokens(dispatch.profile) && dispatch.token !== "refresh";
    const refreshable = mayRenew && held?.refreshable === true && coversScope(held.scope, challenge.scope);
    // What is renewed without the user is no sign-in.
    const passedOn = refreshable && !dispatch.retried ? undefined : passOn(dispatch, judge(dispatch, bearer, challenge), plain);
    if (passedOn !== undefined) return passedOn;
    if (refusedToken && !refreshable) {
      await this.#vault.forget(userId, connector.resource, bearer);
      if (challenge.error === "invalid_token" && worksWithoutToken(dispatch, challenge)) {
        record("retry", "The token is no longer valid; the tool works without one", { tool: tool.name });
        return this.#send(dispatch, undefined);
      }
    }
    const ordinary: ScopeSet = held === undefined ? new Set() : withoutTransactionScopes(held.scope);
    return {
      event: { type: "challenged", demand: { kind: "scope", scope: unionScopes(ordinary, challenge.scope) }, refreshable },
      ...(challenge.resourceMetadata === undefined ? {} : { resourceMetadata: challenge.resourceMetadata }),
      ...(challenge.dpop === undefined ? {} : { dpopChallenged: true }),
      ...(refreshable ? { refused: bearer } : {}),
    };
  }

  async #chooseBearer(dispatch: Dispatch): Promise<Bearer> {
    const { userId, connector, record } = dispatch;
    if (dispatch.token === "omit") return { bearer: undefined };
    if (dispatch.token === "refresh") {
      const refreshed = await this.#vault.refresh(userId, connector.resource, dispatch.refused);
      if (refreshed.ok) {
        record("token", "The token was renewed", { token: "[masked]" });
        return { bearer: refreshed.value };
      }
      record("token", "The token could not be renewed", { code: refreshed.error.code });
      if (dispatch.refused === undefined && refreshed.error.code !== "invalid_token") {
        const still = await this.#vault.take(userId, connector.resource, undefined);
        return still === undefined ? { instead: failed(record, refreshed.error) } : { bearer: still };
      }
    }
    const bearer = dispatch.token === "attach" ? await this.#vault.take(userId, connector.resource, dispatch.flowId) : undefined;
    if (bearer !== undefined) return { bearer };
    const decision = decideUnder(dispatch.profile, { ...factsOf(dispatch), token: await this.#stateOf(dispatch) });
    if (decision.action === "call") return { bearer: undefined };
    recordDecision(record, dispatch.profile, decision);
    if (decision.action === "answer") return { instead: emptyOutcome(decision) };
    if (decision.action === "refuse") return { instead: { event: { type: "failed", code: decision.code } } };
    return { instead: { event: { type: "challenged", demand: { kind: "scope", scope: decision.scope }, refreshable: false } } };
  }

  /** What the vault holds, once a renewal has failed: a token that could not be renewed is as good as none. */
  async #stateOf(dispatch: Dispatch): Promise<TokenState> {
    const held = await this.#vault.find(dispatch.userId, dispatch.connector.resource);
    return held === undefined ? { state: "none" } : { state: "expired", refreshable: false, scope: held.scope };
  }
}

type Challenged = Extract<CallOutcome, { readonly kind: "challenge" }>;

/** What the host that is acted out makes of a demand to what was sent. To a call whose token was refused and could not be renewed it is still about that token. */
function judge(dispatch: Dispatch, bearer: Secret | undefined, challenge: Challenge): ChallengeVerdict {
  const { mode, origin, schemes } = factsOf(dispatch);
  const token: TokenState = bearer === undefined && dispatch.refused === undefined ? { state: "none" } : { state: "held", scope: new Set() };
  return judgeChallenge(dispatch.profile, { mode, origin, schemes, token, challenge });
}

/** Whether the tool may be called without a token, at a host that would sign in even then should the server demand it. */
function worksWithoutToken(dispatch: Dispatch, challenge: Challenge): boolean {
  const { action } = decideCall({ ...factsOf(dispatch), token: { state: "none" } });
  return action === "call" && judge(dispatch, undefined, challenge).action === "honour";
}

/** How a call ends whose server demands what this host does not do; undefined when it does. */
function passOn({ record, profile }: Dispatch, verdict: ChallengeVerdict, plain: PlainAnswer): DispatchOutcome | undefined {
  if (verdict.basis.certainty !== "own") recordDecision(record, profile, verdict);
  if (verdict.action === "honour") return undefined;
  if (verdict.action === "answer") return emptyOutcome(verdict);
  return plain.kind === "result" ? completed(record, plain.result) : failed(record, plain.refusal);
}

/** The sign-in is missing; the view gets nothing of that. */
function emptyOutcome({ reason }: EmptyAnswer): DispatchOutcome {
  return { event: { type: "failed", code: "authorization_required" }, detail: reason, emptied: true };
}

function completed(record: Recorder, result: JsonObject): DispatchOutcome {
  record("result", result["isError"] === true ? "The tool answered with an error" : "The tool answered", describeResult(result));
  return { event: { type: "completed" }, result };
}

async function judgeAsking({ record, asked, signal }: Dispatch, asking: Asking): Promise<DispatchOutcome> {
  const { questions, requestState } = asking;
  if (questions.length === 0) {
    record("challenge", "The server wants to be called again", { round: asked + 1 });
    await delay(Math.min(100 * 2 ** asked, deferMsMax), undefined, { signal }).catch(() => {});
    return { event: { type: "deferred" }, deferred: { requestState } };
  }
  record("challenge", questions.length === 1 ? "The server asks you something" : `The server asks you ${questions.length} things`, {
    style: asking.style,
    round: asked + 1,
    hosts: questions.flatMap((question) => (question.kind === "url" ? [hostShown(question.url)] : [])),
    forms: questions.filter((question) => question.kind === "form").length,
  });
  const kind = questions.some((question) => question.kind === "form") ? "form" : "url";
  return { event: { type: "challenged", demand: { kind }, refreshable: false }, asking };
}

/** A question that repeats the token is not put to anybody. */
function askWithoutToken(ask: Ask, bearer: Secret | undefined): Ask {
  if (bearer === undefined) return ask;
  return (question, signal) => (repeats(question, bearer) ? Promise.resolve({ action: "cancel" }) : ask(question, signal));
}

function repeats(question: Question, bearer: Secret): boolean {
  const text = JSON.stringify(question);
  return cutText(text, [bearer.reveal()]) !== text;
}

function factsOf(dispatch: Dispatch): Pick<Parameters<typeof decideUnder>[1], "mode" | "origin" | "sameConnector" | "visibility" | "schemes"> {
  // Whether the view belongs to the connector was decided before the call was stored.
  return { mode: dispatch.mode, origin: dispatch.origin, sameConnector: true, visibility: dispatch.tool.visibility, schemes: dispatch.tool.schemes };
}

function failed(record: Recorder, refusal: Refusal, type: "failed" | "unreadable" = "failed"): DispatchOutcome {
  record("error", type === "failed" ? "The call failed" : "The answer cannot be understood", {
    code: refusal.code,
    ...(refusal.detail === undefined ? {} : { reason: refusal.detail }),
  });
  return {
    event: type === "failed" ? { type, code: refusal.code } : { type, code: refusal.code },
    ...(refusal.detail === undefined ? {} : { detail: refusal.detail }),
  };
}

/** The first step that tells how a sending went carries its messages. */
function withMessages(record: Recorder, messages: readonly WireMessage[]): Recorder {
  let left = messages;
  return (step, title, detail, own) => {
    record(step, title, detail, own ?? left);
    left = [];
  };
}

function messagesWithoutToken(messages: readonly WireMessage[], bearer: Secret | undefined): readonly WireMessage[] {
  if (bearer === undefined) return messages;
  const cleaned: readonly WireMessage[] = JSON.parse(JSON.stringify(cutJson(messages, [bearer.reveal()])));
  return cleaned;
}

function describeResult(result: JsonObject): Readonly<Record<string, unknown>> {
  const { content, structuredContent, isError } = result;
  return {
    isError: isError === true,
    contentBlocks: Array.isArray(content) ? content.length : 0,
    structured: structuredContent !== undefined,
  };
}

function describeChallenge(
  challenge: BearerChallenge & { readonly form: "http" | "result"; readonly status?: number },
): Readonly<Record<string, unknown>> {
  return {
    form: challenge.form,
    ...(challenge.status === undefined ? {} : { status: challenge.status }),
    ...(challenge.error === undefined ? {} : { error: challenge.error }),
    ...(challenge.errorDescription === undefined ? {} : { description: challenge.errorDescription }),
    scope: formatScope(challenge.scope),
    ...(challenge.resourceMetadata === undefined ? {} : { resourceMetadata: challenge.resourceMetadata }),
  };
}
