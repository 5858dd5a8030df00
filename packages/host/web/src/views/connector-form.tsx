import type { ComponentChildren, JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { type ConnectorDraft, type ConnectorField, type ConnectorProblems, findProblems, hasAdvanced } from "../connector-form.ts";
import type { SignInMode } from "../connector-settings.ts";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icon.tsx";

export interface ConnectorFormProps {
  readonly title: string;
  readonly testId: string;
  readonly initial: ConnectorDraft;
  /** The address is what makes a connector: it cannot be changed. */
  readonly isNew: boolean;
  readonly hasClientSecret: boolean;
  readonly action: { readonly idle: string; readonly busy: string };
  readonly onClose: () => void;
  /** Sends it; a problem keeps the dialog open. */
  readonly onSubmit: (draft: ConnectorDraft) => Promise<{ readonly message: string } | undefined>;
}

const modes: readonly (readonly [SignInMode, label: string, hint: string])[] = [
  ["auto", "Automatic", "Sign in when the server asks: for one tool, or before it answers at all."],
  ["mixed", "When a tool needs it", "Connect without sign-in, and never send access where it is not needed."],
  ["full", "Before connecting", "Sign in first, even if the server would answer without it."],
];

/** The form of a connector, new or changed. */
export function ConnectorForm(props: ConnectorFormProps): JSX.Element {
  const { title, testId, initial, isNew, action, onClose, onSubmit } = props;
  const [draft, setDraft] = useState(initial);
  const [busy, setBusy] = useState(false);
  const [shown, setShown] = useState<ConnectorProblems>({});
  const [refused, setRefused] = useState<string>();
  const set = (field: ConnectorField, text: string): void => setDraft({ ...draft, [field]: text });
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const problems = findProblems(draft);
    setShown(problems);
    setRefused(undefined);
    if (Object.keys(problems).length > 0) return;
    setBusy(true);
    const problem = await onSubmit(draft);
    setBusy(false);
    setRefused(problem?.message);
  };
  const field = (name: ConnectorField): FieldState => ({ value: draft[name], problem: shown[name], onText: (text) => set(name, text) });
  return (
    <Dialog label={title} testId={testId} onClose={onClose}>
      <form class="dialog-body" onSubmit={(event) => void submit(event)} noValidate>
        <h2 class="large">{title}</h2>
        {isNew ? (
          <TextField {...field("url")} label="Address of the MCP server" testId="add-connector-url" placeholder="https://store.example/mcp" />
        ) : (
          <TextField {...field("name")} label="Name" testId="connector-name" />
        )}
        <ModeField mode={draft.mode} onMode={(mode) => set("mode", mode)} />
        <Advanced field={field} open={hasAdvanced(initial)} hasClientSecret={props.hasClientSecret} problems={shown} />
        {refused !== undefined && (
          <p class="notice notice-bad" role="alert" data-testid="connector-problem">
            <Icon name="alert" size="small" />
            <span>{refused}</span>
          </p>
        )}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button button-primary" disabled={busy} data-testid={isNew ? "add-connector-submit" : "connector-save"}>
            {busy ? action.busy : action.idle}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface FieldState {
  readonly value: string;
  readonly problem: string | undefined;
  readonly onText: (text: string) => void;
}

interface TextFieldProps extends FieldState {
  readonly label: string;
  readonly testId: string;
  readonly hint?: string;
  readonly secret?: boolean;
  readonly placeholder?: string;
}

function TextField({ label, testId, hint, secret = false, placeholder, ...state }: TextFieldProps): JSX.Element {
  return (
    <LabelledField label={label} hint={hint} problem={state.problem}>
      {(attributes) => (
        <input
          {...attributes}
          class="input"
          {...(secret ? { type: "password", autoComplete: "new-password" } : { type: "text", autoComplete: "off" })}
          spellcheck={false}
          placeholder={placeholder}
          value={state.value}
          data-testid={testId}
          onInput={(event) => state.onText(event.currentTarget.value)}
        />
      )}
    </LabelledField>
  );
}

interface ControlAttributes {
  readonly id: string;
  readonly "aria-invalid": boolean;
  readonly "aria-describedby"?: string;
}

interface LabelledFieldProps {
  readonly label: string;
  readonly hint: string | undefined;
  readonly problem: string | undefined;
  readonly children: (attributes: ControlAttributes) => ComponentChildren;
}

function LabelledField({ label, hint, problem, children }: LabelledFieldProps): JSX.Element {
  const id = useId();
  const told = problem ?? hint;
  return (
    <div class="field">
      <label class="label" for={id}>
        {label}
      </label>
      {children({ id, "aria-invalid": problem !== undefined, ...(told === undefined ? {} : { "aria-describedby": `${id}-told` }) })}
      {told !== undefined && (
        <span id={`${id}-told`} class={problem === undefined ? "hint" : "field-error"} role={problem === undefined ? undefined : "alert"}>
          {told}
        </span>
      )}
    </div>
  );
}

function ModeField({ mode, onMode }: { readonly mode: SignInMode; readonly onMode: (mode: SignInMode) => void }): JSX.Element {
  const name = useId();
  return (
    <fieldset class="field mode-field">
      <legend class="label">Sign-in</legend>
      {modes.map(([value, label, hint]) => (
        <label key={value} class="mode-option">
          <input
            type="radio"
            name={name}
            value={value}
            checked={mode === value}
            aria-describedby={`${name}-${value}`}
            data-testid={`connector-mode-${value}`}
            onChange={() => onMode(value)}
          />
          <span class="grow">
            <span class="mode-label">{label}</span>
            <span id={`${name}-${value}`} class="hint">
              {hint}
            </span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

interface AdvancedProps {
  readonly field: (name: ConnectorField) => FieldState;
  readonly open: boolean;
  readonly hasClientSecret: boolean;
  readonly problems: ConnectorProblems;
}

const advancedFields: readonly ConnectorField[] = [
  "authorizationServer",
  "clientId",
  "clientSecret",
  "tokenEndpointAuthMethod",
  "scope",
  "parameters",
];

/** What only some servers need, as their documentation says. A problem inside opens it. */
function Advanced({ field, open, hasClientSecret, problems }: AdvancedProps): JSX.Element {
  const wrong = advancedFields.some((name) => problems[name] !== undefined);
  const method = field("tokenEndpointAuthMethod");
  return (
    <details class="advanced" open={open || wrong}>
      <summary data-testid="connector-advanced">Advanced</summary>
      <div class="stack">
        <p class="hint">Leave these empty unless the server’s documentation names them: they are found by themselves.</p>
        <TextField
          {...field("authorizationServer")}
          label="Sign-in service"
          hint="Its issuer, in place of the one that the server names."
          testId="connector-issuer"
          placeholder="https://login.example"
        />
        <TextField {...field("clientId")} label="Client ID" hint="The application that was registered for you there." testId="connector-client-id" />
        <TextField
          {...field("clientSecret")}
          label="Client secret"
          hint={hasClientSecret ? "One is kept. Leave this empty to keep it." : "Kept encrypted and never shown again."}
          testId="connector-client-secret"
          secret
        />
        <LabelledField label="Client authentication" hint={undefined} problem={method.problem}>
          {(attributes) => (
            <select
              {...attributes}
              class="select"
              value={method.value}
              data-testid="connector-auth-method"
              onChange={(event) => method.onText(event.currentTarget.value)}
            >
              <option value="">As the service supports</option>
              <option value="none">None (public client)</option>
              <option value="client_secret_basic">Secret in the header</option>
              <option value="client_secret_post">Secret in the body</option>
              <option value="private_key_jwt">Signed by this host’s key</option>
            </select>
          )}
        </LabelledField>
        <TextField {...field("scope")} label="Scopes" hint="Separated by spaces, in place of those that the server lists." testId="connector-scope" />
        <ParametersField {...field("parameters")} />
        <LooseningField
          {...field("allowUnadvertisedPkce")}
          label="Believe that it knows PKCE"
          hint="For a sign-in service that does not say so. The protection is used all the same."
          testId="connector-allow-unadvertised-pkce"
        />
        <LooseningField
          {...field("omitResourceParameter")}
          label="Do not name the server in the request"
          hint="For a sign-in service that refuses it. Access may then be good for other services too."
          testId="connector-omit-resource"
        />
      </div>
    </details>
  );
}

type LooseningProps = FieldState & { readonly label: string; readonly hint: string; readonly testId: string };

/** A rule that is loosened for this connector alone, and what that means. */
function LooseningField({ value, onText, label, hint, testId }: LooseningProps): JSX.Element {
  const id = useId();
  return (
    <label class="mode-option">
      <input
        type="checkbox"
        checked={value !== ""}
        aria-describedby={id}
        data-testid={testId}
        onChange={(event) => onText(event.currentTarget.checked ? "yes" : "")}
      />
      <span class="grow">
        <span class="mode-label">{label}</span>
        <span id={id} class="hint">
          {hint}
        </span>
      </span>
    </label>
  );
}

function ParametersField({ value, problem, onText }: FieldState): JSX.Element {
  return (
    <LabelledField label="Extra sign-in parameters" hint="One name=value on each line, such as audience=https://api.example" problem={problem}>
      {(attributes) => (
        <textarea
          {...attributes}
          class="textarea mono"
          rows={2}
          spellcheck={false}
          value={value}
          data-testid="connector-parameters"
          onInput={(event) => onText(event.currentTarget.value)}
        />
      )}
    </LabelledField>
  );
}
