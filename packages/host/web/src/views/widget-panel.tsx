import type { DisplayMode } from "@countersign/protocol/host-profile-view";
import type { HostProfile } from "@countersign/protocol/ladder";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { modesOf } from "../bridge/modes.ts";
import type { Call, Tool, WidgetView } from "../wire.ts";
import { hostOf } from "../wire.ts";
import { Icon } from "./icon.tsx";
import { BarButton, BarName } from "./widget-bar.tsx";
import { useConsole, useServices } from "./services.ts";
import { useEscape } from "./use-escape.ts";
import { useSoleFocus } from "./use-sole-focus.ts";
import { WidgetFrame } from "./widget-frame.tsx";
import { WidgetModal } from "./widget-modal.tsx";

export interface WidgetPanelProps {
  readonly call: Call;
  readonly args: unknown;
  readonly tool: Tool;
  readonly resourceUri: string;
}

/** The app's view of one call, in a frame whose edge and name belong to the host (V08). */
export function WidgetPanel({ call, args, tool, resourceUri }: WidgetPanelProps): JSX.Element {
  const { console, store, views } = useServices();
  const widget = useConsole((state) => state.widgets[call.id]);
  const connector = useConsole((state) => state.connectors.find((known) => known.id === call.connectorId));
  const stage = useConsole((state) => state.stage);
  const mode: DisplayMode = stage?.callId === call.id ? stage.mode : "inline";
  const [generation, setGeneration] = useState(0);
  const section = useRef<HTMLElement>(null);
  const profile = useConsole((state) => state.profile);
  const load = (): void => void console.loadWidget(call.id, resourceUri);
  useEffect(() => {
    if (store.get().widgets[call.id] === undefined) load();
  }, [call.id]);
  const setMode = (next: DisplayMode): void => {
    if (next !== mode) store.dispatch({ type: "stage", stage: next === "inline" ? undefined : { callId: call.id, mode: next } });
  };
  useOtherHost({
    made: widget?.state === "ready" ? widget.view.profile : undefined,
    profile,
    onOther: () => {
      setMode("inline");
      void console.reloadWidget(call.id, resourceUri);
    },
  });
  useEscape(mode === "fullscreen", () => setMode("inline"));
  useSoleFocus(section, mode === "fullscreen");
  const name = connector?.name ?? "App";
  useDescription(name, widget?.state === "ready" ? widget.view : undefined);

  if (widget?.state === "failed" || widget?.state === "unloaded") {
    return <WidgetOff name={name} problem={widget.state === "failed" ? widget.message : undefined} onLoad={load} />;
  }
  const border = widget?.state !== "ready" || widget.view.prefersBorder;
  return (
    <>
      {mode !== "inline" && <Away name={name} onBack={() => setMode("inline")} />}
      <section
        ref={section}
        class={["widget", ...(mode === "inline" ? [] : [`widget-${mode}`]), ...(border ? [] : ["widget-plain"])].join(" ")}
        aria-label={`View of ${name}`}
        data-testid="widget"
        data-mode={mode}
      >
        {widget?.state === "ready" && connector !== undefined ? (
          <Shown
            key={`${widget.view.id} ${generation}`}
            call={call}
            args={args}
            tool={tool}
            view={widget.view}
            name={name}
            host={hostOf(connector.url)}
            mode={mode}
            onMode={setMode}
            onRestart={() => setGeneration(generation + 1)}
            isFirst={generation === 0}
          />
        ) : (
          <>
            <div class="widget-bar">
              <BarName name={name} host={connector === undefined ? "" : hostOf(connector.url)} />
            </div>
            <ViewSkeleton height={views.heights.known({ connectorId: call.connectorId, tool: call.tool, resourceUri })} />
          </>
        )}
      </section>
    </>
  );
}

/** What stands in a view's place until there is a frame, as high as the last view of its kind. */
function ViewSkeleton({ height }: { readonly height: number | undefined }): JSX.Element {
  return <div class="skeleton view-skeleton" style={height === undefined ? {} : { height: `${height}px` }} aria-hidden="true" />;
}

interface ShownProps {
  readonly call: Call;
  readonly args: unknown;
  readonly tool: Tool;
  readonly view: WidgetView;
  readonly name: string;
  readonly host: string;
  readonly mode: DisplayMode;
  readonly onMode: (mode: DisplayMode) => void;
  readonly onRestart: () => void;
  /** Nobody has restarted it yet. */
  readonly isFirst: boolean;
}

