import { isJsonObject } from "@countersign/protocol/shape";
import type { JSX } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { parseJson } from "../json.ts";
import {
  argumentsOf,
  type Draft,
  type DraftRecord,
  draftOf,
  type Field,
  type FieldProblems,
  fieldsOf,
  isDraftRecord,
  putDraft,
} from "../schema-form.ts";
import { FieldView } from "./field-view.tsx";
import { Icon } from "./icon.tsx";
import { lazyView } from "./lazy-view.tsx";
import { useConsole, useServices } from "./services.ts";
import type { Choice } from "./tool-picker.tsx";

export interface ToolFormProps {
  readonly choice: Choice;
  readonly onBack: () => void;
  readonly onDone: () => void;
}

const ChangedTool = lazyView(async () => (await import("./changed-tool.tsx")).ChangedTool);

/** The arguments of one tool, as a form or as JSON, and the button that runs it. */
export function ToolForm({ choice: chosen, onBack, onDone }: ToolFormProps): JSX.Element {
  // As it is now: the user may just have agreed to a change.
  const latest = useConsole((state) => {
    const listed = state.tools[chosen.connectorId];
    return listed?.state === "ready" ? listed.tools.find((known) => known.name === chosen.tool.name) : undefined;
  });
  const tool = latest ?? chosen.tool;
  const choice = { connectorId: chosen.connectorId, tool };
  const element = useRef<HTMLFormElement>(null);
  const form = useToolForm(choice, onDone);
  useLayoutEffect(() => element.current?.querySelector<HTMLElement>("input, select, textarea, button[type=submit]")?.focus(), []);
  useLayoutEffect(() => element.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus(), [form.problems]);
  return (
    <form ref={element} class="tool-form" data-testid="tool-form" data-tool={tool.name} onSubmit={(event) => void form.submit(event)} noValidate>
      <FormHead choice={choice} onBack={onBack} onClose={onDone} />
      <div class="tool-form-body stack">
        {tool.description !== undefined && <p class="quiet">{tool.description}</p>}
        {tool.changed !== undefined && <ChangedTool connectorId={choice.connectorId} tool={tool} change={tool.changed} />}
        {form.json === undefined ? <Fields form={form} /> : <JsonEditor text={form.json} problem={form.problems["json"]} onInput={form.setJson} />}
        {form.problems[""] !== undefined && (
          <p class="notice notice-bad" role="alert">
            <Icon name="alert" size="small" />
            <span>{form.problems[""]}</span>
          </p>
        )}
      </div>
      <div class="tool-form-foot row between">
        <button type="button" class="button button-quiet" data-testid="tool-json" onClick={form.toggleJson}>
          <Icon name={form.json === undefined ? "code" : "list"} size="small" />
          {form.json === undefined ? "Edit as JSON" : "Back to the form"}
        </button>
        <button type="submit" class="button button-primary" disabled={form.busy || tool.changed !== undefined} data-testid="tool-submit">
          {form.busy ? "Starting" : "Run"}
        </button>
      </div>
    </form>
  );
}

interface FormState {
  readonly fields: readonly Field[];
  readonly draft: DraftRecord;
  /** The arguments as text, while they are edited as JSON. */
  readonly json: string | undefined;
  readonly problems: FieldProblems;
  readonly busy: boolean;
  readonly change: (path: readonly (string | number)[], value: Draft) => void;
  readonly setJson: (text: string) => void;
  readonly toggleJson: () => void;
  readonly submit: (event: Event) => Promise<void>;
}

function useToolForm({ connectorId, tool }: Choice, onDone: () => void): FormState {
  const { console } = useServices();
  const fields = useMemo(() => fieldsOf(tool.inputSchema), [tool]);
  const [draft, setDraft] = useState<DraftRecord>(() => draftOf(fields));
  const [json, setJson] = useState<string>();
  const [problems, setProblems] = useState<FieldProblems>({});
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const read = json === undefined ? argumentsOf(fields, draft) : argumentsOfJson(json);
    setProblems(read.ok ? {} : read.problems);
    if (!read.ok) return;
    setBusy(true);
    const problem = await console.callTool(connectorId, tool, read.value);
    setBusy(false);
    if (problem === undefined) onDone();
    else setProblems({ "": problem.message });
  };
  const toggleJson = (): void => {
    setProblems({});
    const read = argumentsOf(fields, draft);
    setJson(json === undefined ? JSON.stringify(read.ok ? read.value : {}, null, 2) : undefined);
  };
  const change = (path: readonly (string | number)[], value: Draft): void => {
    setDraft((before) => {
      const after = putDraft(before, path, value);
      return isDraftRecord(after) ? after : before;
    });
  };
  return { fields, draft, json, problems, busy, change, setJson, toggleJson, submit };
}

function argumentsOfJson(text: string): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problems: FieldProblems } {
  const value = parseJson(text);
  return isJsonObject(value) ? { ok: true, value } : { ok: false, problems: { json: "This is not a JSON object." } };
}

function FormHead({ choice, onBack, onClose }: { readonly choice: Choice; readonly onBack: () => void; readonly onClose: () => void }): JSX.Element {
  const name = useConsole((state) => state.connectors.find((connector) => connector.id === choice.connectorId)?.name ?? "");
  return (
    <div class="tool-form-head row">
      <button type="button" class="icon-button" aria-label="All tools" onClick={onBack}>
        <Icon name="arrow_left" />
      </button>
      <div class="grow">
        <h2 class="truncate">{choice.tool.title}</h2>
        <p class="small quiet truncate">{name}</p>
      </div>
      <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
        <Icon name="close" />
      </button>
    </div>
  );
}

function Fields({ form }: { readonly form: FormState }): JSX.Element {
  const { fields, draft, problems, change } = form;
  if (fields.length === 0) return <p class="quiet">This tool takes no arguments.</p>;
  return (
    <>
      {fields.map((field) => (
        <FieldView key={field.name} field={field} path={[field.name]} draft={draft[field.name] ?? ""} problems={problems} onChange={change} />
      ))}
    </>
  );
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
