import "@countersign/look/look.css";
import { render } from "preact";
import { createApi } from "./api.ts";
import "./console.css";
import { createConsole } from "./console.ts";
import { linkEvents } from "./event-link.ts";
import { createPrompts } from "./prompts.ts";
import { createSignIn } from "./sign-in.ts";
import { openSignInWindow } from "./sign-in-window.ts";
import { isCallEnded } from "./wire.ts";
import { ownCallIds } from "./state.ts";
import { createStore } from "./store.ts";
import { createTheme } from "./theme.ts";
import { App } from "./views/app.tsx";
import { ServicesContext } from "./views/services.ts";

/** How often pending calls are read again, in case an event was lost. */
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
  origin: location.origin,
});
const page = createConsole({ store, api, signIn, now: Date.now, newId: () => crypto.randomUUID(), storage: sessionStorage });

store.subscribe(() => {
  const { connectors, tools } = store.get();
  for (const connector of connectors) {
    if (connector.status === "connected" && tools[connector.id] === undefined) void page.loadTools(connector.id);
  }
});

const followEvents = (): void => {
  linkEvents({
    open: (url) => new EventSource(url),
    onEvent: page.onEvent,
    onLive: () => {
      store.dispatch({ type: "link", link: "live" });
      // What happened between the first read and now has no event.
      void page.refresh();
    },
    onLost: () => store.dispatch({ type: "link", link: "lost" }),
    schedule: (run, delayMs) => {
      // The session may have ended meanwhile; reading it starts a new one.
      const timer = setTimeout(() => void page.refresh().then(run), delayMs);
      return () => clearTimeout(timer);
    },
  });
};
// The first answer brings the session's cookie; a stream opened before it would belong to nobody.
const unfollow = store.subscribe(() => {
  if (store.get().phase !== "ready") return;
  unfollow();
  followEvents();
});
setInterval(() => {
  const { calls } = store.get();
  if (ownCallIds(store.get()).some((id) => calls[id] !== undefined && !isCallEnded(calls[id]))) void page.refresh();
}, rereadEveryMs);
void page.start();

const services = { store, api, console: page, signIn, prompts: createPrompts(), theme: createTheme(window) };
const root = document.getElementById("app");
if (root !== null) {
  render(
    <ServicesContext.Provider value={services}>
      <App />
    </ServicesContext.Provider>,
    root,
  );
}
