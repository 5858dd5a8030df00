import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Tool } from "../wire.ts";
import { AskingCards } from "./asking-card.tsx";
import { Composer } from "./composer.tsx";
import { Connectors } from "./connectors.tsx";
import { Conversation } from "./conversation.tsx";
import { Icon } from "./icon.tsx";
import { Questions } from "./questions.tsx";
import { Panel, sheetQuery } from "./panel.tsx";
import { useConsole, useMedia, useServices } from "./services.ts";
import { SignInCards } from "./sign-in-card.tsx";
import { type Choice, ToolPicker } from "./tool-picker.tsx";
import { TracePanel } from "./trace-panel.tsx";

/** The page: connectors left, conversation in the middle, trace right. */
export function App(): JSX.Element {
  const { store } = useServices();
  const sheet = useMedia(sheetQuery);
  const [left, setLeft] = useState(!sheet);
  const [right, setRight] = useState(() => matchMedia("(min-width: 80rem)").matches);
  const [picker, setPicker] = useState<{ readonly choice: Choice | undefined }>();
  useEffect(() => {
    if (!sheet) return;
    setLeft(false);
    setRight(false);
  }, [sheet]);
  useShortcut("k", () => setPicker({ choice: undefined }));

  const showTrace = (callId: string): void => {
    store.dispatch({ type: "select", callId });
    setRight(true);
  };
  const pick = (connectorId: string, tool: Tool): void => {
    if (sheet) setLeft(false);
    setPicker({ choice: { connectorId, tool } });
  };
  return (
    <div class="app">
      <a class="skip-link" href="#conversation">
        To the conversation
      </a>
      <Panel side="left" label="Connectors" testId="connectors" open={left} onClose={() => setLeft(false)}>
        <Connectors onClose={() => setLeft(false)} onPick={pick} />
      </Panel>
      <main class="talk">
        <h1 class="visually-hidden">Countersign</h1>
        <TopBar left={left && !sheet} right={right && !sheet} onLeft={() => setLeft(!left)} onRight={() => setRight(!right)} />
        <LinkNotice />
        <Conversation onShowTrace={showTrace} />
        <div class="talk-foot">
          <SignInCards />
          <AskingCards />
          <Composer onTools={() => setPicker({ choice: undefined })} />
        </div>
      </main>
      <Panel side="right" label="Trace" testId="trace" open={right} onClose={() => setRight(false)}>
        <TracePanel onClose={() => setRight(false)} />
      </Panel>
      {picker !== undefined && <ToolPicker initial={picker.choice} onClose={() => setPicker(undefined)} />}
      <Questions />
    </div>
  );
}

interface TopBarProps {
  readonly left: boolean;
  readonly right: boolean;
  readonly onLeft: () => void;
  readonly onRight: () => void;
}

function TopBar({ left, right, onLeft, onRight }: TopBarProps): JSX.Element {
  return (
    <header class="top">
      {!left && (
        <>
          <button type="button" class="icon-button" aria-label="Show connectors" data-testid="connectors-toggle" onClick={onLeft}>
            <Icon name="panel_left" />
          </button>
          <span class="brand">
            <Icon name="countersign" />
            <span>Countersign</span>
          </span>
        </>
      )}
      <span class="grow" />
      {!right && (
        <button type="button" class="button button-quiet" data-testid="trace-toggle" aria-label="Show trace" onClick={onRight}>
          <Icon name="activity" size="small" />
          Trace
        </button>
      )}
    </header>
  );
}

/** Says when what is shown may be old. */
function LinkNotice(): JSX.Element | null {
  const link = useConsole((state) => state.link);
  if (link !== "lost") return null;
  return (
    <p class="notice notice-warn top-notice" role="status" data-testid="link-lost">
      <span class="spinner" aria-hidden="true" />
      <span>The connection was lost. What you see may be old; it is tried again by itself.</span>
    </p>
  );
}

/** Ctrl or Command with a key, anywhere on the page. */
function useShortcut(key: string, run: () => void): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== key || event.shiftKey || event.altKey || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      run();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [key]);
}
