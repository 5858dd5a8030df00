import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { saveFile } from "../save-file.ts";
import { exportTrace, type TraceFormat } from "../trace-export.ts";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icon.tsx";
import { useConsole, useServices } from "./services.ts";

const formats: readonly { readonly format: TraceFormat; readonly label: string; readonly words: string }[] = [
  { format: "json", label: "JSON", words: "Every step with its messages. The form is stable: its name stands in “schema”." },
  { format: "mermaid", label: "Diagram", words: "A Mermaid sequence diagram. GitHub and most editors draw it." },
];

/** Asks in which form a trace is wanted, shows it, and copies or saves it. What is secret was masked before it came here. */
export function TraceExport({ callId, onClose }: { readonly callId: string; readonly onClose: () => void }): JSX.Element {
  const { console } = useServices();
  const children = useConsole((state) => state.childCalls[callId]) ?? [];
  const [format, setFormat] = useState<TraceFormat>("json");
  const [whole, setWhole] = useState(true);
  useEffect(() => {
    for (const id of [callId, ...children]) void console.loadTrace(id);
  }, [callId, children.length]);
  const chosen = formats.find((each) => each.format === format);
  return (
    <Dialog label="Export the trace" testId="trace-export" onClose={onClose} wide>
      <div class="stack snug trace-export">
        <div class="row between">
          <h2>Export the trace</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </div>
        <fieldset class="row wrap trace-forms">
          <legend class="visually-hidden">Form</legend>
          {formats.map((each) => (
            <label key={each.format} class="row tight">
              <input
                type="radio"
                name="trace-format"
                checked={each.format === format}
                data-testid={`trace-format-${each.format}`}
                onChange={() => setFormat(each.format)}
              />
              {each.label}
            </label>
          ))}
        </fieldset>
        <p class="small quiet">{chosen?.words}</p>
        {children.length > 0 && (
          <label class="row tight small">
            <input type="checkbox" checked={whole} data-testid="trace-whole" onChange={(event) => setWhole(event.currentTarget.checked)} />
            With {children.length === 1 ? "the call" : `the ${children.length} calls`} of its view
          </label>
        )}
        <Preview callIds={whole ? [callId, ...children] : [callId]} format={format} />
      </div>
    </Dialog>
  );
}

function Preview({ callIds, format }: { readonly callIds: readonly string[]; readonly format: TraceFormat }): JSX.Element {
  const calls = useConsole((state) => state.calls);
  const childCalls = useConsole((state) => state.childCalls);
  const connectors = useConsole((state) => state.connectors);
  const traces = useConsole((state) => state.traces);
  const ladders = useConsole((state) => state.ladders);
  const [openedAt] = useState(() => Date.now());
  const [said, setSaid] = useState("");
  const { name, type, text } = exportTrace({ calls, childCalls, connectors, traces, ladders }, callIds, format, openedAt);
  const copy = async (): Promise<void> => {
    const copied = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
    setSaid(copied ? "Copied." : "The browser does not let this page copy. Select the text instead.");
  };
  const download = (): void => {
    saveFile(name, new Blob([text], { type }));
    setSaid("Saved.");
  };
  return (
    <>
      <pre class="trace-text mono small" tabIndex={0} role="region" aria-label="The trace as text" data-testid="trace-text">
        {text}
      </pre>
      <div class="row snug wrap">
        <button type="button" class="button button-primary" data-testid="trace-copy" onClick={() => void copy()}>
          <Icon name="copy" size="small" />
          Copy
        </button>
        <button type="button" class="button" data-testid="trace-download" onClick={download}>
          <Icon name="download" size="small" />
          Download
        </button>
        <span class="small quiet" role="status">
          {said}
        </span>
      </div>
      <p class="small quiet">Arguments, results, tokens and codes are masked in it. Names of tools, servers and accesses are not.</p>
    </>
  );
}
