import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Asking, Question } from "../prompts.ts";
import { formatBytes } from "../format.ts";
import { Dialog } from "./dialog.tsx";
import { lazyView } from "./lazy-view.tsx";
import { useArmed, useServices } from "./services.ts";

const FileQuestion = lazyView(async () => (await import("./file-question.tsx")).FileQuestion);

/** Whatever an app asks for that the user decides, one at a time and in the host's own layer. */
export function Questions(): JSX.Element {
  const { prompts } = useServices();
  const question = useQuestion(prompts);
  const files = useQuestion(prompts.files);
  return (
    <>
      {question?.kind === "link" && <LinkQuestion key={question.url.href} question={question} />}
      {question?.kind === "download" && <DownloadQuestion question={question} />}
      {question?.kind === "sampling" && <SamplingQuestion question={question} />}
      {files !== undefined && <FileQuestion question={files} />}
    </>
  );
}

function useQuestion<Q, A>(asking: Asking<Q, A>): Q | undefined {
  const [question, setQuestion] = useState(asking.current);
  useEffect(() => asking.subscribe(() => setQuestion(() => asking.current())), [asking]);
  return question;
}

/** Asks before an app's link is opened, and names where it leads. */
function LinkQuestion({ question }: { readonly question: Extract<Question, { kind: "link" }> }): JSX.Element {
  const { url, serverName } = question;
  const open = (): void => void window.open(url.href, "_blank", "noopener,noreferrer");
  return (
    <YesNo id="link" label="Open a link" title={`Open ${url.host}?`} no="Stay here" yes="Open" onYes={open}>
      <p>{serverName} wants to open this page in a new tab.</p>
      <p class="notice mono">{url.href.slice(0, 300)}</p>
    </YesNo>
  );
}

function DownloadQuestion({ question }: { readonly question: Extract<Question, { kind: "download" }> }): JSX.Element {
  const { files, serverName } = question;
  const title = files.length === 1 ? "Save a file?" : `Save ${files.length} files?`;
  return (
    <YesNo id="download" label="Save files" title={title} no="Do not save" yes="Save">
      <p>{serverName} wants to save on your device:</p>
      <ul class="notice stack tight">
        {files.map((file) => (
          <li key={file.name} class="truncate">
            {file.name.slice(0, 120)} <span class="quiet small">{formatBytes(file.bytes)}</span>
          </li>
        ))}
      </ul>
    </YesNo>
  );
}

function SamplingQuestion({ question }: { readonly question: Extract<Question, { kind: "sampling" }> }): JSX.Element {
  return (
    <YesNo id="sampling" label="Ask the model" title="Ask the model for the app?" no="Do not ask" yes="Ask">
      <p>{question.serverName} wants to put this to the model that you use here. The app gets the answer; it sees nothing of your conversation.</p>
      <p class="notice result-text">{question.text.slice(0, 2000)}</p>
    </YesNo>
  );
}

interface YesNoProps {
  readonly id: string;
  readonly label: string;
  readonly title: string;
  readonly no: string;
  readonly yes: string;
  readonly onYes?: () => void;
  readonly children: ComponentChildren;
}

/** A question that is answered with a button; "yes" cannot be pressed in its first half second (V07). */
function YesNo({ id, label, title, no, yes, onYes, children }: YesNoProps): JSX.Element {
  const { prompts } = useServices();
  const armed = useArmed();
  const agree = (): void => {
    if (!armed) return;
    onYes?.();
    prompts.answer(true);
  };
  return (
    <Dialog label={label} testId={`${id}-question`} onClose={() => prompts.answer(false)}>
      <div class="dialog-body">
        <h2 class="large">{title}</h2>
        {children}
        <div class="dialog-actions">
          <button type="button" class="button" data-testid={`${id}-cancel`} onClick={() => prompts.answer(false)}>
            {no}
          </button>
          <button type="button" class="button button-primary" aria-disabled={!armed} data-testid={`${id}-open`} onClick={agree}>
            {yes}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
