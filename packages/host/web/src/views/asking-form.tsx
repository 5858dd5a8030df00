import type { FormField, FormProblems } from "@countersign/protocol/form";
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { FormDraft } from "../form-draft.ts";

export interface AskingFormProps {
  /** What ids begin with: several forms may be on the page. */
  readonly prefix: string;
  readonly fields: readonly FormField[];
  readonly draft: FormDraft;
  readonly problems: FormProblems;
  readonly onChange: (draft: FormDraft) => void;
}

/** The fields of a form that a server asks the user to fill in. */
export function AskingForm({ prefix, fields, draft, problems, onChange }: AskingFormProps): JSX.Element {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => element.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus(), [problems]);
  return (
    <div class="stack" ref={element}>
      {fields.map((field) => {
        const Shown = field.kind === "flag" ? FlagField : field.kind === "choices" ? ChoicesField : ValueField;
        return (
          <Shown
            key={field.name}
            id={`${prefix}-${field.name}`}
            field={field}
            draft={draft[field.name]}
            problem={problems[field.name]}
            onChange={(value) => onChange({ ...draft, [field.name]: value })}
          />
        );
      })}
    </div>
  );
}

interface FieldProps {
  readonly id: string;
  readonly field: FormField;
  readonly draft: FormDraft[string] | undefined;
  readonly problem: string | undefined;
  readonly onChange: (value: FormDraft[string]) => void;
}

function ValueField({ id, field, draft, problem, onChange }: FieldProps): JSX.Element {
  const text = typeof draft === "string" ? draft : "";
  const attributes = {
    id,
    "data-testid": `asking-field-${field.name}`,
    "aria-invalid": problem !== undefined,
    ...((problem ?? field.hint) === undefined ? {} : { "aria-describedby": `${id}-hint` }),
  };
  return (
    <div class="field">
      <label class="label" for={id}>
        {field.label}
        {!field.required && <span class="quiet"> (optional)</span>}
      </label>
      {field.kind === "choice" ? (
        <select class="select" {...attributes} value={text} onChange={(event) => onChange(event.currentTarget.value)}>
          <option value="">{field.required ? "Choose" : "None"}</option>
          {field.options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      ) : (
        <Typed field={field} text={text} attributes={attributes} onText={onChange} />
      )}
      <Hint id={id} hint={field.hint} problem={problem} />
    </div>
  );
}

interface TypedProps {
  readonly field: FormField;
  readonly text: string;
  readonly attributes: {
    readonly id: string;
    readonly "data-testid": string;
    readonly "aria-invalid": boolean;
    readonly "aria-describedby"?: string;
  };
  readonly onText: (text: string) => void;
}

function Typed({ field, text, attributes, onText }: TypedProps): JSX.Element {
  const onInput = (event: { readonly currentTarget: { readonly value: string } }): void => onText(event.currentTarget.value);
  const format = field.kind === "text" ? field.format : undefined;
  if (format === "date") return <input class="input" type="date" {...attributes} value={text} onInput={onInput} />;
  if (format === "date-time") return <input class="input" type="datetime-local" {...attributes} value={text} onInput={onInput} />;
  return <input class="input" type="text" inputMode={inputModeOf(field)} autoComplete="off" {...attributes} value={text} onInput={onInput} />;
}

function inputModeOf(field: FormField): "text" | "email" | "url" | "numeric" | "decimal" {
  if (field.kind === "number") return field.integer ? "numeric" : "decimal";
  if (field.kind !== "text") return "text";
  return field.format === "email" ? "email" : field.format === "uri" ? "url" : "text";
}

function FlagField({ id, field, draft, problem, onChange }: FieldProps): JSX.Element {
  return (
    <div class="field">
      <label class="check">
        <input
          type="checkbox"
          id={id}
          checked={draft === true}
          data-testid={`asking-field-${field.name}`}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
        <span>{field.label}</span>
      </label>
      <Hint id={id} hint={field.hint} problem={problem} />
    </div>
  );
}

function ChoicesField({ id, field, draft, problem, onChange }: FieldProps): JSX.Element | null {
  if (field.kind !== "choices") return null;
  const chosen: readonly string[] = Array.isArray(draft) ? draft : [];
  return (
    <fieldset class="field list-field" data-testid={`asking-field-${field.name}`}>
      <legend class="label">
        {field.label}
        {!field.required && <span class="quiet"> (optional)</span>}
      </legend>
      <div class="asking-choices">
        {field.options.map((option) => (
          <label key={option.value} class="check">
            <input
              type="checkbox"
              checked={chosen.includes(option.value)}
              aria-invalid={problem !== undefined}
              onChange={(event) =>
                onChange(event.currentTarget.checked ? [...chosen, option.value] : chosen.filter((value) => value !== option.value))
              }
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
      <Hint id={id} hint={field.hint} problem={problem} />
    </fieldset>
  );
}

function Hint({
  id,
  hint,
  problem,
}: {
  readonly id: string;
  readonly hint: string | undefined;
  readonly problem: string | undefined;
}): JSX.Element | null {
  const text = problem ?? hint;
  if (text === undefined) return null;
  return (
    <span id={`${id}-hint`} class={problem === undefined ? "hint" : "field-error"}>
      {text}
    </span>
  );
}
