import { paymentRequestIdOf } from "@countersign/protocol/scope";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { formatRelative } from "../format.ts";
import { startUrlOf } from "../sign-in.ts";
import { openFlows, type WindowState } from "../state.ts";
import type { Call, Flow } from "../wire.ts";
import { Icon } from "./icon.tsx";
import { useArmed, useConsole, useNow, useServices } from "./services.ts";
import { useToolTitle } from "./tool-title.ts";

/** Every flow that waits for the user, above the composer: always in sight, outside every widget. */
export function SignInCards(): JSX.Element {
  const flows = useConsole((state) => state.flows);
  const windows = useConsole((state) => state.windows);
  const calls = useConsole((state) => state.calls);
  const { store } = useServices();
  const open = openFlows({ ...store.get(), flows, windows, calls });
  return (
    <div class="signin-cards" role="status">
      {open.map((one) => (
        <SignInCard key={`${one.flow.id} ${one.window}`} {...one} />
      ))}
    </div>
  );
}

interface SignInCardProps {
  readonly flow: Flow;
  readonly window: WindowState;
  readonly calls: readonly Call[];
}

function SignInCard({ flow, window, calls }: SignInCardProps): JSX.Element {
  const { signIn } = useServices();
  const name = useConsole((state) => state.connectors.find((connector) => connector.id === flow.connectorId)?.name ?? "An app");
  const now = useNow(10_000);
  const armed = useArmed();
  const titleOfTool = useToolTitle();
  const [blocked, setBlocked] = useState(false);
  const [cancelling, setCancelling] = useState(false);
  const payment = flow.scope.some((scope) => paymentRequestIdOf(scope) !== undefined);
  const host = flow.authorizationServerHost;
  const waiting = window === "opened";
  const open = (): void => {
    if (armed) setBlocked(!signIn.openAgain(flow.id));
  };
  const cancel = (): void => {
    setCancelling(true);
    signIn.cancel(flow.id);
  };
  return (
    <section
      class="card signin"
      aria-label={payment ? "Payment approval" : "Sign-in"}
      data-testid="signin-card"
      data-flow-id={flow.id}
      data-window={window}
    >
      <div class="row signin-words">
        <span class="seal seal-accent signin-seal">
          {waiting ? <span class="spinner" aria-hidden="true" /> : <Icon name={payment ? "wallet" : "lock"} />}
        </span>
        <div class="grow">
          <p class="strong">{headline(payment, waiting, host)}</p>
          <p class="small quiet">
            {name} asks, for {namesOf(calls.map(titleOfTool))}.{waiting && " Finish in the window that opened."}
            {flow.expiresAt !== undefined && flow.expiresAt > now && ` Ends ${formatRelative(flow.expiresAt, now)}.`}
          </p>
        </div>
      </div>
      {blocked && (
        <p class="notice notice-warn">
          <Icon name="alert" size="small" />
          <span>Your browser gave no window. Allow pop-ups for this page, or use the link.</span>
        </p>
      )}
      <div class="row snug wrap signin-actions">
        {(blocked || waiting) && <PlainLink flow={flow} />}
        <span class="grow" />
        <button type="button" class="button" data-testid="signin-cancel" disabled={cancelling} onClick={cancel}>
          Cancel
        </button>
        <button
          type="button"
          class={waiting ? "button" : "button button-primary"}
          data-testid={waiting ? "signin-again" : "signin-continue"}
          aria-disabled={!armed}
          onClick={open}
        >
          {waiting ? "Open again" : "Continue"}
        </button>
      </div>
    </section>
  );
}

function headline(payment: boolean, waiting: boolean, host: string): string {
  if (payment) return waiting ? `Approve the payment at ${host}` : `Continue to approve a payment at ${host}`;
  return waiting ? `Sign in at ${host}` : `Continue to sign in to ${host}`;
}

function namesOf(titles: readonly string[]): string {
  const names = [...new Set(titles)];
  return new Intl.ListFormat(undefined, { type: "conjunction" }).format(names.map((name) => `“${name}”`));
}

/** The same address without a window of ours, for browsers that give none. */
function PlainLink({ flow }: { readonly flow: Flow }): JSX.Element | null {
  const url = startUrlOf(flow, location.origin);
  if (url === undefined) return null;
  return (
    <a class="small" href={url} target="_blank" rel="noopener" data-testid="signin-link">
      Open in a tab instead
    </a>
  );
}
