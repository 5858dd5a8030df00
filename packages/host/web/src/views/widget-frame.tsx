import { frameRightsOf } from "@countersign/protocol/profile-view";
import { proxySandboxFor } from "@countersign/protocol/sandbox";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { WidgetLink } from "../bridge/connect.ts";
import type { OpenAiGlobals } from "../bridge/globals.ts";
import { allowOf } from "../bridge/permissions.ts";
import type { Ending, ToolInput } from "../bridge/tell-call.ts";
import type { WidgetHost } from "../bridge/widget-host.ts";
import { onceSeenFor, sightOf } from "../sight-clock.ts";
import { globalsOf } from "../view-globals.ts";
import { createGrowth, type ViewHeights, type ViewKind } from "../view-heights.ts";
import { createViewHost, type ViewPlace } from "../view-host.ts";
import type { Call, Tool } from "../wire.ts";
import { isWriting } from "../written-call.ts";
import { type Services, useServices } from "./services.ts";

export interface WidgetFrameProps extends ViewPlace {
  readonly html: string;
  readonly title: string;
  readonly tool: Tool | undefined;
  /** The frame's page was in sight for long, or has loaded, and has said nothing. */
  readonly onLate: () => void;
  /** The frame's page has loaded once more. */
  readonly onAnew: () => void;
}

/** A view whose frame says nothing for so long is not coming. */
const loadMsMax = 15_000;
/** A page that has loaded speaks before; what says nothing for so long is the browser's own page about an address that it could not open. */
const silentMsMax = 3000;
const smallQuery = "(max-width: 40rem)";

/** The frame itself and its bridge. The address is set only once the bridge listens, so that the frame's first message is heard. */
export function WidgetFrame(props: WidgetFrameProps): JSX.Element {
  const services = useServices();
  const frame = useRef<HTMLIFrameElement>(null);
  const link = useRef<WidgetLink>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const [sized, setSized] = useState(false);

  // Before the first paint: a frame that is low for one picture moves what follows it twice.
  useLayoutEffect(() => {
    const reserved = reservedFor(services.views.heights, latest.current);
    if (reserved !== undefined && frame.current !== null) frame.current.style.height = `${reserved}px`;
  }, [services]);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return undefined;
    const place = (): WidgetFrameProps => latest.current;
    const growth = growIn(element, services.views.heights, place);
    const resize = (height: number): void => {
      growth.ask(height);
      setSized(true);
    };
    const globals = (): OpenAiGlobals => readGlobals(services, place(), element);
    const host = createViewHost(services, { place, resize, globals, isSmall: () => matchMedia(smallQuery).matches });
    const closed = new AbortController();
    const wait = awaitPage(element, place);
    openLink(element, { services, place, host, closed: closed.signal, wait }).then(
      (opened) => {
        link.current = opened;
      },
      () => latest.current.onStop("The view could not be started. Reload the page."),
    );
    const refresh = coalesce(() => void tellContext(link.current, host, place()));
    const forget = [services.theme.subscribe(refresh), services.store.subscribe(refresh)];
    addEventListener("resize", refresh);
    return () => {
      closed.abort();
      wait.end();
      growth.stop();
      for (const each of forget) each();
      removeEventListener("resize", refresh);
      link.current?.close();
      link.current = undefined;
    };
  }, [services]);

  const whole = !isWriting(props.call);
  useEffect(() => link.current?.input({ arguments: props.args, whole }), [props.args, whole]);
  useEffect(() => {
    const ending = endingOf(props.call);
    if (ending !== undefined) link.current?.end(ending);
  }, [props.call]);

  return (
    <iframe
      ref={frame}
      class={sized ? "widget-frame" : "widget-frame widget-frame-new"}
      title={props.title}
      sandbox={proxySandboxFor(frameRightsOf(props.view.profile).flags)}
      allow={allowOf(props.view.permissions)}
      data-testid="widget-frame"
      data-widget-id={props.view.id}
    />
  );
}

/** Gives the frame the room that the last view of its kind came to have, and then what it asks for. Only heights in the conversation say something about the next one. */
function growIn(element: HTMLElement, heights: ViewHeights, place: () => WidgetFrameProps): ReturnType<typeof createGrowth> {
  const kind = kindOf(place());
  const apply = (height: number): void => {
    element.style.height = `${height}px`;
  };
  const reserved = reservedFor(heights, place());
  const schedule = (run: () => void, delayMs: number): (() => void) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  };
  const onSettled = (height: number): void => {
    if (place().mode === "inline") heights.note(kind, height);
  };
  return createGrowth({ reserved, apply, onSettled, schedule });
}

