import { paymentRequestIdOf } from "@countersign/protocol/scope";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { formatRelative } from "../format.ts";
import { type Connector, hostOf, isForViews, type TokenHeld, type Tool } from "../wire.ts";
import { ConnectorTrouble } from "./connector-trouble.tsx";
import { Icon } from "./icon.tsx";
import { sheetQuery } from "./panel.tsx";
import { ProfileSwitch } from "./profile-switch.tsx";
import { useConsole, useMedia, useNow, useServices } from "./services.ts";
import { ThemeSwitch } from "./theme-switch.tsx";
import { SecurityMark } from "./tool-marks.tsx";
import { useRemoveConnector } from "./use-remove-connector.ts";

export interface ConnectorsProps {
  readonly onClose: () => void;
  readonly onPick: (connectorId: string, tool: Tool) => void;
  /** Asks for the form of a connector; of a new one without an id. */
  readonly onForm: (connectorId: string | undefined) => void;
}

/** The left panel: what is connected, with which access, and what it can do. */
export function Connectors({ onClose, onPick, onForm }: ConnectorsProps): JSX.Element {
  const { console } = useServices();
  const connectors = useConsole((state) => state.connectors);
  const phase = useConsole((state) => state.phase);
  const sheet = useMedia(sheetQuery);
  return (
    <>
      <div class="panel-head">
        <span class="brand grow">
          <Icon name="countersign" />
          Countersign
        </span>
        <button type="button" class="icon-button" aria-label="Hide connectors" onClick={onClose}>
          <Icon name={sheet ? "close" : "panel_left"} />
        </button>
      </div>
      <div class="panel-body stack snug">
        <button type="button" class="side-row" data-testid="new-conversation" onClick={() => void console.clear()}>
          <Icon name="edit" />
          New conversation
        </button>
        <div class="row between side-title">
          <h2 class="small quiet">Connectors</h2>
          <button
            type="button"
            class="icon-button icon-button-small"
            aria-label="Add a connector"
            data-testid="add-connector"
            onClick={() => onForm(undefined)}
          >
            <Icon name="plus" size="small" />
          </button>
        </div>
        {phase === "loading" && <ConnectorSkeleton />}
        {phase === "ready" && connectors.length === 0 && <p class="small quiet side-empty">Nothing is connected yet.</p>}
        <ul class="stack tight">
          {connectors.map((connector, index) => (
            <ConnectorItem
              key={connector.id}
              connector={connector}
              initiallyOpen={index === 0 && connectors.length === 1}
              onPick={onPick}
              onForm={onForm}
            />
          ))}
        </ul>
      </div>
      <div class="panel-foot stack">
        <ProfileSwitch />
        <a class="button-link small" href="/doctor" data-testid="doctor-link">
          See how a server fares in each host
        </a>
        <ThemeSwitch />
      </div>
    </>
  );
}

function ConnectorSkeleton(): JSX.Element {
  return (
    <div class="connector-row" aria-hidden="true">
      <span class="skeleton avatar" />
      <span class="stack tight grow">
        <span class="skeleton skeleton-half" />
        <span class="skeleton skeleton-third" />
      </span>
    </div>
  );
}

interface ConnectorItemProps {
  readonly connector: Connector;
  readonly initiallyOpen: boolean;
  readonly onPick: ConnectorsProps["onPick"];
  readonly onForm: ConnectorsProps["onForm"];
}

function ConnectorItem({ connector, initiallyOpen, onPick, onForm }: ConnectorItemProps): JSX.Element {
  const [open, setOpen] = useState(initiallyOpen);
  return (
    <li class="connector" data-testid="connector" data-connector-id={connector.id} data-status={connector.status}>
      <button type="button" class="connector-row" aria-expanded={open} data-testid="connector-toggle" onClick={() => setOpen(!open)}>
        <span class="avatar" aria-hidden="true">
          {connector.name.slice(0, 1)}
        </span>
        <span class="grow">
          <span class="truncate strong connector-name">{connector.name}</span>
          <ConnectorStatus connector={connector} />
        </span>
        <Icon name={open ? "chevron_down" : "chevron_right"} size="small" />
      </button>
      <ConnectorTrouble connector={connector} folded={!open} />
      {open && <ConnectorDetails connector={connector} onPick={onPick} onForm={onForm} />}
    </li>
  );
}

function ConnectorStatus({ connector }: { readonly connector: Connector }): JSX.Element {
  const [dot, text] = statusOf(connector);
  return (
    <span class="row snug small quiet connector-status">
      <span class={`dot ${dot}`} aria-hidden="true" />
      <span class="truncate" data-testid="connector-status">
        {text}
      </span>
    </span>
  );
}

function statusOf(connector: Connector): readonly [dot: string, text: string] {
  switch (connector.status) {
    case "failed":
      return ["dot-bad", "Cannot connect"];
    case "sign_in_required":
      return ["dot-warn", "Sign-in needed"];
    case "connecting":
      return ["", "Connecting"];
    case "connected":
      return ["dot-good", connector.token === undefined ? "Connected" : "Signed in"];
  }
}

