import { Component, type JSX } from "preact";
import { useRef } from "preact/hooks";
import type { Entry } from "../state.ts";
import type { Tool } from "../wire.ts";
import { CallCard } from "./call-card.tsx";
import { EmptyConversation } from "./empty-conversation.tsx";
import { SaidEntry, Thinking } from "./said-entry.tsx";
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
  useFollow(scroller, column, entries.filter(beginsTurn).length);
  return (
    <div class="talk-scroll" ref={scroller} tabIndex={0} id="conversation">
      <div class="talk-column" ref={column} role="log" aria-label="Conversation">
        {entries.length === 0 && <EmptyConversation />}
        {entries.map((entry) => (
          <EntryView key={keyOf(entry)} entry={entry} isLast={entry === entries.at(-1)} onShowTrace={onShowTrace} onPick={onPick} />
        ))}
        <Thinking />
      </div>
    </div>
  );
}

/** Whose place the reader's eyes go to: what the user did and what an app said, not each piece of what the model makes of it. Quiet words move nothing. */
function beginsTurn(entry: Entry): boolean {
  if (entry.kind === "said") return (entry.by === "user" || entry.by === "app") && entry.quiet !== true;
  return entry.kind === "call" && entry.draft === undefined;
}

/** The same from a call's first word to its result, so that its view lives on. */
function keyOf(entry: Entry): string {
  return entry.kind === "call" ? (entry.draft ?? entry.callId) : entry.id;
}

interface EntryViewProps extends ConversationProps {
  readonly entry: Entry;
  readonly isLast: boolean;
}

/** Renders again only when its own entry has changed: while the model writes, the others stand still. */
class EntryView extends Component<EntryViewProps> {
  override shouldComponentUpdate(next: EntryViewProps): boolean {
    const { entry, isLast, onShowTrace, onPick } = this.props;
    return next.entry !== entry || next.isLast !== isLast || next.onShowTrace !== onShowTrace || next.onPick !== onPick;
  }

  override render({ entry, isLast, onShowTrace, onPick }: EntryViewProps): JSX.Element {
    const turn = beginsTurn(entry) ? true : undefined;
    if (entry.kind === "said") return <SaidEntry entry={entry} isLast={isLast} turn={turn} />;
    return <CallCard entry={entry} turn={turn} onShowTrace={onShowTrace} onPick={onPick} />;
  }
}
