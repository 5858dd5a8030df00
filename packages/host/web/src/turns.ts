import type { Answer, HostApi } from "./api.ts";
import { readChatEvent, readTurnState, readViewCall, type ViewCallAsked } from "./chat.ts";
import type { ConversationId } from "./conversation-id.ts";
import { isPieceMissing } from "./entries.ts";
import type { OpenViews } from "./open-views.ts";
import type { ConsoleState } from "./state.ts";
import type { Store } from "./store.ts";

/** What this page learns of the model's turns. */
export interface Turns {
  /** Takes one `event: chat`. */
  readonly hear: (json: unknown) => void;
  /** Reads what this page may have missed of the last turn. */
  readonly catchUp: () => Promise<void>;
}

export interface TurnsOptions {
  readonly store: Store;
  readonly api: Pick<HostApi, "turn" | "answerViewCall">;
  readonly open: OpenViews;
  readonly conversation: ConversationId;
  readonly now: () => number;
  readonly newId: () => string;
}

const interruptedWords = "This was not answered to its end: Countersign was started anew meanwhile.";

/** Follows the turns of one page's conversation; `whileSending` runs what begins one, which counts as answered until it is refused. */
export function followTurns(options: TurnsOptions): Turns & { readonly whileSending: <T>(send: () => Answer<T>) => Answer<T> } {
  const { store, api, conversation, now, newId } = options;
  /** Messages that the host has not taken yet. */
  let sending = 0;
  /** Counts what was heard of turns, so that an older read does not overrule it. */
  let heard = 0;
  let reading: Promise<void> | undefined;
  const catchUp = async (): Promise<void> => {
    if (store.get().model === undefined) return;
    const id = conversation.current();
    const before = heard;
    const answer = await api.turn(id);
    if (!answer.ok || id !== conversation.current()) return;
    const { answering, events } = answer.value;
    for (const event of events) for (const action of readChatEvent(event, now())) store.dispatch(action);
    if (before !== heard || sending > 0) return;
    const isLost = answering !== id && events.length === 0 && isUnanswered(store.get());
    store.dispatch({ type: "answering", answering: answering === undefined ? undefined : answering === id ? "here" : "elsewhere" });
    if (!isLost) return;
    const problem = { code: "interrupted", retryable: true } as const;
    store.dispatch({ type: "said", entry: { kind: "said", id: newId(), by: "console", name: "Countersign", text: interruptedWords, problem } });
  };
  return {
    whileSending: async (send) => {
      sending += 1;
      store.dispatch({ type: "answering", answering: "here" });
      const answer = await send();
      sending -= 1;
      if (!answer.ok) store.dispatch({ type: "answering", answering: undefined });
      return answer;
    },
    hear: (json) => {
      const asked = readViewCall(json);
      if (asked !== undefined) void answerViewCall(options, asked);
      const told = readTurnState(json);
      if (told === undefined) return;
      const isHere = told.conversationId === conversation.current();
      if (told.state !== undefined) {
        heard += 1;
        store.dispatch({ type: "answering", answering: told.state === "ended" ? undefined : isHere ? "here" : "elsewhere" });
      }
      if (!isHere) return;
      for (const action of readChatEvent(json, now())) {
        if (action.type === "said" && isPieceMissing(store.get().entries, action.entry.id, action.at)) {
          reading ??= catchUp().finally(() => (reading = undefined));
        } else store.dispatch(action);
      }
    },
    catchUp,
  };
}

/** Whether, as far as this page knows, the host still owes an answer. */
function isUnanswered({ answering, entries }: ConsoleState): boolean {
  const last = entries.at(-1);
  return answering === "here" || (last?.kind === "said" && (last.by === "user" || last.writing === true));
}

/** Runs a tool of a view that this page shows; another page may show the view instead, and answers then. */
async function answerViewCall({ api, open }: Pick<TurnsOptions, "api" | "open">, { id, viewId, tool, args }: ViewCallAsked): Promise<void> {
  const failed = { isError: true, content: [{ type: "text", text: "The view did not do this." }] };
  const result = await open.callTool(viewId, tool, args).catch(() => failed);
  if (result !== undefined) await api.answerViewCall(id, result);
}