function ConnectorDetails({ connector, onPick, onForm }: Omit<ConnectorItemProps, "initiallyOpen">): JSX.Element {
  return (
    <div class="stack snug connector-details">
      <dl class="pairs">
        <dt>Server</dt>
        <dd class="truncate" title={connector.url}>
          {hostOf(connector.url)}
        </dd>
        <dt>Sign-in</dt>
        <dd data-testid="connector-mode">{modeWords(connector)}</dd>
        {connector.protocol !== undefined && (
          <>
            <dt>Protocol</dt>
            <dd data-testid="connector-protocol">{connector.protocol}</dd>
          </>
        )}
      </dl>
      {connector.token !== undefined && <Token connectorId={connector.id} token={connector.token} />}
      <ToolList connectorId={connector.id} onPick={onPick} />
      {connector.removable && <ConnectorActions connector={connector} onEdit={() => onForm(connector.id)} />}
    </div>
  );
}

function modeWords({ mode, settings }: Connector): string {
  const words = mode === "full" ? "Before connecting" : "When a tool needs it";
  return settings.mode === "auto" ? `${words} (automatic)` : words;
}

function ConnectorActions({ connector, onEdit }: { readonly connector: Connector; readonly onEdit: () => void }): JSX.Element {
  const { remove, removing, problem } = useRemoveConnector(connector);
  return (
    <div class="stack connector-actions">
      <button type="button" class="side-row small quiet" data-testid="edit-connector" onClick={onEdit}>
        <Icon name="sliders" size="small" />
        Edit connector
      </button>
      <button type="button" class="side-row small quiet" data-testid="remove-connector" disabled={removing} onClick={() => void remove()}>
        <Icon name="trash" size="small" />
        Remove connector
      </button>
      {problem !== undefined && (
        <p class="field-error" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

function Token({ connectorId, token }: { readonly connectorId: string; readonly token: TokenHeld }): JSX.Element {
  const { api, console } = useServices();
  const now = useNow(15_000);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const signOut = async (): Promise<void> => {
    setBusy(true);
    const answer = await api.signOut(connectorId);
    setBusy(false);
    setProblem(answer.ok ? undefined : answer.error.message);
    if (answer.ok) await console.refresh();
  };
  return (
    <div class="stack snug token" data-testid="connector-token">
      <div class="row snug small">
        <Icon name="shield" size="small" />
        <span class="truncate grow">Access from {hostOf(token.issuer)}</span>
      </div>
      {token.scope.length > 0 && (
        <ul class="row tight wrap">
          {token.scope.map((scope) => (
            <li key={scope} class={paymentRequestIdOf(scope) === undefined ? "badge mono scope" : "badge scope"} title={scope}>
              {paymentRequestIdOf(scope) === undefined ? scope : "one payment"}
            </li>
          ))}
        </ul>
      )}
      <div class="row between">
        <span class="small quiet">
          {token.expiresAt === undefined ? "" : token.expiresAt > now ? `Renews ${formatRelative(token.expiresAt, now)}` : "Renews at the next call"}
        </span>
        <button type="button" class="button button-small" data-testid="sign-out" disabled={busy} onClick={() => void signOut()}>
          Sign out
        </button>
      </div>
      {problem !== undefined && (
        <p class="field-error" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

function ToolList({ connectorId, onPick }: { readonly connectorId: string; readonly onPick: ConnectorsProps["onPick"] }): JSX.Element | null {
  const { console } = useServices();
  const listed = useConsole((state) => state.tools[connectorId]);
  if (listed === undefined) return null;
  if (listed.state === "loading") return <span class="skeleton skeleton-half" />;
  if (listed.state === "failed") {
    return (
      <p class="small quiet">
        {listed.message}{" "}
        <button type="button" class="button-link" onClick={() => void console.loadTools(connectorId)}>
          Try again
        </button>
      </p>
    );
  }
  const forViews = listed.tools.filter(isForViews);
  return (
    <>
      <ToolButtons label="Tools" tools={listed.tools.filter((tool) => !isForViews(tool))} onPick={(tool) => onPick(connectorId, tool)} />
      {forViews.length > 0 && (
        <details class="side-fold" data-testid="tools-for-views">
          <summary class="small quiet">For views ({forViews.length})</summary>
          <ToolButtons label="Tools for views" tools={forViews} onPick={(tool) => onPick(connectorId, tool)} />
        </details>
      )}
    </>
  );
}

interface ToolButtonsProps {
  readonly label: string;
  readonly tools: readonly Tool[];
  readonly onPick: (tool: Tool) => void;
}

function ToolButtons({ label, tools, onPick }: ToolButtonsProps): JSX.Element {
  return (
    <ul class="stack side-tools" aria-label={label}>
      {tools.map((tool) => (
        <li key={tool.name}>
          <button type="button" class="side-row small" data-tool={tool.name} onClick={() => onPick(tool)}>
            <span class="truncate grow">{tool.title}</span>
            <SecurityMark tool={tool} />
          </button>
        </li>
      ))}
    </ul>
  );
}