function reservedFor(heights: ViewHeights, shown: WidgetFrameProps): number | undefined {
  return shown.mode === "modal" ? undefined : heights.known(kindOf(shown));
}

function kindOf({ call, view }: Pick<WidgetFrameProps, "call" | "view">): ViewKind {
  return { connectorId: call.connectorId, tool: call.tool, resourceUri: view.resourceUri };
}

interface Opening {
  readonly services: Services;
  readonly place: () => WidgetFrameProps;
  readonly host: WidgetHost;
  readonly closed: AbortSignal;
  readonly wait: PageWait;
}

interface PageWait {
  /** The frame is sent to its page now. */
  readonly begin: () => void;
  /** The page has spoken. */
  readonly spoken: () => void;
  readonly end: () => void;
}

/**
 * Notices that a frame's page is not coming, and that it has loaded once more: a frame that is moved in the document gets another window and another page, which
 * nobody listens to.
 */
function awaitPage(element: HTMLElement, place: () => Pick<WidgetFrameProps, "onLate" | "onAnew">): PageWait {
  const onLate = (): void => place().onLate();
  let stop = onceSeenFor(loadMsMax, onLate, sightOf(document));
  let loaded = false;
  let spoken = false;
  const onLoad = (): void => {
    if (loaded) return place().onAnew();
    loaded = true;
    if (spoken) return;
    stop();
    stop = onceSeenFor(silentMsMax, onLate, sightOf(document));
  };
  return {
    begin: () => element.addEventListener("load", onLoad),
    spoken: () => {
      spoken = true;
      stop();
    },
    end: () => {
      element.removeEventListener("load", onLoad);
      stop();
    },
  };
}

async function openLink(element: HTMLIFrameElement, opening: Opening): Promise<WidgetLink | undefined> {
  const { services, place, host, closed, wait } = opening;
  const [{ connectWidget }, { hostContextOf }] = await Promise.all([import("../bridge/connect.ts"), import("../bridge/host-context.ts")]);
  // Only now: the frame may have been moved while the code was loaded, and would have another window since.
  const target = element.contentWindow;
  if (closed.aborted || target === null) return undefined;
  const props = place();
  const link = await connectWidget({
    page: window,
    frame: target,
    view: props.view,
    html: props.html,
    input: inputOf(props),
    ending: endingOf(props.call),
    context: hostContextOf({ globals: host.globals(), view: props.view, call: props.call, tool: props.tool, small: matchMedia(smallQuery).matches }),
    host,
    onReady: wait.spoken,
    onAnew: () => place().onAnew(),
  });
  if (closed.aborted) {
    link.close();
    return undefined;
  }
  closed.addEventListener("abort", services.views.open.add(props.view.id, link), { once: true });
  wait.begin();
  element.src = props.view.frameUrl;
  // The call may have gone on, or ended, while the bridge was made.
  link.input(inputOf(place()));
  const ending = endingOf(place().call);
  if (ending !== undefined) link.end(ending);
  return link;
}

async function tellContext(link: WidgetLink | undefined, host: WidgetHost, { view, call, tool }: WidgetFrameProps): Promise<void> {
  if (link === undefined) return;
  const { hostContextOf } = await import("../bridge/host-context.ts");
  link.refresh(hostContextOf({ globals: host.globals(), view, call, tool, small: matchMedia(smallQuery).matches }));
}

function inputOf({ args, call }: Pick<WidgetFrameProps, "args" | "call">): ToolInput {
  return { arguments: args, whole: !isWriting(call) };
}

/** How a call has ended, for its view; undefined while it runs. */
function endingOf(call: Call): Ending | undefined {
  if (call.result !== undefined) return { kind: "result", result: call.result };
  return call.error === undefined ? undefined : { kind: "cancelled", reason: call.error.message };
}

function readGlobals(services: Services, shown: WidgetFrameProps, element: HTMLElement): OpenAiGlobals {
  return globalsOf({
    shown,
    state: services.store.get(),
    widgetState: services.views.states.latest(shown.view),
    theme: services.theme.shown(),
    locale: navigator.language,
    touch: matchMedia("(pointer: coarse)").matches,
    placeHeight: element.clientHeight,
  });
}

/** Many changes within one frame are told once. */
function coalesce(run: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      run();
    });
  };
}
