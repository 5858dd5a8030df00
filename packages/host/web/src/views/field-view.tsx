import type { JSX } from "preact";
import { type Draft, draftOf, type Field, type FieldProblems, isDraftList, isDraftRecord } from "../schema-form.ts";
import { Icon } from "./icon.tsx";

type Path = readonly (string | number)[];

export interface FieldViewProps {
  readonly field: Field;
  readonly path: Path;
  readonly draft: Draft;
  readonly problems: FieldProblems;
  readonly onChange: (path: Path, value: Draft) => void;
}

/** One field of a tool's form, with its label, hint and problem. */
export function FieldView(props: FieldViewProps): JSX.Element {
  const { field } = props;
  if (field.kind === "flag") return <FlagField {...props} />;
  if (field.kind === "list") return <ListField {...props} field={field} />;
  return <ValueField {...props} field={field} />;
}

function ValueField({
  field,
  path,
  draft,
  problems,
  onChange,
}: FieldViewProps & { readonly field: Exclude<Field, { kind: "flag" | "list" }> }): JSX.Element {
  const key = path.join(".");
  const problem = problems[key];
  const hint = problem ?? field.hint;
  return (
    <div class="field grow">
      <label class="label" for={`field-${key}`}>
        {field.label}
        {!field.required && <span class="quiet"> (optional)</span>}
      </label>
      <Control
        field={field}
        text={typeof draft === "string" ? draft : ""}
        attributes={{
          id: `field-${key}`,
          "data-testid": `tool-field-${key}`,
          "aria-invalid": problem !== undefined,
          ...(hint === undefined ? {} : { "aria-describedby": `hint-${key}` }),
        }}
        onText={(text) => onChange(path, text)}
      />
      {hint !== undefined && (
        <span id={`hint-${key}`} class={problem === undefined ? "hint" : "field-error"}>
          {hint}
        </span>
      )}
    </div>
  );
}

interface ControlProps {
  readonly field: Exclude<Field, { kind: "flag" | "list" }>;
  readonly text: string;
  readonly attributes: {
    readonly id: string;
    readonly "data-testid": string;
    readonly "aria-invalid": boolean;
    readonly "aria-describedby"?: string;
  };
  readonly onText: (text: string) => void;
}

function Control({ field, text, attributes, onText }: ControlProps): JSX.Element {
  if (field.kind === "choice") {
    return (
      <select class="select" {...attributes} value={text} onChange={(event) => onText(event.currentTarget.value)}>
        <option value="">{field.required ? "Choose" : "None"}</option>
        {field.options.map((option) => (
          <option key={String(option.value)} value={String(option.value)}>
            {option.label}
          </option>
        ))}
      </select>
    );
  }
  const onInput = (event: { readonly currentTarget: { readonly value: string } }): void => onText(event.currentTarget.value);
  if (field.kind === "json" || (field.kind === "text" && field.input === "long")) {
    const placeholder = field.kind === "json" ? "JSON" : "";
    return (
      <textarea
        class={field.kind === "json" ? "textarea mono" : "textarea"}
        rows={4}
        spellcheck={false}
        placeholder={placeholder}
        {...attributes}
        value={text}
        onInput={onInput}
      />
    );
  }
  if (field.kind === "text" && field.input === "date") return <input class="input" type="date" {...attributes} value={text} onInput={onInput} />;
  return (
    <input
      class="input"
      type="text"
      inputMode={inputModeOf(field)}
      autoComplete="off"
      spellcheck={false}
      {...attributes}
      value={text}
      onInput={onInput}
    />
  );
}

function inputModeOf(field: Extract<Field, { kind: "text" | "number" }>): "text" | "email" | "url" | "numeric" | "decimal" {
  if (field.kind === "number") return field.integer ? "numeric" : "decimal";
  return field.input === "email" || field.input === "url" ? field.input : "text";
}

function FlagField({ field, path, draft, onChange }: FieldViewProps): JSX.Element {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={draft === true}
        data-testid={`tool-field-${path.join(".")}`}
        onChange={(event) => onChange(path, event.currentTarget.checked)}
      />
      <span>
        {field.label}
        {field.hint !== undefined && <span class="hint"> {field.hint}</span>}
      </span>
    </label>
  );
}

function ListField({ field, path, draft, problems, onChange }: FieldViewProps & { readonly field: Extract<Field, { kind: "list" }> }): JSX.Element {
  const rows = isDraftList(draft) ? draft : [];
  const key = path.join(".");
  const problem = problems[key];
  return (
    <fieldset class="field list-field">
      <legend class="label">
        {field.label}
        {!field.required && <span class="quiet"> (optional)</span>}
      </legend>
      {field.hint !== undefined && <span class="hint">{field.hint}</span>}
      {rows.map((row, index) => (
        <div key={index} class="row snug list-field-row">
          {field.row.map((part) => (
            <FieldView
              key={part.name}
              field={part}
              path={[...path, index, part.name]}
              draft={(isDraftRecord(row) ? row[part.name] : undefined) ?? ""}
              problems={problems}
              onChange={onChange}
            />
          ))}
          <button
            type="button"
            class="icon-button list-field-remove"
            aria-label={`Remove ${field.label} ${index + 1}`}
            onClick={() => onChange(path, rows.toSpliced(index, 1))}
          >
            <Icon name="close" size="small" />
          </button>
        </div>
      ))}
      {problem !== undefined && <span class="field-error">{problem}</span>}
      <div>
        <button
          type="button"
          class="button button-small"
          disabled={rows.length >= field.max}
          data-testid={`tool-field-${key}-add`}
          onClick={() => onChange(path, [...rows, draftOf(field.row)])}
        >
          <Icon name="plus" size="small" />
          Add
        </button>
      </div>
    </fieldset>
  );
}
