import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "./icon.tsx";
import { useArmed, useConsole, useServices } from "./services.ts";

/** The window that an app has open, beside the sign-ins: where it is, and the way to give it up. */
export function AppWindowCard(): JSX.Element | null {
  const { views } = useServices();
  const shown = useConsole((state) => state.appWindow);
  const armed = useArmed();
  const [blocked, setBlocked] = useState(false);
  if (shown === undefined) return null;
  const open = (): void => {
    if (armed) setBlocked(!views.windows.openAgain());
  };
  return (
    <section class="card signin" aria-label="Window of an app" data-testid="app-window-card">
      <div class="row signin-words">
        <span class="seal seal-accent signin-seal">
          <Icon name="external" />
        </span>
        <div class="grow">
          <p class="strong">
            {shown.opened ? "Finish at" : "Continue to"} {shown.host}
          </p>
          <p class="small quiet">{shown.serverName} waits for what you do in its window. Nothing of your sign-ins here is given to it.</p>
        </div>
      </div>
      {blocked && (
        <p class="notice notice-warn">
          <Icon name="alert" size="small" />
          <span>Your browser gave no window. Allow pop-ups for this page.</span>
        </p>
      )}
      <div class="row snug wrap signin-actions">
        <button type="button" class="button" data-testid="app-window-cancel" onClick={() => views.windows.cancel()}>
          Cancel
        </button>
        <button type="button" class="button" data-testid="app-window-again" aria-disabled={!armed} onClick={open}>
          {shown.opened ? "Open again" : "Continue"}
        </button>
      </div>
    </section>
  );
}
