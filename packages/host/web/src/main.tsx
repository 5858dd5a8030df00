import "@countersign/look/look.css";
import { render } from "preact";
import { createAnswers } from "./answers.ts";
import { createApi } from "./api.ts";
import "./console.css";
import { createConsole } from "./console.ts";
import { linkEvents } from "./event-link.ts";
import { createAppWindows } from "./app-windows.ts";
import { createConversationId } from "./conversation-id.ts";
import { createOpenViews } from "./open-views.ts";
import { createViewHeights } from "./view-heights.ts";
import { createViewStates } from "./view-states.ts";
import { createPrompts } from "./prompts.ts";
import { awaitsEvents } from "./reread.ts";
import { linkSharedEvents } from "./shared-events.ts";
import { createSignIn } from "./sign-in.ts";
import { openSignInWindow } from "./sign-in-window.ts";
import { createStore } from "./store.ts";
import { createTheme } from "./theme.ts";
import { App } from "./views/app.tsx";
import { ServicesContext } from "./views/services.ts";

/** How often pending calls and sign-ins are read again, in case an event was lost. */
const rereadEveryMs = 15_000;

const store = createStore();
const api = createApi((input, init) => fetch(input, init));
const signIn = createSignIn({
  store,
  openWindow: () => openSignInWindow(window),
  isActivated: () => navigator.userActivation.isActive,
  now: Date.now,
  cancelFlow: api.cancelFlow,
  startDevice: api.startDevice,
  beginConnectorFlow: api.signInConnector,
  origin: location.origin,
});
const answers = createAnswers({
  store,
  openWindow: () => openSignInWindow(window),
  answerCall: api.answerCall,
  cancelCall: api.cancelCall,
  now: Date.now,
  origin: location.origin,
});
addEventListener("focus", () => answers.returned());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") answers.returned();
});
const open = createOpenViews();
const newId = (): string => crypto.randomUUID();
const conversation = createConversationId({ storage: sessionStorage, newId });
const page = createConsole({ store, api, signIn, open, conversation, now: Date.now, newId, storage: sessionStorage });

store.subscribe(() => {
  const { connectors, tools } = store.get();
  for (const connector of connectors) {
    if (connector.status === "connected" && tools[connector.id] === undefined) void page.loadTools(connector.id);
  }
});

const onLive = (): void => {
  store.dispatch({ type: "link", link: "live" });
  // What happened between the first read and now has no event.
  void page.refresh();
};
const onLost = (): void => store.dispatch({ type: "link", link: "lost" });
const after = (run: () => void, delayMs: number): (() => void) => {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
};

const followEvents = (): void => {
  const events = linkSharedEvents({
    connect: (onFailure) => {
      if (!("SharedWorker" in globalThis)) return undefined;
      const worker = new SharedWorker(new URL("./event-worker.ts", import.meta.url), { type: "module", name: "countersign-events" });
      worker.addEventListener("error", onFailure);
      return worker.port;
    },
    // The session may have ended meanwhile; reading it starts a new one.
    direct: () =>
      linkEvents({
        open: (url) => new EventSource(url),
        onEvent: page.onEvent,
        onLive,
        onLost,
        schedule: (run, delayMs) => after(() => void page.refresh().then(run), delayMs),
      }),
    onEvent: page.onEvent,
    onLive,
    onLost,
    schedule: after,
  });
  addEventListener("pagehide", events.pause);
  addEventListener("pageshow", (event) => {
    if (event.persisted) events.resume();
  });
};
// The first answer brings the session's cookie; a stream opened before it would belong to nobody.
const unfollow = store.subscribe(() => {
  if (store.get().phase !== "ready") return;
  unfollow();
  followEvents();
});
setInterval(() => {
  if (awaitsEvents(store.get())) void page.refresh();
}, rereadEveryMs);
void page.start();

const isActivated = (): boolean => navigator.userActivation.isActive;
const windows = createAppWindows({ store, api, openWindow: () => openSignInWindow(window), isActivated, now: Date.now });
const views = { states: createViewStates(api.saveWidgetState), windows, open, heights: createViewHeights(sessionStorage) };
const services = { store, api, console: page, signIn, answers, prompts: createPrompts(), theme: createTheme(window), views };
const root = document.getElementById("app");
if (root !== null) {
  render(
    <ServicesContext.Provider value={services}>
      <App />
    </ServicesContext.Provider>,
    root,
  );
}
