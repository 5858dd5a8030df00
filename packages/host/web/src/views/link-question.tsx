import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Dialog } from "./dialog.tsx";
import { useArmed, useServices } from "./services.ts";

/** Asks before an app's link is opened, and names where it leads. */
export function LinkQuestion(): JSX.Element | null {
  const { prompts } = useServices();
  const [question, setQuestion] = useState(prompts.current);
  useEffect(() => prompts.subscribe(() => setQuestion(prompts.current())), [prompts]);
  if (question === undefined) return null;
  return <Question key={question.url.href} serverName={question.serverName} url={question.url} />;
}

function Question({ serverName, url }: { readonly serverName: string; readonly url: URL }): JSX.Element {
  const { prompts } = useServices();
  const armed = useArmed();
  const open = (): void => {
    if (!armed) return;
    window.open(url.href, "_blank", "noopener,noreferrer");
    prompts.answer(true);
  };
  return (
    <Dialog label="Open a link" testId="link-question" onClose={() => prompts.answer(false)}>
      <div class="dialog-body">
        <h2 class="large">Open {url.host}?</h2>
        <p>{serverName} wants to open this page in a new tab.</p>
        <p class="notice mono">{url.href.slice(0, 300)}</p>
        <div class="dialog-actions">
          <button type="button" class="button" data-testid="link-cancel" onClick={() => prompts.answer(false)}>
            Stay here
          </button>
          <button type="button" class="button button-primary" aria-disabled={!armed} data-testid="link-open" onClick={open}>
            Open
          </button>
        </div>
      </div>
    </Dialog>
  );
}
