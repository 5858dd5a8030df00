import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { hostOf, type Connector } from "../wire.ts";
import { Icon } from "./icon.tsx";
import { useServices } from "./services.ts";

/** Why a connector does not work now, and the one thing to do about it; nothing while it works. In sight whether the connector is unfolded or not. */
export function ConnectorTrouble({ connector }: { readonly connector: Connector }): JSX.Element | null {
  if (connector.status === "sign_in_required") return <SignInNeeded connector={connector} />;
  if (connector.status === "failed") return <CannotConnect connector={connector} />;
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
  return (
    <div class="stack snug connector-trouble">
      <p class="small quiet">{hostOf(connector.url)} shows its tools once you have signed in.</p>
      {earlier !== undefined && (
        <p class="field-error" role="alert" data-testid="connector-error" data-code={problem === undefined ? connector.error?.code : undefined}>
          {earlier}
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

function CannotConnect({ connector }: { readonly connector: Connector }): JSX.Element {
  const { console } = useServices();
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
        <span>{wordsOf(connector)}</span>
      </p>
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
    </div>
  );
}

function wordsOf({ error }: Connector): string {
  if (error?.code === "authorization_required") {
    return "The server wants sign-in before anything else, and this connector signs in only when a tool needs it. Edit it to change that.";
  }
  return error?.message ?? "The server does not answer. It is tried again by itself.";
}
