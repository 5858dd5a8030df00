import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Tool } from "../wire.ts";
import { AskingCards } from "./asking-cards.tsx";
import { Composer } from "./composer.tsx";
import { ConnectorDialog, type ConnectorDialogProps } from "./connector-dialog.tsx";
import { Connectors } from "./connectors.tsx";
import { Conversation } from "./conversation.tsx";
import { Icon } from "./icon.tsx";
import { Questions } from "./questions.tsx";
import { Panel, sheetQuery } from "./panel.tsx";
import { ProfileMark } from "./profile-switch.tsx";
import { useConsole, useMedia, useServices } from "./services.ts";
import { SignInCards } from "./sign-in-card.tsx";
import { type Choice, ToolPicker } from "./tool-picker.tsx";
import { TracePanel } from "./trace-panel.tsx";

/** The page: connectors left, conversation in the middle, trace right. */
export function App(): JSX.Element {
  const { store } = useServices();
  const { sheet, left, right, setOpen } = useSides();
  const [picker, setPicker] = useState<{ readonly choice: Choice | undefined }>();
  const [form, setForm] = useState<Pick<ConnectorDialogProps, "connectorId">>();
  useShortcut("k", () => setPicker({ choice: undefined }));

  const showTrace = (callId: string): void => {
    store.dispatch({ type: "select", callId });
    setOpen("right", true);
  };
  const pick = (connectorId: string, tool: Tool): void => {
    if (sheet) setOpen("left", false);
    setPicker({ choice: { connectorId, tool } });
  };
  const hideLeft = (): void => setOpen("left", false);
  const hideRight = (): void => setOpen("right", false);
  return (
    <div class="app">
      <a class="skip-link" href="#conversation">
        To the conversation
      </a>
      <Panel side="left" label="Connectors" testId="connectors" open={left} onClose={hideLeft}>
        <Connectors onClose={hideLeft} onPick={pick} onForm={(connectorId) => setForm({ connectorId })} />
      </Panel>
      <main class="talk">
        <h1 class="visually-hidden">Countersign</h1>
        <TopBar left={left && !sheet} right={right && !sheet} onShow={(side) => setOpen(side, true)} />
        <LinkNotice />
        <Conversation onShowTrace={showTrace} onPick={pick} />
        <div class="talk-foot">
          <SignInCards />
          <AskingCards />
          <Composer onTools={() => setPicker({ choice: undefined })} />
        </div>
      </main>
      <Panel side="right" label="Trace" testId="trace" open={right} onClose={hideRight}>
        <TracePanel onClose={hideRight} />
      </Panel>
      {picker !== undefined && <ToolPicker initial={picker.choice} onClose={() => setPicker(undefined)} />}
      {form !== undefined && <ConnectorDialog {...form} onClose={() => setForm(undefined)} />}
      <Questions />
    </div>
  );
}

type Side = "left" | "right";

interface Sides {
  readonly sheet: boolean;
  readonly left: boolean;
  readonly right: boolean;
  readonly setOpen: (side: Side, open: boolean) => void;
}

/** Which panels are shown. As sheets they begin closed, one at a time; beside the conversation they stay as the user left them, over a turn of the tablet too. */
function useSides(): Sides {
  const sheet = useMedia(sheetQuery);
  const [beside, setBeside] = useState(() => ({ left: true, right: matchMedia("(min-width: 80rem)").matches }));
  const [over, setOver] = useState<Side>();
  useEffect(() => setOver(undefined), [sheet]);
  return {
    sheet,
    left: sheet ? over === "left" : beside.left,
    right: sheet ? over === "right" : beside.right,
    setOpen: (side, open) => {
      if (sheet) setOver((shown) => (open ? side : shown === side ? undefined : shown));
      else setBeside((shown) => ({ ...shown, [side]: open }));
    },
  };
}

interface TopBarProps {
  /** Whether the panel stands beside the conversation, with its own button to hide it. */
  readonly left: boolean;
  readonly right: boolean;
  readonly onShow: (side: Side) => void;
}

function TopBar({ left, right, onShow }: TopBarProps): JSX.Element {
  return (
    <header class="top">
      {!left && (
        <>
          <button type="button" class="icon-button" aria-label="Show connectors" data-testid="connectors-toggle" onClick={() => onShow("left")}>
            <Icon name="panel_left" />
          </button>
          <span class="brand">
            <Icon name="countersign" />
            <span>Countersign</span>
          </span>
        </>
      )}
      <ProfileMark onShow={() => onShow("left")} />
      <span class="grow" />
      {!right && (
        <button type="button" class="button button-quiet" data-testid="trace-toggle" aria-label="Show trace" onClick={() => onShow("right")}>
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
