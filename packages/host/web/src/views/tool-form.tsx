import type { JSX } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { isJsonObject } from "@countersign/protocol/shape";
import { parseJson } from "../json.ts";
import { argumentsOf, type Draft, type DraftRecord, draftOf, type FieldProblems, fieldsOf, isDraftRecord, putDraft } from "../schema-form.ts";
import { FieldView } from "./field-view.tsx";
import { Icon } from "./icon.tsx";
import { useConsole, useServices } from "./services.ts";
import type { Choice } from "./tool-picker.tsx";

export interface ToolFormProps {
  readonly choice: Choice;
  readonly onBack: () => void;
  readonly onDone: () => void;
}

/** The arguments of one tool, as a form or as JSON, and the button that runs it. */
export function ToolForm({ choice, onBack, onDone }: ToolFormProps): JSX.Element {
  const { tool, connectorId } = choice;
  const { console } = useServices();
  const name = useConsole((state) => state.connectors.find((connector) => connector.id === connectorId)?.name ?? "");
  const fields = useMemo(() => fieldsOf(tool.inputSchema), [tool]);
  const [draft, setDraft] = useState<DraftRecord>(() => draftOf(fields));
  const [json, setJson] = useState<string>();
  const [problems, setProblems] = useState<FieldProblems>({});
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => form.current?.querySelector<HTMLElement>("input, select, textarea, button[type=submit]")?.focus(), []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const read = json === undefined ? argumentsOf(fields, draft) : argumentsOfJson(json);
    if (!read.ok) {
      setProblems(read.problems);
      form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
      return;
    }
    setProblems({});
    setBusy(true);
    const problem = await console.callTool(connectorId, tool, read.value);
    setBusy(false);
    if (problem === undefined) onDone();
    else setProblems({ "": problem.message });
  };
  const toggleJson = (): void => {
    setProblems({});
    if (json !== undefined) return setJson(undefined);
    const read = argumentsOf(fields, draft);
    setJson(JSON.stringify(read.ok ? read.value : {}, null, 2));
  };
  return (
    <form ref={form} class="tool-form" data-testid="tool-form" data-tool={tool.name} onSubmit={(event) => void submit(event)} noValidate>
      <div class="tool-form-head row">
        <button type="button" class="icon-button" aria-label="All tools" onClick={onBack}>
          <Icon name="arrow_left" />
        </button>
        <div class="grow">
          <h2 class="truncate">{tool.title}</h2>
          <p class="small quiet truncate">{name}</p>
        </div>
        <button type="button" class="icon-button" aria-label="Close" onClick={onDone}>
          <Icon name="close" />
        </button>
      </div>
      <div class="tool-form-body stack">
        {tool.description !== undefined && <p class="quiet">{tool.description}</p>}
        {json === undefined ? (
          fields.map((field) => (
            <FieldView
              key={field.name}
              field={field}
              path={[field.name]}
              draft={draft[field.name] ?? ""}
              problems={problems}
              onChange={(path, value) => setDraft((before) => withDraft(before, path, value))}
            />
          ))
        ) : (
          <JsonEditor text={json} problem={problems["json"]} onInput={setJson} />
        )}
        {fields.length === 0 && json === undefined && <p class="quiet">This tool takes no arguments.</p>}
        {problems[""] !== undefined && (
          <p class="notice notice-bad" role="alert">
            <Icon name="alert" size="small" />
            <span>{problems[""]}</span>
          </p>
        )}
      </div>
      <div class="tool-form-foot row between">
        <button type="button" class="button button-quiet" data-testid="tool-json" onClick={toggleJson}>
          <Icon name={json === undefined ? "code" : "list"} size="small" />
          {json === undefined ? "Edit as JSON" : "Back to the form"}
        </button>
        <button type="submit" class="button button-primary" disabled={busy} data-testid="tool-submit">
          {busy ? "Starting" : "Run"}
        </button>
      </div>
    </form>
  );
}

function withDraft(before: DraftRecord, path: readonly (string | number)[], value: Draft): DraftRecord {
  const after = putDraft(before, path, value);
  return isDraftRecord(after) ? after : before;
}

function argumentsOfJson(text: string): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problems: FieldProblems } {
  const value = parseJson(text);
  return isJsonObject(value) ? { ok: true, value } : { ok: false, problems: { json: "This is not a JSON object." } };
}

function JsonEditor({
  text,
  problem,
  onInput,
}: {
  readonly text: string;
  readonly problem: string | undefined;
  readonly onInput: (text: string) => void;
}): JSX.Element {
  return (
    <label class="field">
      <span class="label">Arguments as JSON</span>
      <textarea
        class="textarea mono"
        rows={8}
        spellcheck={false}
        value={text}
        aria-invalid={problem !== undefined}
        data-testid="tool-json-text"
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {problem !== undefined && (
        <span class="field-error" role="alert">
          {problem}
        </span>
      )}
    </label>
  );
}
