import { err, ok } from "@countersign/protocol/result";
import type { Answer, ApiProblem, HostApi } from "./api.ts";
import type { SignInWindow } from "./sign-in.ts";
import type { Store } from "./store.ts";

export interface AppWindowsOptions {
  readonly store: Store;
  readonly api: Pick<HostApi, "openPopup" | "waitForPopup">;
  /** Opens the inert waiting page; `undefined` when the browser did not give a window. */
  readonly openWindow: () => SignInWindow | undefined;
  readonly isActivated: () => boolean;
  readonly now: () => number;
}

/** Windows that apps open by `openAuthPopup`: one at a time, opened in the user's click, ended by their way back or by the user. */
export interface AppWindows {
  /** Call it as soon as the view's message arrives: the click is still the browser's reason to allow the window. */
  readonly open: (view: { readonly id: string; readonly serverName: string }, url: string) => Answer<Readonly<Record<string, string>>>;
  readonly openAgain: () => boolean;
  readonly cancel: () => void;
}

const problem = (code: string, message: string, retryable: boolean): ApiProblem => ({ code, message, retryable });
const cancelled = problem("cancelled", "The window was cancelled.", true);
const expired = problem("flow_expired", "The window took too long. Please try again.", true);
const refusedClick = problem("refused", "A window opens only in the user's click.", true);
const busy = problem("conflict", "Another window is open already.", true);

/** Makes the windows of one page. */
export function createAppWindows(options: AppWindowsOptions): AppWindows {
  const { store, api, openWindow, isActivated, now } = options;
  let shown: { readonly url: string; window: SignInWindow | undefined; readonly stop: AbortController } | undefined;
  let opening = false;

  const waitFor = async (id: string, expiresAt: number, stop: AbortSignal): Answer<Readonly<Record<string, string>>> => {
    const stopped = new Promise<"stopped">((resolve) => stop.addEventListener("abort", () => resolve("stopped"), { once: true }));
    while (now() < expiresAt) {
      const answer = await Promise.race([api.waitForPopup(id), stopped]);
      if (answer === "stopped") return err(cancelled);
      if (answer.ok && answer.value !== "open") return ok(answer.value);
      if (!answer.ok && !answer.error.retryable) return answer;
      // The host does not answer for the moment: the window is still the user's.
      if (!answer.ok) await Promise.race([pause(2000), stopped]);
    }
    return err(expired);
  };

  return {
    open: async (view, url) => {
      if (shown !== undefined || opening) return err(busy);
      if (!isActivated()) return err(refusedClick);
      opening = true;
      const window = openWindow();
      const begun = await api.openPopup(view.id, url);
      opening = false;
      if (!begun.ok) {
        window?.close();
        return begun;
      }
      const stop = new AbortController();
      shown = { url: begun.value.url, window, stop };
      window?.navigate(begun.value.url);
      store.dispatch({
        type: "app_window",
        window: { serverName: view.serverName, host: new URL(begun.value.url).host, opened: window !== undefined },
      });
      const back = await waitFor(begun.value.id, begun.value.expiresAt, stop.signal);
      shown.window?.close();
      shown = undefined;
      store.dispatch({ type: "app_window", window: undefined });
      return back;
    },
    openAgain: () => {
      if (shown === undefined) return false;
      shown.window?.close();
      shown.window = openWindow();
      shown.window?.navigate(shown.url);
      return shown.window !== undefined;
    },
    cancel: () => shown?.stop.abort(),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
