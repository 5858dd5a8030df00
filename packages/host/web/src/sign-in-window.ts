import type { SignInWindow } from "./sign-in.ts";

const width = 480;
const height = 720;

/** What is used of the page's window, so that tests need no browser. */
export interface OpeningView {
  readonly screenX: number;
  readonly screenY: number;
  readonly outerWidth: number;
  readonly outerHeight: number;
  open(url: string, name: string, features: string): { opener: unknown; readonly location: { replace(url: string): void }; close(): void } | null;
}

/**
 * Opens the inert waiting page in a small window. The name is random, so that no other page can take the window over (V09); the window loses
 * its opener at once, so that no later page in it can reach this one (V10).
 */
export function openSignInWindow(view: OpeningView): SignInWindow | undefined {
  const left = Math.round(view.screenX + Math.max(0, (view.outerWidth - width) / 2));
  const top = Math.round(view.screenY + Math.max(0, (view.outerHeight - height) / 3));
  const opened = view.open("/flows/wait", `cs-${crypto.randomUUID()}`, `popup,width=${width},height=${height},left=${left},top=${top}`);
  if (opened === null) return undefined;
  opened.opener = null;
  return {
    navigate: (url) => {
      opened.location.replace(url);
    },
    close: () => opened.close(),
  };
}
