import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { hostOf, type Connector } from "../wire.ts";
import { Icon } from "./icon.tsx";
import { useServices } from "./services.ts";
import { useRemoveConnector } from "./use-remove-connector.ts";

/** Why a connector does not work now, and the one thing to do about it; nothing while it works. In sight whether the connector is unfolded or not. */
export function ConnectorTrouble({ connector, folded }: { readonly connector: Connector; readonly folded: boolean }): JSX.Element | null {
  if (connector.status === "sign_in_required") return <SignInNeeded connector={connector} />;
  if (connector.status === "failed") return <CannotConnect connector={connector} removable={folded && connector.removable} />;
  return null;
}

function SignInNeeded({ connector }: { readonly connector: Connector }): JSX.Element {
  const { signIn } = useServices();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const begin = async (): Promise<void> => {
    setBusy(true);
    const refused = await signIn.signInConnector(connector.id);
    setBusy(false);
    setProblem(refused?.message);
  };
  const earlier = problem ?? connector.error?.message;
  const own = problem === undefined && connector.error?.code === "cancelled";
  return (
    <div class="stack snug connector-trouble">
      <p class="small quiet">{hostOf(connector.url)} shows its tools once you have signed in.</p>
      {earlier !== undefined && (
        <p
          class={own ? "small quiet" : "field-error"}
          role={own ? "status" : "alert"}
          data-testid="connector-error"
          data-code={problem === undefined ? connector.error?.code : undefined}
        >
          {own ? "You cancelled the sign-in." : earlier}
        </p>
      )}
      <button
        type="button"
        class="button button-primary button-small"
        data-testid="connector-sign-in"
        aria-label={`Sign in to ${connector.name}`}
        disabled={busy}
        onClick={() => void begin()}
      >
        <Icon name="lock" size="small" />
        Sign in
      </button>
    </div>
  );
}

/** `removable`: with a way out beside the way on, for an address that was wrong. */
function CannotConnect({ connector, removable }: { readonly connector: Connector; readonly removable: boolean }): JSX.Element {
  const { console } = useServices();
  const { remove, removing, problem } = useRemoveConnector(connector);
  const [busy, setBusy] = useState(false);
  const retry = async (): Promise<void> => {
    setBusy(true);
    await console.loadTools(connector.id);
    setBusy(false);
  };
  return (
    <div class="stack snug connector-trouble">
      <p class="notice notice-bad" role="status" data-testid="connector-error" data-code={connector.error?.code}>
        <Icon name="alert" size="small" />
        <span>{problem ?? wordsOf(connector)}</span>
      </p>
      <div class="row tight wrap">
        <button
          type="button"
          class="button button-small"
          data-testid="connector-retry"
          aria-label={`Try again to connect ${connector.name}`}
          disabled={busy}
          onClick={() => void retry()}
        >
          <Icon name="refresh" size="small" />
          {busy ? "Trying" : "Try again"}
        </button>
        {removable && (
          <button
            type="button"
            class="button button-quiet button-small"
            data-testid="connector-remove-failed"
            aria-label={`Remove ${connector.name}`}
            disabled={removing}
            onClick={() => void remove()}
          >
            Remove
          </button>
        )}
      </div>
    </div>
  );
}

function wordsOf({ error, url }: Connector): string {
  if (error?.code === "authorization_required") {
    return "The server wants sign-in before anything else, and this connector signs in only when a tool needs it. Edit it to change that.";
  }
  if (error?.code === "protocol_error") return `What answers at ${hostOf(url)} is not understood as an MCP server. Is the whole address right?`;
  if (error?.code === "server_unreachable")
    return `${hostOf(url)} does not answer. Is the address right, and does the server run? It is tried again by itself.`;
  return error?.message ?? "The server does not answer. It is tried again by itself.";
}
