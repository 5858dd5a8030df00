import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Entry } from "../state.ts";
import { CallCard } from "./call-card.tsx";
import { EmptyConversation } from "./empty-conversation.tsx";
import { Icon } from "./icon.tsx";
import { useConsole } from "./services.ts";

/** How near to the end counts as "reading the end", in pixels. */
const nearEnd = 120;

/** The conversation; it follows the newest entry only while the reader is at the end. */
export function Conversation({ onShowTrace }: { readonly onShowTrace: (callId: string) => void }): JSX.Element {
  const entries = useConsole((state) => state.entries);
  const phase = useConsole((state) => state.phase);
  const scroller = useRef<HTMLDivElement>(null);
  const column = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const count = useRef(0);

  useEffect(() => {
    const area = scroller.current;
    const content = column.current;
    if (area === null || content === null) return;
    const note = (): void => {
      following.current = area.scrollHeight - area.scrollTop - area.clientHeight < nearEnd;
    };
    const follow = new ResizeObserver(() => {
      if (following.current) area.scrollTop = area.scrollHeight;
    });
    area.addEventListener("scroll", note, { passive: true });
    follow.observe(content);
    follow.observe(area);
    return () => {
      area.removeEventListener("scroll", note);
      follow.disconnect();
    };
  }, []);

  useEffect(() => {
    if (entries.length > count.current && scroller.current !== null) {
      following.current = true;
      scroller.current.scrollTop = scroller.current.scrollHeight;
    }
    count.current = entries.length;
  }, [entries]);

  return (
    <div class="talk-scroll" ref={scroller} tabIndex={-1} id="conversation">
      <div class="talk-column" ref={column} role="log" aria-label="Conversation">
        {entries.length === 0 && phase !== "failed" && <EmptyConversation />}
        {entries.map((entry) =>
          entry.kind === "call" ? <CallCard key={entry.callId} entry={entry} onShowTrace={onShowTrace} /> : <Said key={entry.id} entry={entry} />,
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
