import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Call, WidgetView } from "../wire.ts";
import { hostOf } from "../wire.ts";
import { Icon } from "./icon.tsx";
import { useConsole, useServices } from "./services.ts";
import { useEscape } from "./use-escape.ts";
import { WidgetFrame } from "./widget-frame.tsx";

export interface WidgetPanelProps {
  readonly call: Call;
  readonly args: unknown;
  readonly resourceUri: string;
  readonly title: string;
}

/** The app's view of one call, in a frame whose edge and name belong to the host (V08). */
export function WidgetPanel({ call, args, resourceUri, title }: WidgetPanelProps): JSX.Element {
  const { console, store } = useServices();
  const widget = useConsole((state) => state.widgets[call.id]);
  const connector = useConsole((state) => state.connectors.find((known) => known.id === call.connectorId));
  const [generation, setGeneration] = useState(0);
  const [full, setFull] = useState(false);
  const load = (): void => void console.loadWidget(call.id, resourceUri);
  useEffect(() => {
    if (store.get().widgets[call.id] === undefined) load();
  }, [call.id]);

  useEscape(full, () => setFull(false));

  const name = connector?.name ?? "App";
  if (widget?.state === "failed" || widget?.state === "unloaded") {
    const failed = widget.state === "failed";
    return (
      <div class={failed ? "notice notice-bad" : "notice"} data-testid="widget-off">
        <Icon name={failed ? "alert" : "info"} size="small" />
        <div class="row snug between grow wrap">
          <span>{failed ? widget.message : `The view of ${name} is closed.`}</span>
          <button type="button" class="button-link" data-testid="widget-load" onClick={load}>
            {failed ? "Try again" : "Show it again"}
          </button>
        </div>
      </div>
    );
  }
  const stop = (message: string): void => store.dispatch({ type: "widget", callId: call.id, widget: { state: "failed", message } });
  return (
    <section
      class={full ? "widget widget-full" : "widget"}
      aria-label={`View of ${name}`}
      data-testid="widget"
      data-mode={full ? "fullscreen" : "inline"}
    >
      <div class="widget-bar">
        <Icon name="plug" size="small" />
        <span class="small grow truncate">
          <span class="strong">{name}</span> <span class="quiet">{connector === undefined ? "" : hostOf(connector.url)}</span>
        </span>
        <BarButton icon="refresh" label="Restart this view" testId="widget-restart" onClick={() => setGeneration(generation + 1)} />
        <BarButton icon="expand" label={full ? "Back to the conversation" : "Show in full"} testId="widget-expand" onClick={() => setFull(!full)} />
        <BarButton
          icon="close"
          label="Close this view"
          testId="widget-unload"
          onClick={() => store.dispatch({ type: "widget", callId: call.id, widget: { state: "unloaded" } })}
        />
      </div>
      {widget?.state === "ready" && connector !== undefined ? (
        <WidgetFrame
          key={`${widget.view.id} ${generation}`}
          call={call}
          args={args}
          view={widget.view}
          html={htmlOf(widget.view)}
          title={`${title}, ${name}`}
          serverName={name}
          full={full}
          onFull={setFull}
          onStop={stop}
        />
      ) : (
        <div class="skeleton view-skeleton" aria-hidden="true" />
      )}
    </section>
  );
}

function htmlOf(view: WidgetView): string {
  return view.html ?? "";
}

function BarButton({
  icon,
  label,
  testId,
  onClick,
}: {
  readonly icon: "refresh" | "expand" | "close";
  readonly label: string;
  readonly testId: string;
  readonly onClick: () => void;
}): JSX.Element {
  return (
    <button type="button" class="icon-button icon-button-small" aria-label={label} title={label} data-testid={testId} onClick={onClick}>
      <Icon name={icon} size="small" />
    </button>
  );
}
