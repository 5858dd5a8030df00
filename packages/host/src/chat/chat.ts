import type { EpochMs } from "@countersign/protocol/brand";
import { refuse, toWidgetError, type Refusal } from "@countersign/protocol/errors";
import { err, ok, type Result } from "@countersign/protocol/result";
import type { Database } from "@countersign/storage/open";
import type { RecordKind, Records } from "@countersign/storage/records";
import type { Sealer } from "@countersign/storage/sealed";
import { z } from "zod";
import type { CallBroker } from "../call.ts";
import type { Connectors } from "../connectors.ts";
import { digestText, newId } from "../digest.ts";
import type { Events } from "../events.ts";
import { retention } from "../keep/retention.ts";
import type { ModelOptions } from "../options.ts";
import type { ChatEvent } from "./chat-event.ts";
import { fitContext } from "./context.ts";
import { messageSchema, type ChatMessage } from "./model.ts";
import { TurnLog } from "./turn-log.ts";
import { contextLimits, runTurn, type Turn } from "./turn.ts";
import type { ViewTool, ViewTools } from "./view-tools.ts";

export interface ChatOptions {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly broker: CallBroker;
  readonly connectors: Connectors;
  readonly events: Events;
  readonly model: ModelOptions;
  readonly viewTools: ViewTools;
  readonly toolsAgeMs: number;
  readonly clock: () => EpochMs;
}

interface ConversationRow {
  readonly userId: string;
  readonly sealed: string;
}

const conversationSchema = z.object({ userId: z.string(), sealed: z.string() });
const conversationKind: RecordKind<ConversationRow> = {
  name: "conversation",
  parse: (json) => conversationSchema.parse(json),
};

/** The turns of so many users are remembered after their end, each so long, for pages that missed some of it. */
const rememberedMax = 200;
const rememberedMs = 30 * 60_000;

/** What the user's page reads when it may have missed something: the conversation that is being answered, and what was told of the last turn of its own. */
export interface TurnView {
  readonly answering?: string;
  readonly events: readonly ChatEvent[];
}

interface LastTurn {
  readonly conversation: string;
  readonly log: TurnLog;
  endedAt: EpochMs | undefined;
}

/** A turn that runs. `stop` ends it as the user wants it, `leave` as if it had not been. */
interface Busy {
  readonly turn: Promise<void>;
  readonly conversation: string;
  readonly stop: AbortController;
  readonly leave: AbortController;
}

/** The model loop. Its tool calls go through the broker like everybody else's, with origin `model`. */
export class Chat {
  readonly #options: ChatOptions;
  readonly #conversations: Records<ConversationRow>;
  readonly #busy = new Map<string, Busy>();
  readonly #last = new Map<string, LastTurn>();
  readonly #close = new AbortController();

  constructor(options: ChatOptions) {
    this.#options = options;
    this.#conversations = options.database.records(conversationKind);
  }

  /** Takes the user's message; the answer comes by events. One turn at a time for each user. */
  say(
    userId: string,
    conversation: string,
    message: string,
    viewTools: readonly ViewTool[] = [],
  ): Result<{ readonly conversationId: string }, Refusal> {
    if (this.#busy.has(userId)) return err(refuse("conflict", "the assistant is still answering"));
    const stop = new AbortController();
    const leave = new AbortController();
    const unwanted = AbortSignal.any([this.#close.signal, leave.signal]);
    const last: LastTurn = { conversation, log: new TurnLog(), endedAt: undefined };
    this.#remember(userId, last);
    const tell = (event: ChatEvent): void => this.#tell(userId, last, event);
    const turn = this.#turn({ userId, conversation, text: message, offered: viewTools, tell }, stop.signal, unwanted)
      .catch(() => tellInternalError(tell))
      .finally(() => {
        this.#busy.delete(userId);
        last.endedAt = this.#options.clock();
        tell({ turn: { state: "ended" } });
      });
    this.#busy.set(userId, { turn, conversation, stop, leave });
    tell({ turn: { state: "answering" } });
    return ok({ conversationId: conversation });
  }

  /**
   * Ends the answer that is being given here; what was said stays. Calls that wait for the user end; one that was sent to its server goes on, and its card shows
   * the result. Says whether there was an answer to end.
   */
  stop(userId: string): { readonly stopped: boolean } {
    const busy = this.#busy.get(userId);
    busy?.stop.abort();
    return { stopped: busy !== undefined };
  }

  /** What a page that missed something goes on from. A turn that this process does not remember has no events. */
  read(userId: string, conversation: string): TurnView {
    const answering = this.#busy.get(userId)?.conversation;
    const last = this.#last.get(userId);
    const events = last?.conversation === conversation ? last.log.events() : [];
    return { ...(answering === undefined ? {} : { answering }), events };
  }

  async close(): Promise<void> {
    this.#close.abort();
    this.#options.viewTools.close();
    await Promise.allSettled([...this.#busy.values()].map(({ turn }) => turn));
  }

  /** Ends the user's turn; once it is over, nothing more of it is kept. */
  async leave(userId: string): Promise<void> {
    const busy = this.#busy.get(userId);
    busy?.leave.abort();
    await busy?.turn;
    this.#last.delete(userId);
  }

  /** Forgets turns that ended long ago, and the oldest where there are many. */
  #remember(userId: string, turn: LastTurn): void {
    this.#last.delete(userId);
    const now = this.#options.clock();
    for (const [id, { endedAt }] of this.#last) {
      if (endedAt !== undefined && (endedAt + rememberedMs < now || this.#last.size >= rememberedMax)) this.#last.delete(id);
    }
    this.#last.set(userId, turn);
  }

  async #turn(said: Pick<Turn, "userId" | "conversation" | "text" | "offered" | "tell">, stop: AbortSignal, unwanted: AbortSignal): Promise<void> {
    const { userId, conversation } = said;
    const history = await this.#load(userId, conversation);
    await runTurn(this.#options, {
      ...said,
      history,
      signal: AbortSignal.any([stop, unwanted]),
      keep: async (messages) => {
        if (!unwanted.aborted) await this.#store(userId, conversation, messages);
      },
    });
  }

  async #load(userId: string, conversation: string): Promise<readonly ChatMessage[]> {
    const record = await this.#conversations.get(recordId(userId, conversation), this.#options.clock());
    const text = record === undefined ? undefined : this.#options.sealer.open(record.value.sealed, conversationSealingText(userId, record.id));
    return text?.ok === true ? z.array(messageSchema).parse(JSON.parse(text.value)) : [];
  }

  async #store(userId: string, conversation: string, messages: readonly ChatMessage[]): Promise<void> {
    const id = recordId(userId, conversation);
    const sealed = this.#options.sealer.seal(JSON.stringify(fitContext(messages, contextLimits)), conversationSealingText(userId, id));
    const options = { keys: { user: userId }, expiresAt: this.#options.clock() + retention.conversation.ms };
    await this.#conversations.put(id, { userId, sealed }, options);
  }

  #tell(userId: string, { conversation, log }: LastTurn, event: ChatEvent): void {
    log.note(event);
    this.#options.events.publish(userId, { type: "chat", data: { conversationId: conversation, ...event } });
  }
}

function tellInternalError(tell: (event: ChatEvent) => void): void {
  const { code, message, retryable } = toWidgetError(refuse("internal_error"), "");
  tell({ id: newId("msg"), error: message, code, retryable });
}

function recordId(userId: string, conversation: string): string {
  return digestText(`${userId}\n${conversation}`);
}

/** What one conversation is bound to. */
export function conversationSealingText(userId: string, id: string): string {
  return `host:conversation:${JSON.stringify([userId, id])}`;
}
