import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { fileBytesMax } from "../bridge/uploads.ts";
import { formatBytes } from "../format.ts";
import type { FileChoice, FilesQuestion } from "../prompts.ts";
import { Dialog } from "./dialog.tsx";
import { useArmed, useServices } from "./services.ts";

const choicesMax = 10;

/** Lets the user choose which files an app gets: those it has already, and others of this device. */
export function FileQuestion({ question }: { readonly question: FilesQuestion }): JSX.Element {
  const { prompts } = useServices();
  const armed = useArmed();
  const [choices, setChoices] = useState<readonly FileChoice[]>([]);
  const [problem, setProblem] = useState<string>();
  const isChosen = (fileId: string): boolean => choices.some((choice) => choice.kind === "stored" && choice.file.fileId === fileId);
  const toggle = (fileId: string): void => {
    const file = question.stored.find((each) => each.fileId === fileId);
    if (file === undefined) return;
    const others = choices.filter((choice) => choice.kind !== "stored" || choice.file.fileId !== fileId);
    setChoices(isChosen(fileId) ? others : [...others, { kind: "stored", file }]);
  };
  const addFromDevice = async (list: FileList | null): Promise<void> => {
    const files = [...(list ?? [])].slice(0, choicesMax);
    const fitting = files.filter((file) => file.size > 0 && file.size <= fileBytesMax);
    setProblem(fitting.length < files.length ? `A file may have at most ${formatBytes(fileBytesMax)} and is not empty.` : undefined);
    const added = await Promise.all(
      fitting.map(async (file): Promise<FileChoice> => {
        const bytes = new Uint8Array(await file.arrayBuffer());
        return { kind: "new", file: { name: file.name, type: file.type, bytes } };
      }),
    );
    setChoices([...choices.filter((choice) => choice.kind === "stored"), ...added].slice(0, choicesMax));
  };
  const give = (): void => {
    if (armed && choices.length > 0) prompts.files.answer(choices);
  };
  return (
    <Dialog label="Choose files" testId="file-question" onClose={() => prompts.files.answer([])}>
      <div class="dialog-body">
        <h2 class="large">Give files to {question.serverName}?</h2>
        {question.stored.length > 0 && (
          <fieldset class="stack tight">
            <legend class="small quiet">The app has these already</legend>
            {question.stored.map((file) => (
              <label key={file.fileId} class="row snug">
                <input type="checkbox" checked={isChosen(file.fileId)} onChange={() => toggle(file.fileId)} />
                <span class="truncate">{file.fileName}</span>
              </label>
            ))}
          </fieldset>
        )}
        <label class="stack tight">
          <span class="small quiet">From this device</span>
          <input type="file" multiple data-testid="file-input" onChange={(event) => void addFromDevice(event.currentTarget.files)} />
        </label>
        {problem !== undefined && (
          <p class="field-error" role="alert">
            {problem}
          </p>
        )}
        <div class="dialog-actions">
          <button type="button" class="button" data-testid="file-cancel" onClick={() => prompts.files.answer([])}>
            Cancel
          </button>
          <button type="button" class="button button-primary" aria-disabled={!armed || choices.length === 0} data-testid="file-give" onClick={give}>
            {choices.length === 0 ? "Give files" : `Give ${choices.length}`}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
