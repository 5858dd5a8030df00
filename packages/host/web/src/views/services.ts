import { type Context, createContext } from "preact";
import { useContext, useEffect, useReducer, useRef, useState } from "preact/hooks";
import type { Answers } from "../answers.ts";
import type { HostApi } from "../api.ts";
import type { Console } from "../console.ts";
import type { Prompts } from "../prompts.ts";
import type { AppWindows } from "../app-windows.ts";
import type { OpenViews } from "../open-views.ts";
import type { SignIn } from "../sign-in.ts";
import type { ConsoleState } from "../state.ts";
import type { Store } from "../store.ts";
import type { ThemeControl } from "../theme.ts";
import type { ViewHeights } from "../view-heights.ts";
import type { ViewStates } from "../view-states.ts";

/** What views reach for besides their own props. */
export interface Services {
  readonly store: Store;
  readonly api: HostApi;
  readonly console: Console;
  readonly signIn: SignIn;
  readonly answers: Answers;
  readonly prompts: Prompts;
  readonly theme: ThemeControl;
  readonly views: ViewServices;
}

/** What views of apps need beside the rest. */
export interface ViewServices {
  readonly states: ViewStates;
  readonly windows: AppWindows;
  readonly open: OpenViews;
  readonly heights: ViewHeights;
}

export const ServicesContext: Context<Services | undefined> = createContext<Services | undefined>(undefined);

/** The services of the page. */
export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (services === undefined) throw new Error("a view was rendered outside the page");
  return services;
}

/** A part of the state; the view renders again only when that part is another object. */
export function useConsole<T>(select: (state: ConsoleState) => T): T {
  const { store } = useServices();
  const [, again] = useReducer((count: number) => count + 1, 0);
  const selected = select(store.get());
  const latest = useRef({ select, selected });
  latest.current = { select, selected };
  useEffect(() => {
    const check = (): void => {
      if (!Object.is(latest.current.select(store.get()), latest.current.selected)) again(undefined);
    };
    check();
    return store.subscribe(check);
  }, [store]);
  return selected;
}

/** The time, renewed every `everyMs` while the view is shown. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** Whether a media query holds, as it changes. */
export function useMedia(query: string): boolean {
  const [holds, setHolds] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const update = (): void => setHolds(list.matches);
    update();
    list.addEventListener("change", update);
    return () => list.removeEventListener("change", update);
  }, [query]);
  return holds;
}

/** False for the first half second of a control's life: a click meant for what was there before must not press it (V07). */
export function useArmed(delayMs = 500): boolean {
  const [armed, setArmed] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setArmed(true), delayMs);
    return () => clearTimeout(timer);
  }, [delayMs]);
  return armed;
}
