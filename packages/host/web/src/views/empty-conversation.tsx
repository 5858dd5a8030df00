import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { readTexts } from "../json.ts";
import type { ConsoleState } from "../state.ts";
import type { Connector, Tool } from "../wire.ts";
import { ConnectorDialog } from "./connector-dialog.tsx";
import { Icon } from "./icon.tsx";
import { useConsole, useServices } from "./services.ts";
import { SecurityMark } from "./tool-marks.tsx";

const suggestionsMax = 4;

/** Tools that can be run with one click: they need no arguments and change nothing. */
export function suggestionsOf(
  connectors: readonly Connector[],
  tools: ConsoleState["tools"],
): readonly { readonly connector: Connector; readonly tool: Tool }[] {
  return connectors
    .flatMap((connector) => {
      const listed = tools[connector.id];
      return listed?.state === "ready" ? listed.tools.map((tool) => ({ connector, tool })) : [];
    })
    .filter(({ tool }) => tool.readOnly && readTexts(tool.inputSchema["required"]).length === 0)
    .slice(0, suggestionsMax);
}

/** What is shown before anything was said: what to do first. */
export function EmptyConversation(): JSX.Element {
  const phase = useConsole((state) => state.phase);
  const model = useConsole((state) => state.model);
  const none = useConsole((state) => state.phase === "ready" && state.connectors.length === 0);
  const [adding, setAdding] = useState(false);
  if (phase === "failed") return <FailedStart />;
  return (
    <div class="welcome">
      <span class="welcome-mark">
        <Icon name="countersign" size="large" />
      </span>
      <h2 class="large">{none ? "Nothing is connected yet" : model === undefined ? "What would you like to do?" : "How can I help?"}</h2>
      <p class="quiet welcome-words">
        {none
          ? "Connect an MCP server to use its tools here. You are asked to sign in only when a tool needs it."
          : "Use the tools of your connected apps. You are asked to sign in only when a tool needs it, and every payment is approved by you."}
      </p>
      {none ? (
        <button type="button" class="button button-primary" onClick={() => setAdding(true)}>
          Add a connector
        </button>
      ) : (
        <Suggestions />
      )}
      {adding && <ConnectorDialog connectorId={undefined} onClose={() => setAdding(false)} />}
    </div>
  );
}

/** The host did not answer when the page was opened. */
function FailedStart(): JSX.Element {
  const { console } = useServices();
  const problem = useConsole((state) => state.problem);
  return (
    <div class="welcome" role="alert" data-testid="session-failed">
      <span class="seal seal-bad">
        <Icon name="alert" size="large" />
      </span>
      <h2 class="large">The console could not start</h2>
      <p class="quiet welcome-words">{problem}</p>
      <button type="button" class="button" onClick={() => void console.start()}>
        Try again
      </button>
    </div>
  );
}

function Suggestions(): JSX.Element {
  const { console, store } = useServices();
  const connectors = useConsole((state) => state.connectors);
  const tools = useConsole((state) => state.tools);
  const loading = useConsole((state) => state.phase === "loading" || Object.values(state.tools).some((listed) => listed.state === "loading"));
  const [busy, setBusy] = useState(false);
  const suggestions = suggestionsOf(connectors, tools);
  const run = async (connector: Connector, tool: Tool): Promise<void> => {
    setBusy(true);
    const problem = await console.callTool(connector.id, tool, {});
    setBusy(false);
    if (problem === undefined) return;
    const text = `${tool.title} was not started. ${problem.message}`;
    store.dispatch({ type: "said", entry: { kind: "said", id: crypto.randomUUID(), by: "console", name: "Countersign", text } });
  };
  return (
    <div class="row snug wrap welcome-chips">
      {suggestions.map(({ connector, tool }) => (
        <button
          key={`${connector.id} ${tool.name}`}
          type="button"
          class="chip"
          disabled={busy}
          data-testid="suggestion"
          data-tool={tool.name}
          onClick={() => void run(connector, tool)}
        >
          {tool.title}
          <SecurityMark tool={tool} />
        </button>
      ))}
      {suggestions.length === 0 && loading && [0, 1, 2].map((index) => <span key={index} class="skeleton chip-skeleton" />)}
    </div>
  );
}
