import type { CallEvent, CallState } from "@countersign/protocol/auth-flow";
import type { BrowserUrl, EpochMs } from "@countersign/protocol/brand";
import { judgeAnswer, type ElicitAnswer, type Question } from "@countersign/protocol/elicitation";
import { refuse, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import {
  askingRow,
  continuationOf,
  packAsking,
  readContinuation,
  readReply,
  toAskingView,
  unpackAsking,
  type Asking,
  type AskingRow,
  type AskingView,
  type Continuation,
} from "./asking.ts";
import type { TraceStep } from "@countersign/protocol/trace-step";
import type { Ask } from "../connections/server-requests.ts";
import type { CallPapers } from "./papers.ts";
import type { QuietTimes } from "./quiet-times.ts";
import type { CallRow, StoredCall } from "./record.ts";

/** A change of a call's row that goes with an event. `patch` may depend on the row and on the state that the event leads to. */
export interface Change {
  readonly patch?: Partial<CallRow> | ((row: CallRow, next: CallState) => Partial<CallRow>);
  /** Steps of the flow that the call waited for. */
  readonly steps?: readonly TraceStep[];
  /** The dispatch that the event speaks of; the event is dropped when the row is past it. */
  readonly attempt?: number;
  /** The round of questions that the event answers; dropped likewise. */
  readonly round?: number;
}

export interface QuestionsParts {
  readonly papers: CallPapers;
  readonly quiet: QuietTimes;
  readonly clock: () => EpochMs;
  /** How long questions stay open. */
  readonly openMs: number;
  readonly read: (callId: string) => Promise<StoredCall | undefined>;
  /** Stores an event and performs what follows; undefined when it came too late. */
  readonly advance: (call: StoredCall, event: CallEvent, change: Change) => Promise<StoredCall | undefined>;
  /** Writes a row whose state stays as it is; undefined when somebody else has changed it. */
  readonly rewrite: (call: StoredCall, row: CallRow) => Promise<StoredCall | undefined>;
  /** Resolves when the call has changed, after `waitMs`, or when `signal` aborts. */
  readonly changed: (call: StoredCall, waitMs: number, signal: AbortSignal) => Promise<void>;
  readonly leaseMs: number;
}

/** A lost signal costs at most this long. */
const lookAgainMs = 2000;
const attemptsMax = 20;

interface Open {
  readonly row: AskingRow;
  readonly questions: readonly Question[];
  readonly requestState: string | undefined;
}

/** What servers ask users: stored with the call, shown, answered. The only place where an answer becomes something to send. */
export class Questions {
  readonly #parts: QuestionsParts;

  constructor(parts: QuestionsParts) {
    this.#parts = parts;
  }

  /** What to store with the event by which a call begins to wait for these answers. */
  async patch(call: StoredCall, asking: Asking): Promise<(row: CallRow, next: CallState) => Partial<CallRow>> {
    const { papers, quiet, clock, openMs } = this.#parts;
    const { userId, connectorId } = call.value;
    const isQuiet = await quiet.isQuiet(userId, connectorId);
    const sealedAsking = papers.seal("asking", userId, call.id, packAsking(asking));
    return (row, next) => {
      const asked = askingRow(asking, { round: next.asked, before: row.lastAsked, quiet: isQuiet, expiresAt: clock() + openMs });
      return { asking: asked, lastAsked: asked.digest, sealedAsking };
    };
  }

  /** The answers and the state that go along when the call is sent. Throws on a row that this code did not write. */
  continuation({ id, value: row }: StoredCall): Continuation {
    if (row.sealedContinuation === undefined) return {};
    const opened = this.#parts.papers.open("continuation", row.userId, id, row.sealedContinuation);
    if (!opened.ok) throw new TypeError("the stored answers cannot be read");
    return readContinuation(opened.value);
  }

  /** What to store when the server gave only a state and asked nothing. */
  patchDeferred({ id, value: row }: StoredCall, requestState: string | undefined): Partial<CallRow> {
    return { sealedContinuation: this.#parts.papers.seal("continuation", row.userId, id, requestState === undefined ? {} : { requestState }) };
  }

  view(call: StoredCall): AskingView | undefined {
    const open = this.#open(call);
    return open === undefined ? undefined : toAskingView(call.id, open.row, open.questions);
  }

  /**
   * The user's answers to a round, in the order of its questions. Refuses with `conflict` when the round is over, and with `invalid_arguments` what the questions do
   * not allow; an address counts as accepted only once the user has opened it.
   */
  async answer(call: StoredCall, round: number, given: readonly unknown[]): Promise<Result<undefined, Refusal>> {
    const open = this.#openNow(call);
    if (open?.row.round !== round) return err(refuse("conflict", "these questions are no longer open"));
    const answers: ElicitAnswer[] = [];
    for (const [index, question] of open.questions.entries()) {
      const judged = judgeAnswer(question, given[index]);
      if (!judged.ok) return judged;
      if (question.kind === "url" && judged.value.action === "accept" && !open.row.opened.includes(index)) {
        return err(refuse("invalid_arguments", "an address is accepted by opening it"));
      }
      answers.push(judged.value);
    }
    if (given.length !== open.questions.length) return err(refuse("invalid_arguments", "there is one answer for each question"));
    const { userId, connectorId } = call.value;
    const refused = answers.some((answer) => answer.action !== "accept");
    if (refused) await this.#parts.quiet.begin(userId, connectorId);
    // Where no answer can be sent, a refusal leaves nothing to send.
    const event: CallEvent = refused && open.row.style === "retry" ? { type: "cancelled" } : { type: "answered" };
    const stored = await this.#parts.advance(call, event, { round, patch: this.#patchAnswered(call, open, answers) });
    return stored === undefined ? err(refuse("conflict", "these questions are no longer open")) : ok(undefined);
  }

  /**
   * The user opens an address: gives it, and notes that it was opened. In a running request the opening is the answer (MCP 2025-11-25: accept means consent, not
   * completion). Refuses with `not_found`.
   */
  async visit(callId: string, round: number, index: number): Promise<Result<BrowserUrl, Refusal>> {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const call = await this.#parts.read(callId);
      const open = call === undefined ? undefined : this.#openNow(call);
      const question = open?.questions[index];
      if (call === undefined || open?.row.round !== round || question?.kind !== "url") return err(refuse("not_found"));
      if (open.row.opened.includes(index)) return ok(question.url);
      if (open.row.style === "live") {
        const patch = this.#patchAnswered(call, open, [{ action: "accept" }]);
        await this.#parts.advance(call, { type: "answered" }, { round, patch });
        return ok(question.url);
      }
      const marked = await this.#parts.rewrite(call, { ...call.value, asking: { ...open.row, opened: [...open.row.opened, index] } });
      if (marked !== undefined) return ok(question.url);
    }
    return err(refuse("conflict"));
  }

  /** The server says that a visit is over (2025-11-25): the call goes on by itself once all its visits are. */
  async completed(call: StoredCall, elicitationId: string): Promise<void> {
    const open = this.#open(call);
    const index = open?.questions.findIndex((question) => question.id === elicitationId) ?? -1;
    if (open?.row.style !== "retry" || index < 0) return;
    const visited = await this.visit(call.id, open.row.round, index);
    const now = await this.#parts.read(call.id);
    const reopened = now === undefined ? undefined : this.#open(now);
    if (!visited.ok || now === undefined || reopened?.row.opened.length !== open.questions.length) return;
    await this.answer(
      now,
      open.row.round,
      open.questions.map(() => ({ action: "accept" })),
    );
  }

  /** Puts a question of a running request to the user and waits for the answer, until the questions expire, or `signal` aborts: the server took it back. */
  async askLive(callId: string, attempt: number, question: Question, signal: AbortSignal): Promise<ElicitAnswer> {
    const { read, advance, clock, changed } = this.#parts;
    const call = await read(callId);
    if (call === undefined) return { action: "cancel" };
    const asking: Asking = { style: "live", questions: [question] };
    const asked = await advance(call, { type: "asked", demand: { kind: question.kind } }, { attempt, patch: await this.patch(call, asking) });
    const round = asked?.value.asking?.round;
    if (asked === undefined || round === undefined) return { action: "cancel" };
    let current: StoredCall | undefined = asked;
    for (; current !== undefined && this.#isOpen(current, round); current = await this.#renew(callId)) {
      if (signal.aborted || clock() >= dueOf(current)) {
        await advance(current, { type: "answered" }, { round });
        return { action: "cancel" };
      }
      await changed(current, lookAgainMs, signal);
    }
    return current === undefined ? { action: "cancel" } : this.#reply(current, round);
  }

  #isOpen({ value: row }: StoredCall, round: number): boolean {
    return row.state.phase === "asking" && row.asking?.round === round;
  }

  /** Reads the call, and says in its row that it is still driven. */
  async #renew(callId: string): Promise<StoredCall | undefined> {
    const { read, clock, leaseMs, rewrite } = this.#parts;
    const call = await read(callId);
    if (call === undefined || call.value.state.phase !== "asking" || call.value.leaseUntil - clock() > leaseMs / 2) return call;
    return (await rewrite(call, { ...call.value, leaseUntil: clock() + leaseMs })) ?? (await read(callId));
  }

  #reply({ id, value: row }: StoredCall, round: number): ElicitAnswer {
    const sealed = row.sealedContinuation;
    const opened = sealed === undefined ? undefined : this.#parts.papers.open("continuation", row.userId, id, sealed);
    return (opened?.ok === true ? readReply(opened.value, round) : undefined) ?? { action: "cancel" };
  }

  #patchAnswered({ id, value: row }: StoredCall, open: Open, answers: readonly ElicitAnswer[]): Partial<CallRow> {
    const { style, round } = open.row;
    const packed = style === "live" ? { round, reply: { ...answers[0] } } : { ...continuationOf({ ...open, style }, answers) };
    return { sealedContinuation: this.#parts.papers.seal("continuation", row.userId, id, packed) };
  }

  /** The open questions, unless their time is over and only the sweep has not come yet. */
  #openNow(call: StoredCall): Open | undefined {
    return dueOf(call) <= this.#parts.clock() ? undefined : this.#open(call);
  }

  #open({ id, value: row }: StoredCall): Open | undefined {
    if (row.asking === undefined || row.sealedAsking === undefined) return undefined;
    if (row.state.phase !== "authorizing" && row.state.phase !== "asking") return undefined;
    const opened = this.#parts.papers.open("asking", row.userId, id, row.sealedAsking);
    if (!opened.ok) throw new TypeError("the stored questions cannot be read");
    return { row: row.asking, ...unpackAsking(opened.value) };
  }
}

function dueOf({ value: row }: StoredCall): EpochMs {
  return Math.min(row.deadline, row.asking?.expiresAt ?? row.deadline);
}

/** A server may ask several things at once; the user is asked one after the other. */
export function inTurn(ask: Ask): Ask {
  let last: Promise<unknown> = Promise.resolve();
  return (question, signal) => {
    const turn = last.then(() => ask(question, signal));
    last = turn.catch(() => {});
    return turn;
  };
}
