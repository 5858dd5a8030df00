import { isSettled, receiveCall, advanceCall, type CallStep } from "@countersign/protocol/auth-flow";
import type { BrowserUrl, EpochMs } from "@countersign/protocol/brand";
import type { HostProfile } from "@countersign/protocol/ladder";
import { decideUnder, type ProfileDecision } from "@countersign/protocol/profile-call";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { CallDecision, CallOrigin, TokenState } from "@countersign/protocol/security";
import type { LadderStep } from "@countersign/protocol/ladder";
import type { LadderNote } from "@countersign/protocol/trace-document";
import type { JsonObject } from "@countersign/protocol/shape";
import type { Records } from "@countersign/storage/records";
import { dueMinute } from "./authorize/flow-record.ts";
import { asCallDecision, decideUnlisted, recordDecision } from "./call/acted-out.ts";
import { nextChange } from "./call/change.ts";
import type { DriverOptions, MadeView } from "./call/driver-options.ts";
import { CallDriver, leaseMs } from "./call/driver.ts";
import type { CallHints } from "./call/hints.ts";
import { keepLadderNote, type CallTrace } from "./call/ladder-notes.ts";
import { Quota } from "./call/quota.ts";
import { callKeys, callKind, fromStoredState, overdue, toStoredState, type CallRow, type CallView, type StoredCall } from "./call/record.ts";
import type { ToolDefinition } from "./connections/tool-definition.ts";
import type { Connector } from "./connectors.ts";
import type { SignInNeed } from "./connectors/standing.ts";
import { drain, drainPage } from "./keep/drain.ts";
import { digestJson, digestText, newId } from "./digest.ts";
import { retention } from "./keep/retention.ts";
import type { Trace } from "./trace.ts";

/** What starts a call, whoever asks. `widgetId` names the view a widget's call comes from; the same `idempotencyKey` gives the same call. */
export interface CallRequest {
  readonly userId: string;
  readonly connectorId: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly origin: CallOrigin;
  readonly widgetId?: string;
  readonly idempotencyKey?: string;
  readonly hints?: CallHints;
}

/** What was decided of a new call, for its row. */
interface Decided {
  readonly profile: HostProfile;
  readonly tool: Result<ToolDefinition, Refusal>;
  readonly step: CallStep;
  readonly trace: Trace;
  readonly need: SignInNeed | undefined;
  readonly emptied: boolean;
}

/** How long a read waits for a change. `since` is the version that the reader has seen: of a later one it is told at once. */
export interface Waiting {
  readonly ms: number;
  readonly signal: AbortSignal;
  readonly since: number | undefined;
}

/**
 * The one door: every tool call of a model, a widget or a user goes through here and nowhere else. Each call is a durable row, so that after a crash it
 * still ends in a result or a typed error, and never runs twice unless the tool may.
 */
