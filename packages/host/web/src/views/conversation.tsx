import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import type { Entry } from "../state.ts";
import type { Tool } from "../wire.ts";
import { CallCard } from "./call-card.tsx";
import { EmptyConversation } from "./empty-conversation.tsx";
import { Icon } from "./icon.tsx";
import { useConsole } from "./services.ts";
import { useFollow } from "./use-follow.ts";

export interface ConversationProps {
  readonly onShowTrace: (callId: string) => void;
  /** Opens the form of a tool. */
  readonly onPick: (connectorId: string, tool: Tool) => void;
}

/** The conversation. A new turn is brought to the top of the view, as far as there is something below it; who scrolls away is left alone. */
export function Conversation({ onShowTrace, onPick }: ConversationProps): JSX.Element {
  const entries = useConsole((state) => state.entries);
  const scroller = useRef<HTMLDivElement>(null);
  const column = useRef<HTMLDivElement>(null);
  // Words that an app put here without wanting the user's eyes move nothing.
  useFollow(scroller, column, entries.filter((entry) => entry.kind === "call" || entry.quiet !== true).length);
  return (
    <div class="talk-scroll" ref={scroller} tabIndex={-1} id="conversation">
      <div class="talk-column" ref={column} role="log" aria-label="Conversation">
        {entries.length === 0 && <EmptyConversation />}
        {entries.map((entry) =>
          entry.kind === "call" ? (
            <CallCard key={entry.callId} entry={entry} onShowTrace={onShowTrace} onPick={onPick} />
          ) : (
            <Said key={entry.id} entry={entry} />
          ),
        )}
      </div>
    </div>
  );
}

function Said({ entry }: { readonly entry: Extract<Entry, { kind: "said" }> }): JSX.Element {
  if (entry.by === "user") {
    return (
      <div class="asked">
        <p class="bubble result-text">{entry.text}</p>
      </div>
    );
  }
  if (entry.by === "console") {
    return (
      <p class="notice notice-bad" role="alert">
        <Icon name="alert" size="small" />
        <span>{entry.text}</span>
      </p>
    );
  }
  return (
    <div class="answer" data-testid={entry.by === "app" ? "app-text" : "model-text"}>
      <span class="avatar answer-avatar" aria-hidden="true">
        {entry.by === "app" ? entry.name.slice(0, 1) : <Icon name="spark" size="small" />}
      </span>
      <div class="stack tight grow">
        <p class="row snug">
          <span class="strong truncate">{entry.name}</span>
          {entry.by === "app" && <span class="badge">Text from the app</span>}
        </p>
        <p class="result-text">{entry.text}</p>
      </div>
    </div>
  );
}
