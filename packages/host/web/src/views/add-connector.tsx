import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Dialog } from "./dialog.tsx";
import { useServices } from "./services.ts";

/** Asks for a server's address and connects it. */
export function AddConnector({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const { api, store, console } = useServices();
  const [url, setUrl] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!/^https?:\/\//.test(url.trim()) || !URL.canParse(url.trim())) {
      setProblem("Enter the full address, such as https://store.example/mcp");
      return;
    }
    setBusy(true);
    const answer = await api.addConnector(url.trim());
    setBusy(false);
    if (!answer.ok) {
      setProblem(answer.error.message);
      return;
    }
    store.dispatch({ type: "connector", connector: answer.value });
    void console.loadTools(answer.value.id);
    onClose();
  };
  return (
    <Dialog label="Add a connector" testId="add-connector-dialog" onClose={onClose}>
      <form class="dialog-body" onSubmit={(event) => void submit(event)} noValidate>
        <h2 class="large">Add a connector</h2>
        <label class="field">
          <span class="label">Address of the MCP server</span>
          <input
            class="input"
            type="url"
            inputMode="url"
            autoComplete="url"
            placeholder="https://store.example/mcp"
            value={url}
            aria-invalid={problem !== undefined}
            aria-describedby="add-connector-hint"
            data-testid="add-connector-url"
            onInput={(event) => setUrl(event.currentTarget.value)}
          />
          <span id="add-connector-hint" class={problem === undefined ? "hint" : "field-error"} role={problem === undefined ? undefined : "alert"}>
            {problem ?? "You are asked to sign in only when a tool needs it."}
          </span>
        </label>
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button button-primary" disabled={busy} data-testid="add-connector-submit">
            {busy ? "Connecting" : "Connect"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