export class CallBroker {
  readonly #options: DriverOptions;
  readonly #calls: Records<CallRow>;
  readonly #driver: CallDriver;
  readonly #stopping = new AbortController();
  readonly #starts: Quota;
  readonly #polls: Quota;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#calls = options.database.records(callKind);
    this.#driver = new CallDriver(options);
    this.#starts = new Quota(options.limits.runningCallsMax);
    this.#polls = new Quota(options.limits.heldPollsMax);
  }

  /**
   * Starts a call and gives its view as soon as its row is stored; everything that can go wrong later ends in the row. Refuses only what no row can
   * stand for: a connector or view that the user does not have, and with `rate_limited` more calls at once than a user may have.
   */
  start(request: CallRequest): Promise<Result<CallView, Refusal>> {
    return this.#startAs(callIdOf(request), request);
  }

  /**
   * Starts a call as {@link start} does, and gives it once it is over or has something for its user to do, or as it is after `waitMs`. Refuses with `rate_limited`
   * before anything is stored when the user has too many waits open; whoever leaves early (`signal`) leaves a call that goes on.
   */
  async startAndWait(request: CallRequest, waitMs: number, signal: AbortSignal): Promise<Result<CallView, Refusal>> {
    const { userId } = request;
    const release = this.#polls.take(userId);
    if (release === undefined) return err(refuse("rate_limited", "too many requests wait for calls"));
    const id = callIdOf(request);
    // Before the call is stored, so that no change is missed.
    const change = nextChange(this.#options.events, { userId, id, until: isAtRest }, waitMs, [signal, this.#stopping.signal]);
    try {
      const started = await this.#startAs(id, request);
      if (!started.ok || isAtRest(started.value)) return started;
      const rested = await change.happened;
      return rested === undefined ? await this.read(userId, id) : ok(rested);
    } finally {
      change.stop();
      release();
    }
  }

  async #startAs(id: string, request: CallRequest): Promise<Result<CallView, Refusal>> {
    // Taken before anything is awaited, and given back once the call runs, waits or is over: so many at once and no more (X09).
    const release = this.#starts.take(request.userId, this.#driver.drivenOf(request.userId));
    if (release === undefined) return err(refuse("rate_limited", "too many calls are running"));
    try {
      return await this.#start(id, request, release);
    } finally {
      release();
    }
  }

  /** From `driven` on the call counts among those that the driver has under way. */
  async #start(id: string, request: CallRequest, driven: () => void): Promise<Result<CallView, Refusal>> {
    const { userId } = request;
    const connector = await this.#options.connectors.find(userId, request.connectorId);
    if (!connector.ok) return connector;
    const view = await this.#viewOf(request);
    if (!view.ok) return view;
    const sameConnector = view.value === undefined || view.value.connectorId === request.connectorId;
    const earlier = request.idempotencyKey === undefined ? undefined : await this.#own(userId, id);
    if (earlier !== undefined) return this.#sameCall(earlier, request);
    const trace = this.#driver.traceOf(id, userId, []);
    trace.record("received", `Call of ${request.tool}`, { origin: request.origin, connector: connector.value.name });
    // A view's call goes as at the host that its view was made for: between a choice and the view's being made anew they differ.
    const profile = view.value?.profile ?? (await this.#options.connectors.profileOf(userId));
    const tool = await this.#driver.findTool(userId, connector.value, profile, request.tool);
    const need = tool.ok ? undefined : await this.#needOf(request, connector.value, profile, tool.error);
    const decision = tool.ok
      ? await this.#decide(request, connector.value, profile, tool.value, sameConnector)
      : decideUnlisted(tool.error, need, sameConnector, this.#options.connectors.noSignIn(connector.value, profile));
    recordDecision(trace.record, profile, decision);
    const step = firstStep(tool.ok && tool.value.repeatable, asCallDecision(decision));
    const row = this.#newRow(id, request, { profile, tool, step, trace, need, emptied: decision.action === "answer" });
    const created = await this.#calls.create(id, row, { keys: callKeys(row), expiresAt: row.deadline + retention.call.ms });
    if (!created.ok) {
      this.#driver.discard(id);
      const winner = await this.#own(userId, id);
      return winner === undefined ? err(refuse("conflict")) : this.#sameCall(winner, request);
    }
    const shown = await this.#driver.announce(created.value);
    driven();
    this.#driver.perform(created.value, step.effects);
    return ok(shown);
  }

  /** The call, if it is this user's. An overdue one is ended first, so that nobody ever reads a call that should be over. */
  async read(userId: string, callId: string): Promise<Result<CallView, Refusal>> {
    const call = await this.#own(userId, callId);
    if (call === undefined) return err(refuse("unknown_call"));
    const event = isSettled(fromStoredState(call.value.state)) ? undefined : overdue(call.value, this.#options.clock());
    if (event === undefined) return ok(await this.#driver.view(call));
    const ended = (await this.#driver.advance(call, event)) ?? (await this.#own(userId, callId)) ?? call;
    return ok(await this.#driver.view(ended));
  }

  /** Reads the call once it has changed, or after `waitMs`; at once when it is settled. Refuses with `rate_limited` when the user has too many such waits open. */
  async wait(userId: string, callId: string, waiting: Waiting): Promise<Result<CallView, Refusal>> {
    const release = this.#polls.take(userId);
    if (release === undefined) return err(refuse("rate_limited", "too many requests wait for calls"));
    try {
      return await this.#wait(userId, callId, waiting);
    } finally {
      release();
    }
  }

  async #wait(userId: string, callId: string, { ms, signal, since }: Waiting): Promise<Result<CallView, Refusal>> {
    const until = ({ version }: CallView): boolean => since === undefined || version > since;
    const change = nextChange(this.#options.events, { userId, id: callId, until }, ms, [signal, this.#stopping.signal]);
    try {
      const first = await this.read(userId, callId);
      if (!first.ok || isOver(first.value) || (since !== undefined && first.value.version > since)) return first;
      const changed = await change.happened;
      return changed === undefined ? await this.read(userId, callId) : ok(changed);
    } finally {
      change.stop();
    }
  }

  /** Reads the call once it is settled, or when `signal` aborts: for the model loop, which has nothing else to do meanwhile. */
  async settled(userId: string, callId: string, signal: AbortSignal): Promise<Result<CallView, Refusal>> {
    for (let since: number | undefined; ; ) {
      const call = await this.#wait(userId, callId, { ms: 5000, signal, since });
      if (!call.ok || isOver(call.value) || signal.aborted || this.#stopping.signal.aborted) return call;
      since = call.value.version;
    }
  }

  /**
   * The user's answers to the questions of one round, in their order: each an `ElicitResult` of MCP. The call goes on by itself. Refuses with `conflict` when the
   * round is over, with `invalid_arguments` what the questions do not allow.
   */
  async answer(userId: string, callId: string, round: number, answers: readonly unknown[]): Promise<Result<CallView, Refusal>> {
    const call = await this.#own(userId, callId);
    if (call === undefined) return err(refuse("unknown_call"));
    const answered = await this.#driver.questions.answer(call, round, answers);
    return answered.ok ? this.read(userId, callId) : answered;
  }

  /** The address that the user opens: one of the call's open questions. From then on it counts as opened. */
  async visit(userId: string, callId: string, round: number, index: number): Promise<Result<BrowserUrl, Refusal>> {
    const call = await this.#own(userId, callId);
    return call === undefined ? err(refuse("unknown_call")) : this.#driver.questions.visit(callId, round, index);
  }

  /** Ends the user's own call. One that may have run already ends as `outcome_unknown`. */
  async cancel(userId: string, callId: string): Promise<Result<CallView, Refusal>> {
    const call = await this.#own(userId, callId);
    if (call === undefined) return err(refuse("unknown_call"));
    const { state, connectorId } = call.value;
    if (state.phase === "authorizing" || state.phase === "asking") await this.#driver.quiet.begin(userId, connectorId);
    await this.#driver.advance(call, { type: "cancelled" });
    return this.read(userId, callId);
  }

  /** Whoever asked for the call has left: ends it unless its request has been sent, which then goes on and ends as it does. */
  async abandon(userId: string, callId: string): Promise<Result<CallView, Refusal>> {
    const call = await this.#own(userId, callId);
    if (call === undefined) return err(refuse("unknown_call"));
    await this.#driver.advance(call, { type: "abandoned" });
    return this.read(userId, callId);
  }

  /** Every step of a call so far, and what its view said of its own calls. */
  async trace(userId: string, callId: string): Promise<Result<CallTrace, Refusal>> {
    const call = await this.#own(userId, callId);
    if (call === undefined) return err(refuse("unknown_call"));
    const { trace, ladder = [] } = call.value;
    return ok({ steps: this.#driver.drives(callId) ? this.#driver.traceOf(callId, userId, trace).steps : trace, ladder });
  }

  /** Keeps what the view of a call says of a call of its own; see {@link keepLadderNote}. */
  noteLadder(userId: string, callId: string, step: LadderStep): Promise<Result<readonly LadderNote[], Refusal>> {
    return keepLadderNote(this.#calls, () => this.#own(userId, callId), step, this.#options.clock());
  }

  /** The event that tells a user's pages of this call, for an instance that only heard that something changed. */
  async reread(userId: string, callId: string): Promise<CallView | undefined> {
    const call = await this.#own(userId, callId);
    return call === undefined ? undefined : this.#driver.view(call);
  }

  /**
   * Ends overdue calls and takes over those whose process is gone. `minutes` is how far back to look for deadlines; a driver whose lease ended by
   * `orphansAt` counts as gone.
   */
  async sweep(minutes: number, orphansAt: EpochMs): Promise<void> {
    const now = this.#options.clock();
    for (let back = 0; back <= minutes; back += 1) {
      await drain(
        () => this.#calls.find("due", dueMinute(now - back * 60_000), now, { limit: drainPage }),
        async (call) => {
          const event = overdue(call.value, now);
          return event !== undefined && (await this.#driver.advance(call, event)) !== undefined;
        },
      );
    }
    for (const call of await this.#calls.find("running", "yes", now, { limit: 1000 })) {
      if (call.value.leaseUntil <= orphansAt && !this.#driver.drives(call.id)) await this.#driver.advance(call, { type: "restarted" });
    }
  }

  /** Ends every call of a user that is not over. */
  async cancelAll(userId: string): Promise<void> {
    const mine = await this.#calls.find("user", userId, this.#options.clock(), { limit: 1000 });
    for (const call of mine) await this.#driver.advance(call, { type: "cancelled" });
  }

  /** Ends what an earlier process left open of the only user's calls. One that may have run ends as `outcome_unknown`. */
  async endLeft(userId: string): Promise<void> {
    const now = this.#options.clock();
    for (const [key, value] of [
      ["running", "yes"],
      ["parked", userId],
    ] as const) {
      await drain(
        () => this.#calls.find(key, value, now, { limit: drainPage }),
        async (call) => (await this.#driver.advance(call, { type: "cancelled" })) !== undefined,
      );
    }
  }

  /** Answers everybody who waits for a change with the call as it is, now and from now on. */
  stopWaiting(): void {
    this.#stopping.abort();
  }

  /** Lets the calls that run here end, for at most so long. */
  async drain(ms: number): Promise<void> {
    await this.#driver.drain(ms);
  }

  async close(): Promise<void> {
    await this.#driver.close();
  }

  async #decide(
    request: CallRequest,
    connector: Connector,
    profile: HostProfile,
    tool: ToolDefinition,
    sameConnector: boolean,
  ): Promise<ProfileDecision> {
    const { vault } = this.#options;
    const token: TokenState = vault.state(await vault.find(request.userId, connector.resource));
    const mode = await this.#options.connectors.modeOf(request.userId, connector);
    const { visibility, schemes } = tool;
    const decision = decideUnder(profile, { mode, origin: request.origin, sameConnector, visibility, schemes, token });
    if (decision.action === "refuse" || decision.action === "answer") return decision;
    const change = await this.#options.connectors.pins.use(request.userId, connector.id, tool);
    return change === undefined ? decision : { action: "refuse", code: "tool_changed", reason: "the tool is not what it was when it was agreed to" };
  }

  async #needOf(request: CallRequest, connector: Connector, profile: HostProfile, refusal: Refusal): Promise<SignInNeed | undefined> {
    return refusal.code === "authorization_required" ? this.#options.connectors.signInNeed(request.userId, connector, profile) : undefined;
  }

  /** The view that a widget's call comes from, which is one of this user's; undefined for a call of anybody else. */
  async #viewOf({ origin, userId, widgetId }: CallRequest): Promise<Result<MadeView | undefined, Refusal>> {
    if (origin !== "widget") return ok(undefined);
    const view = widgetId === undefined ? undefined : await this.#options.viewOf(userId, widgetId);
    return view === undefined ? err(refuse("invalid_request", "a widget's call names its view")) : ok(view);
  }

  #newRow(id: string, request: CallRequest, { profile, tool, step, trace, need, emptied }: Decided): CallRow {
    const now = this.#options.clock();
    return {
      userId: request.userId,
      connectorId: request.connectorId,
      tool: request.tool,
      origin: request.origin,
      profile,
      ...(emptied ? { emptied } : {}),
      ...(request.widgetId === undefined ? {} : { widgetId: request.widgetId }),
      ...(request.hints === undefined ? {} : { hints: request.hints }),
      sealedArguments: this.#driver.papers.seal("arguments", request.userId, id, request.arguments),
      argumentsDigest: digestJson(request.arguments),
      // Empty while the tool is not known: the call then binds to the tool that it meets.
      toolDigest: tool.ok ? tool.value.digest : "",
      ...(need?.resourceMetadata === undefined ? {} : { resourceMetadata: need.resourceMetadata }),
      ...(need?.dpopChallenged === undefined ? {} : { dpopChallenged: need.dpopChallenged }),
      ...(tool.ok || tool.error.detail === undefined ? {} : { detail: tool.error.detail }),
      state: toStoredState(step.state),
      attempt: 0,
      createdAt: now,
      deadline: now + this.#options.limits.callMs,
      leaseUntil: now + leaseMs,
      trace: trace.steps,
    };
  }

  /** The same key with the same content is the same call; with other content it is a mistake that must not pass silently. */
  async #sameCall(call: StoredCall, request: CallRequest): Promise<Result<CallView, Refusal>> {
    const same =
      call.value.connectorId === request.connectorId &&
      call.value.tool === request.tool &&
      call.value.argumentsDigest === digestJson(request.arguments);
    return same ? ok(await this.#driver.view(call)) : err(refuse("idempotency_conflict"));
  }

  async #own(userId: string, callId: string): Promise<StoredCall | undefined> {
    const call = await this.#calls.get(callId, this.#options.clock());
    return call?.value.userId === userId ? call : undefined;
  }
}

function firstStep(repeatable: boolean, decision: CallDecision): CallStep {
  const received = receiveCall(repeatable);
  const decided = advanceCall(received.state, { type: "decided", decision });
  if (!decided.ok) throw new Error("a received call can always be decided");
  return decided.value;
}

/** The same key of the same user names the same call. */
function callIdOf({ userId, idempotencyKey }: CallRequest): string {
  return idempotencyKey === undefined ? newId("call") : `call_${digestText(`${userId}\n${idempotencyKey}`).slice(0, 22)}`;
}

/** Nothing more happens by itself: the call is over, or shows its user what to do. */
function isAtRest(call: CallView): boolean {
  return isOver(call) || call.flow !== undefined || call.asking !== undefined;
}

function isOver(call: CallView): boolean {
  return call.state === "completed" || call.state === "failed" || call.state === "refused";
}