/** The host's bar, the frame below it, and the dialog that the view may open. */
function Shown({ call, args, tool, view, name, host, mode, onMode, onRestart, isFirst }: ShownProps): JSX.Element {
  const { console, store, views } = useServices();
  const [openInApp, setOpenInApp] = useState<URL>();
  const [modal, setModal] = useState<{ readonly view: WidgetView; readonly params: unknown }>();
  const stop = (message: string): void => store.dispatch({ type: "widget", callId: call.id, widget: { state: "failed", message } });
  const close = (): void => void console.closeWidget(call.id);
  const showModal = async ({ template, params }: { readonly template: string | undefined; readonly params: unknown }): Promise<boolean> => {
    const made = await console.openTemplate(call.id, template ?? view.resourceUri);
    if (made.ok && made.value.html !== undefined) setModal({ view: made.value, params });
    return made.ok;
  };
  const restart = async (): Promise<void> => {
    await views.open.teardown([view.id]);
    onRestart();
  };
  const title = `${tool.title}, ${name}`;
  return (
    <>
      <Bar {...{ name, host, mode, profile: view.profile, openInApp, onMode }} onRestart={() => void restart()} onClose={close} />
      <WidgetFrame
        call={call}
        args={args}
        tool={tool}
        view={view}
        html={view.html ?? ""}
        title={title}
        serverName={name}
        mode={mode}
        onMode={onMode}
        onModal={showModal}
        onOpenInApp={setOpenInApp}
        onClose={close}
        onStop={stop}
        onAnew={onRestart}
        // The first time it is tried again without a word.
        onLate={() => (isFirst ? onRestart() : stop("The view did not load. Try again, or reload the page."))}
      />
      {modal !== undefined && (
        <WidgetModal
          call={call}
          args={args}
          tool={tool}
          view={modal.view}
          params={modal.params}
          name={name}
          host={host}
          onClose={() => setModal(undefined)}
        />
      )}
    </>
  );
}

interface BarProps {
  readonly name: string;
  readonly host: string;
  readonly mode: DisplayMode;
  readonly profile: HostProfile;
  readonly openInApp: URL | undefined;
  readonly onMode: (mode: DisplayMode) => void;
  readonly onRestart: () => void;
  readonly onClose: () => void;
}

/** What the host itself offers of a view. */
function Bar({ name, host, mode, profile, openInApp, onMode, onRestart, onClose }: BarProps): JSX.Element {
  const { prompts } = useServices();
  const expands = mode !== "inline" || modesOf(profile, false).includes("fullscreen");
  return (
    <div class="widget-bar">
      <BarName name={name} host={host} />
      {mode === "fullscreen" && openInApp !== undefined && (
        <button
          type="button"
          class="button button-small"
          data-testid="widget-open-in-app"
          onClick={() => void prompts.ask({ kind: "link", serverName: name, url: openInApp })}
        >
          Open in {openInApp.host}
        </button>
      )}
      <BarButton icon="refresh" label="Restart this view" testId="widget-restart" onClick={onRestart} />
      {expands && (
        <BarButton
          icon={mode === "inline" ? "expand" : "minus"}
          label={mode === "inline" ? "Show in full" : "Back to the conversation"}
          testId="widget-expand"
          onClick={() => onMode(mode === "inline" ? "fullscreen" : "inline")}
        />
      )}
      <BarButton icon="close" label="Close this view" testId="widget-unload" onClick={onClose} />
    </div>
  );
}

function WidgetOff({
  name,
  problem,
  onLoad,
}: {
  readonly name: string;
  readonly problem: string | undefined;
  readonly onLoad: () => void;
}): JSX.Element {
  const failed = problem !== undefined;
  return (
    <div class={failed ? "notice notice-bad" : "notice"} data-testid="widget-off">
      <Icon name={failed ? "alert" : "info"} size="small" />
      <div class="row snug between grow wrap">
        <span>{problem ?? `The view of ${name} is closed.`}</span>
        <button type="button" class="button-link" data-testid="widget-load" onClick={onLoad}>
          {failed ? "Try again" : "Show it again"}
        </button>
      </div>
    </div>
  );
}

/** What stands in the conversation while its view is elsewhere. */
function Away({ name, onBack }: { readonly name: string; readonly onBack: () => void }): JSX.Element {
  return (
    <p class="notice" data-testid="widget-away">
      <Icon name="expand" size="small" />
      <span class="grow">{name} is shown outside the conversation.</span>
      <button type="button" class="button-link" onClick={onBack}>
        Bring it back
      </button>
    </p>
  );
}

/** The app's words on what the view shows, for the model's next turn. */
function useDescription(name: string, view: WidgetView | undefined): void {
  const { console } = useServices();
  const { id, description } = view ?? {};
  useEffect(() => {
    if (id !== undefined && description !== undefined) console.setAppContext(`${id} view`, name, `The user sees a view of this app: ${description}`);
  }, [id, description]);
}

interface OtherHost {
  /** The host that is acted out for the view that is shown. */
  readonly made: HostProfile | undefined;
  /** The one that the user chose. */
  readonly profile: HostProfile;
  readonly onOther: () => void;
}

/** A view is of one host as long as it lives. It is made anew when another is chosen: once, because a page that missed something must not do so for ever. */
function useOtherHost({ made, profile, onOther }: OtherHost): void {
  const asked = useRef(profile);
  useEffect(() => {
    if (made === undefined || made === profile || asked.current === profile) return;
    asked.current = profile;
    onOther();
  }, [made, profile]);
}
