import { paymentRequestIdOf } from "@countersign/protocol/scope";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { formatRelative } from "../format.ts";
import { startUrlOf } from "../sign-in.ts";
import { openFlows, type WindowState } from "../state.ts";
import type { Call, Flow, FlowDevice } from "../wire.ts";
import { AppWindowCard } from "./app-window-card.tsx";
import { Icon } from "./icon.tsx";
import { lazyView } from "./lazy-view.tsx";
import { useArmed, useConsole, useNow, useServices } from "./services.ts";
import { useToolTitle } from "./tool-title.ts";

const DevicePane = lazyView(async () => (await import("./device-pane.tsx")).DevicePane);

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
      <AppWindowCard />
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
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [cancelling, setCancelling] = useState(false);
  const payment = flow.scope.some((scope) => paymentRequestIdOf(scope) !== undefined);
  const host = flow.authorizationServerHost;
  const waiting = window === "opened";
  const device = window === "device" ? flow.device : undefined;
  const open = (): void => {
    if (armed) setBlocked(!signIn.openAgain(flow.id));
  };
  const useDevice = async (): Promise<void> => {
    if (armed) setProblem((await signIn.useDevice(flow.id))?.message);
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
          {waiting ? <span class="spinner" aria-hidden="true" /> : <Icon name={iconOf(payment, device !== undefined)} />}
        </span>
        <div class="grow">
          <p class="strong">{headline(payment, device === undefined ? window : "device", host)}</p>
          <p class="small quiet">
            {calls.length === 0 ? `${name} needs it to connect.` : `${name} asks, for ${namesOf(calls.map(titleOfTool))}.`}
            {waiting && " Finish in the window that opened."}
            {device !== undefined && " Only you should enter this code; never pass it on."}
            {device === undefined && flow.expiresAt !== undefined && flow.expiresAt > now && ` Ends ${formatRelative(flow.expiresAt, now)}.`}
          </p>
        </div>
      </div>
      {blocked && <Warning text="Your browser gave no window. Allow pop-ups for this page, or use the link." />}
      {problem !== undefined && <Warning text={problem} />}
      {device !== undefined && <DevicePane device={device} />}
      <div class="row snug wrap signin-actions">
        {(blocked || waiting) && <PlainLink flow={flow} />}
        <button type="button" class="button" data-testid="signin-cancel" disabled={cancelling} onClick={cancel}>
          Cancel
        </button>
        {device === undefined ? (
          <WindowActions flow={flow} armed={armed} waiting={waiting} onOpen={open} onDevice={() => void useDevice()} />
        ) : (
          <DeviceActions flow={flow} device={device} onAnother={() => void useDevice()} />
        )}
      </div>
    </section>
  );
}

function Warning({ text }: { readonly text: string }): JSX.Element {
  return (
    <p class="notice notice-warn" data-testid="signin-warning">
      <Icon name="alert" size="small" />
      <span>{text}</span>
    </p>
  );
}

interface WindowActionsProps {
  readonly flow: Flow;
  readonly armed: boolean;
  readonly waiting: boolean;
  readonly onOpen: () => void;
  readonly onDevice: () => void;
}

/** The way by a window, and the choice of the other one where the sign-in service offers it. */
function WindowActions({ flow, armed, waiting, onOpen, onDevice }: WindowActionsProps): JSX.Element {
  return (
    <>
      {flow.offersDevice && (
        <button type="button" class="button" data-testid="signin-device" aria-disabled={!armed} onClick={onDevice}>
          <Icon name="phone" size="small" />
          Use another device
        </button>
      )}
      <button
        type="button"
        class={waiting ? "button" : "button button-primary"}
        data-testid={waiting ? "signin-again" : "signin-continue"}
        aria-disabled={!armed}
        onClick={onOpen}
      >
        {waiting ? "Open again" : "Continue"}
      </button>
    </>
  );
}

interface DeviceActionsProps {
  readonly flow: Flow;
  readonly device: FlowDevice;
  readonly onAnother: () => void;
}

function DeviceActions({ flow, device, onAnother }: DeviceActionsProps): JSX.Element {
  const { signIn } = useServices();
  const expired = useNow(1000) >= device.expiresAt || device.state === "expired";
  return (
    <>
      <button type="button" class="button" data-testid="device-back" onClick={() => signIn.leaveDevice(flow.id)}>
        Use this device
      </button>
      {expired && (
        <button type="button" class="button button-primary" data-testid="device-another" onClick={onAnother}>
          Get a new code
        </button>
      )}
    </>
  );
}

function iconOf(payment: boolean, device: boolean): "phone" | "wallet" | "lock" {
  if (device) return "phone";
  return payment ? "wallet" : "lock";
}

/** Money may come back as well as go: the wallet says which. */
function headline(payment: boolean, window: WindowState, host: string): string {
  switch (window) {
    case "device":
      return payment ? `Approve at ${host} on another device` : `Sign in at ${host} on another device`;
    case "opened":
      return payment ? `Approve at ${host}` : `Sign in at ${host}`;
    case "needed":
      return payment ? `Continue to approve at ${host}` : `Continue to sign in to ${host}`;
  }
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
