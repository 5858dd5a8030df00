import type { Answer, ApiProblem, HostApi } from "./api.ts";
import { unansweredWords } from "./entries.ts";
import { followTurns, type Turns, type TurnsOptions } from "./turns.ts";

/** What is said to the model and what comes of it. */
export interface Talk extends Turns {
  readonly say: (text: string) => Promise<ApiProblem | undefined>;
  /** Says again what was not answered, in the place of the notice that said so. */
  readonly sayAgain: (noticeId: string) => Promise<void>;
  /** Puts an app's words into the conversation, marked as the app's (V21). Gives whether they were taken. */
  readonly sayFromApp: (name: string, text: string, scrollToBottom?: boolean) => Promise<boolean>;
  /** What the model is told of an app's view with the user's next message. */
  readonly setAppContext: (key: string, name: string, text: string) => void;
  readonly forgetContexts: () => void;
  readonly stop: () => Promise<void>;
}

export interface TalkOptions extends Omit<TurnsOptions, "api"> {
  readonly api: Pick<HostApi, "say" | "stopAnswer" | "turn" | "answerViewCall">;
}

const messageCharsMax = 20_000;
const contextCharsMax = 4000;

/** Makes the talk of one page. */
export function createTalk(options: TalkOptions): Talk {
  const { store, api, open, conversation, newId } = options;
  const contexts = new Map<string, string>();
  const turns = followTurns(options);
  const send = async (text: string): Answer<void> => {
    const message = text.slice(0, messageCharsMax);
    const answer = await turns.whileSending(async () => api.say(message, conversation.current(), await open.tools()));
    if (!answer.ok) void turns.catchUp();
    return answer;
  };
  const withContexts = (text: string): string => [text, ...contexts.values()].join("\n\n");
  return {
    ...turns,
    say: async (text) => {
      const id = newId();
      store.dispatch({ type: "said", entry: { kind: "said", id, by: "user", name: "You", text } });
      const answer = await send(withContexts(text));
      if (answer.ok) contexts.clear();
      else store.dispatch({ type: "unsaid", id });
      return answer.ok ? undefined : answer.error;
    },
    sayAgain: async (noticeId) => {
      const { entries } = store.get();
      const words = unansweredWords(entries);
      const notice = entries.find((entry) => entry.kind === "said" && entry.id === noticeId);
      if (words === undefined || notice?.kind !== "said") return;
      store.dispatch({ type: "unsaid", id: noticeId });
      const answer = await send(withContexts(words));
      if (!answer.ok) store.dispatch({ type: "said", entry: { ...notice, text: answer.error.message } });
    },
    sayFromApp: async (name, text, scrollToBottom = true) => {
      if (scrollToBottom && store.get().stage?.mode === "fullscreen") store.dispatch({ type: "stage", stage: undefined });
      const quiet = scrollToBottom ? {} : { quiet: true as const };
      const id = newId();
      store.dispatch({ type: "said", entry: { kind: "said", id, by: "app", name, text, ...quiet } });
      if (store.get().model === undefined) return true;
      const answer = await send(asAppText("Message", name, text));
      if (!answer.ok) store.dispatch({ type: "unsaid", id });
      return answer.ok;
    },
    setAppContext: (key, name, text) => {
      if (text === "") contexts.delete(key);
      else contexts.set(key, asAppText("Context", name, text.slice(0, contextCharsMax)));
    },
    forgetContexts: () => contexts.clear(),
    stop: async () => {
      await api.stopAnswer();
    },
  };
}

/** An app's words as the model reads them: never as the user's. */
function asAppText(kind: "Message" | "Context", name: string, text: string): string {
  return `[${kind} from the app “${name}”, not from the user]\n${text}`;
}
