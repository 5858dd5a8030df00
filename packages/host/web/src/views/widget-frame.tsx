import { proxySandbox } from "@countersign/protocol/sandbox";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { WidgetLink } from "../bridge/connect.ts";
import type { OpenAiGlobals } from "../bridge/globals.ts";
import { hostContextOf } from "../bridge/host-context.ts";
import { judgeLink } from "../bridge/link.ts";
import { heightMax } from "../bridge/size.ts";
import { allowOf } from "../bridge/permissions.ts";
import type { WidgetHost } from "../bridge/widget-host.ts";
import { parseJson } from "../json.ts";
import type { Call, WidgetView } from "../wire.ts";
import { type Services, useServices } from "./services.ts";

export interface WidgetFrameProps {
  readonly call: Call;
  readonly args: unknown;
  readonly view: WidgetView;
  readonly html: string;
  readonly title: string;
  readonly serverName: string;
  readonly full: boolean;
  readonly onFull: (full: boolean) => void;
  readonly onStop: (message: string) => void;
}

const firstHeight = 240;
/** A view whose frame says nothing for so long is not coming. */
const loadMsMax = 15_000;
const stateCharsMax = 64_000;
const stateKey = (callId: string): string => `countersign.widget-state.${callId}`;

/** The frame itself and its bridge. The address is set only once the bridge listens, so that the frame's first message is heard. */
export function WidgetFrame(props: WidgetFrameProps): JSX.Element {
  const services = useServices();
  const frame = useRef<HTMLIFrameElement>(null);
  const link = useRef<WidgetLink>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const [sized, setSized] = useState(false);

  useEffect(() => {
    const element = frame.current;
    const target = element?.contentWindow;
    if (element === null || target === null || target === undefined) return undefined;
    const resize = (height: number): void => {
      element.style.height = `${height}px`;
      setSized(true);
    };
    element.style.height = `${firstHeight}px`;
    const host = createHost(services, () => latest.current, resize);
    const closed = new AbortController();
    const late = setTimeout(() => latest.current.onStop("The view did not load. Try again, or reload the page."), loadMsMax);
    const onReady = (): void => clearTimeout(late);
    openLink(element, target, latest.current, { host, closed: closed.signal, onReady }).then(
      (opened) => {
        link.current = opened;
      },
      () => latest.current.onStop("The view could not be started. Reload the page."),
    );
    const forget = services.theme.subscribe(() => link.current?.refresh(hostContextOf(host.globals())));
    return () => {
      closed.abort();
      clearTimeout(late);
      forget();
      link.current?.close();
      link.current = undefined;
    };
  }, [services]);

  useEffect(() => {
    link.current?.refresh(hostContextOf(globalsOf(services, props)));
  }, [props.full]);

  return (
    <iframe
      ref={frame}
      class={sized ? "widget-frame" : "widget-frame widget-frame-new"}
      title={props.title}
      sandbox={proxySandbox}
      allow={allowOf(props.view.permissions)}
      data-testid="widget-frame"
      data-widget-id={props.view.id}
    />
  );
}

async function openLink(
  element: HTMLIFrameElement,
  target: Window,
  props: WidgetFrameProps,
  { host, closed, onReady }: { readonly host: WidgetHost; readonly closed: AbortSignal; readonly onReady: () => void },
): Promise<WidgetLink | undefined> {
  const { connectWidget } = await import("../bridge/connect.ts");
  if (closed.aborted) return undefined;
  const link = await connectWidget({
    page: window,
    frame: target,
    view: props.view,
    html: props.html,
    toolArguments: props.args,
    toolResult: props.call.result,
    context: hostContextOf(host.globals()),
    host,
    onReady,
  });
  if (closed.aborted) link.close();
  else element.src = props.view.frameUrl;
  return link;
}

function createHost(services: Services, props: () => WidgetFrameProps, resize: (height: number) => void): WidgetHost {
  const { console, prompts, store } = services;
  return {
    callTool: (name, args) => {
      const { call, view } = props();
      return console.callFromWidget({ connectorId: call.connectorId, widgetId: view.id, callId: call.id }, name, args);
    },
    openLink: async (text) => {
      const { connectors, flows } = store.get();
      const issuers = [...connectors.flatMap((connector) => connector.token?.issuer ?? []), ...Object.values(flows).map((flow) => flow.issuer)];
      const judged = judgeLink(text, issuers);
      return judged.ok && (await prompts.ask({ serverName: props().serverName, url: judged.value }));
    },
    say: (text) => {
      // Words that a model answers cost the user something, so they need the user's click.
      if (store.get().model !== undefined && !navigator.userActivation.isActive) return Promise.resolve(false);
      return console.sayFromApp(props().serverName, text);
    },
    setContext: store.get().model === undefined ? undefined : (text) => console.setAppContext(props().call.id, props().serverName, text),
    resize,
    requestDisplayMode: (mode) => {
      const { full, onFull } = props();
      const wanted = mode === "fullscreen";
      // Going full needs the user's own click; going back does not.
      if (wanted === full || (mode !== "inline" && !wanted) || (wanted && !navigator.userActivation.isActive)) return full ? "fullscreen" : "inline";
      onFull(wanted);
      return wanted ? "fullscreen" : "inline";
    },
    saveState: (state) => {
      const text = JSON.stringify(state ?? null);
      if (text.length > stateCharsMax) return false;
      sessionStorage.setItem(stateKey(props().call.id), text);
      return true;
    },
    globals: () => globalsOf(services, props()),
    onViolation: (message) => props().onStop(`The view was stopped: ${message}.`),
  };
}

function globalsOf({ theme }: Services, { call, args, full }: WidgetFrameProps): OpenAiGlobals {
  const touch = matchMedia("(pointer: coarse)").matches;
  const saved = sessionStorage.getItem(stateKey(call.id));
  return {
    toolInput: args ?? {},
    toolOutput: call.result?.structuredContent ?? null,
    toolResponseMetadata: call.result?.meta ?? null,
    widgetState: saved === null ? null : parseJson(saved),
    theme: theme.shown(),
    displayMode: full ? "fullscreen" : "inline",
    locale: navigator.language,
    maxHeight: full ? window.innerHeight : heightMax,
    safeArea: { insets: { top: 0, right: 0, bottom: 0, left: 0 } },
    userAgent: { device: { type: touch ? "mobile" : "desktop" }, capabilities: { hover: !touch, touch } },
    view: { mode: "inline" },
  };
}
