import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { unansweredWords } from "../entries.ts";
import type { Entry, TurnProblem } from "../state.ts";
import { type Call, isCallEnded } from "../wire.ts";
import { Icon } from "./icon.tsx";
import { lazyView } from "./lazy-view.tsx";
import { useConsole, useNow, useServices } from "./services.ts";
import type { WordsProps, WordsView } from "./words-view.tsx";

type Said = Extract<Entry, { kind: "said" }>;

export interface SaidEntryProps {
  readonly entry: Said;
  readonly isLast: boolean;
  /** The reader's eyes are brought to it. */
  readonly turn: true | undefined;
}

/** Words in the conversation, and whose they are. */
export function SaidEntry({ entry, isLast, turn }: SaidEntryProps): JSX.Element {
  if (entry.by === "user") {
    return (
      <div class="asked" data-turn={turn}>
        <p class="bubble result-text">{entry.text}</p>
      </div>
    );
  }
  if (entry.by === "console") return <Notice entry={entry} isLast={isLast} />;
  return (
    <div class="answer" data-testid={entry.by === "app" ? "app-text" : "model-text"} data-turn={turn} aria-busy={entry.writing === true}>
      <span class="avatar answer-avatar" aria-hidden="true">
        {entry.by === "app" ? entry.name.slice(0, 1) : <Icon name="spark" size="small" />}
      </span>
      <div class="stack tight grow">
        <p class="row snug">
          <span class="strong truncate">{entry.name}</span>
          {entry.by === "app" && <span class="badge">Text from the app</span>}
        </p>
        {entry.by === "app" ? <p class="result-text">{entry.text}</p> : <Words text={entry.text} writing={entry.writing === true} />}
      </div>
    </div>
  );
}

const loadWords = async (): Promise<typeof WordsView> => (await import("./words-view.tsx")).WordsView;
/** Where the reader of Markdown cannot be loaded, the words are there as they were written. */
const Words = lazyView<WordsProps>(loadWords, ({ text }) => <p class="result-text">{text}</p>);

/** What the console itself has to say. What the user wanted so is said quietly. */
function Notice({ entry, isLast }: { readonly entry: Said; readonly isLast: boolean }): JSX.Element {
  const code = entry.problem?.code;
  if (code === "cancelled") {
    return (
      <p class="small quiet" data-testid="turn-problem" data-code={code}>
        {entry.text}
      </p>
    );
  }
  return (
    <div class="notice notice-bad" role="alert" data-testid="turn-problem" data-code={code}>
      <Icon name="alert" size="small" />
      <div class="stack tight grow">
        <p>{entry.text}</p>
        {isLast && entry.problem?.retryable === true && <Again id={entry.id} problem={entry.problem} />}
      </div>
    </div>
  );
}

/** Says the same again, not before the endpoint wants to be asked. Where the model has called something already, it is for the user to say what next. */
function Again({ id, problem }: { readonly id: string; readonly problem: TurnProblem }): JSX.Element | null {
  const { console } = useServices();
  const now = useNow(1000);
  const can = useConsole((state) => unansweredWords(state.entries) !== undefined && state.answering === undefined);
  const waitS = Math.max(0, Math.ceil(((problem.retryAt ?? 0) - now) / 1000));
  if (!can) return null;
  return (
    <p>
      <button type="button" class="button-link" data-testid="say-again" disabled={waitS > 0} onClick={() => void console.sayAgain(id)}>
        {waitS > 0 ? `Try again in ${waitS} s` : "Try again"}
      </button>
    </p>
  );
}

function isRunning(call: Call | undefined): boolean {
  return call?.origin === "model" && !isCallEnded(call);
}

/** Holds the place of the answer until it begins, in its shape, so that nothing moves when it does. */
export function Thinking(): JSX.Element | null {
  const waits = useConsole((state) => {
    if (state.answering !== "here") return false;
    const turn = state.entries.slice(state.entries.findLastIndex((entry) => entry.kind === "said" && entry.by !== "model"));
    // What is written, and a call that runs, say so themselves.
    return !turn.some((entry) => {
      if (entry.kind === "said") return entry.writing === true;
      return entry.kind === "draft" ? entry.unmade === undefined : isRunning(state.calls[entry.callId]);
    });
  });
  useEffect(() => {
    // The words will need it: it is here when they come. A failure is told in their place.
    if (waits) void loadWords().catch(() => undefined);
  }, [waits]);
  if (!waits) return null;
  return (
    <div class="answer" data-testid="thinking">
      <span class="avatar answer-avatar" aria-hidden="true">
        <Icon name="spark" size="small" />
      </span>
      <div class="stack tight grow">
        <p class="row snug">
          <span class="strong">Assistant</span>
        </p>
        <p class="row snug quiet">
          <span class="spinner" aria-hidden="true" />
          Thinking
        </p>
      </div>
    </div>
  );
}
