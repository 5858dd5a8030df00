import { toCallError } from "./call-error.ts";
import type { App } from "./connect.ts";
import { panelStyle } from "./panel-style.ts";
import { type PanelView, type PanelWords, panelWords, timeLeft, viewOf } from "./panel-view.ts";

export type { PanelWords } from "./panel-view.ts";

/** What the panel needs of the app; less of it shows less. */
export type PanelApp = Pick<App, "onAuthorization" | "onHostContext" | "openLink">;

export interface PanelOptions {
  /** Texts that replace the panel's own. */
  readonly words?: Partial<PanelWords>;
}

/** Long enough to be read, and read out. */
const passingMs = 5_000;

/**
 * Shows in an element where sign-in or an approval stands, and the link with its QR code when the user has to act: plain DOM, one element, nothing where there is
 * nothing to say. Changes are read out by screen readers; focus is never moved. Gives a function that takes the panel away.
 */
export function mountPanel(app: PanelApp, place: Element, options: PanelOptions = {}): () => void {
  const words: PanelWords = { ...panelWords, ...options.words };
  const host = document.createElement("div");
  host.dataset["testid"] = "authorization";
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(panelStyle);
  // Works under a policy that allows no inline style.
  root.adoptedStyleSheets = [sheet];
  const live = element("div", { role: "status" });
  root.append(live);
  let stop = (): void => undefined;
  const ends = [
    app.onAuthorization((authorization) => {
      const view = viewOf(authorization, words);
      stop();
      host.hidden = view === undefined;
      stop = show(app, live, view, words);
      if (view?.kind === "line" && view.passing) {
        const timer = setTimeout(() => {
          host.hidden = true;
        }, passingMs);
        stop = (): void => clearTimeout(timer);
      }
    }),
    app.onHostContext(({ theme }) => {
      host.style.colorScheme = theme ?? "";
    }),
    (): void => stop(),
    (): void => host.remove(),
  ];
  place.append(host);
  return () => ends.forEach((end) => end());
}

/** Draws a view. Gives a function that ends what runs with it. */
function show(app: PanelApp, live: HTMLElement, view: PanelView | undefined, words: PanelWords): () => void {
  if (view === undefined) {
    live.replaceChildren();
    return () => undefined;
  }
  const panel = element("div", { class: "panel", "data-kind": view.kind });
  const text = element("div", { class: "words" });
  panel.append(text);
  live.replaceChildren(panel);
  if (view.kind === "line") {
    text.append(element("p", {}, view.text));
    return () => undefined;
  }
  const problem = element("p", { class: "quiet" });
  const button = element("button", { type: "button" }, words.open);
  button.addEventListener("click", () => {
    app.openLink(view.link).catch((thrown: unknown) => {
      problem.textContent = `${toCallError(thrown).message} ${view.link}`;
    });
  });
  text.append(element("h2", {}, view.heading), element("p", {}, words.linkHint), button, element("p", { class: "quiet" }, view.site), problem);
  if (view.code !== undefined) {
    const code = element("p", { class: "quiet" }, `${words.code}: `);
    code.append(element("code", {}, view.code));
    text.append(code);
  }
  let isGone = false;
  // The drawing is a part of its own, read only when somebody needs it; without it the link is still there.
  import("./qr.ts").then(
    ({ qrElement }) => {
      const svg = isGone ? undefined : qrElement(view.link, words.qr);
      if (svg !== undefined) {
        const frame = element("div", { class: "qr" });
        frame.append(svg);
        panel.append(frame);
      }
    },
    () => undefined,
  );
  const endClock = view.expiresAt === undefined ? (): void => undefined : startClock(text, view.expiresAt, words);
  return () => {
    isGone = true;
    endClock();
  };
}

/** Not read out each second: a timer is silent unless it is asked. */
function startClock(place: HTMLElement, expiresAt: number, words: PanelWords): () => void {
  const clock = element("p", { class: "quiet", role: "timer" });
  const tick = (): void => {
    clock.textContent = words.expires(timeLeft(expiresAt, Date.now()));
  };
  tick();
  place.append(clock);
  const timer = setInterval(tick, 1000);
  return () => clearInterval(timer);
}

function element(name: string, attributes: Readonly<Record<string, string>>, text = ""): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.textContent = text;
  return made;
}
