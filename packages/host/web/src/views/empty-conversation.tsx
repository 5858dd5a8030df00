import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { readTexts } from "../json.ts";
import type { ConsoleState } from "../state.ts";
import type { Connector, Tool } from "../wire.ts";
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
  const { console, store } = useServices();
  const phase = useConsole((state) => state.phase);
  const model = useConsole((state) => state.model);
  const connectors = useConsole((state) => state.connectors);
  const tools = useConsole((state) => state.tools);
  const [busy, setBusy] = useState(false);
  const suggestions = suggestionsOf(connectors, tools);
  const loading = phase === "loading" || Object.values(tools).some((listed) => listed.state === "loading");
  const run = async (connector: Connector, tool: Tool): Promise<void> => {
    setBusy(true);
    const problem = await console.callTool(connector.id, tool, {});
    setBusy(false);
    if (problem === undefined) return;
    const text = `${tool.title} was not started. ${problem.message}`;
    store.dispatch({ type: "said", append: false, entry: { kind: "said", id: crypto.randomUUID(), by: "console", name: "Countersign", text } });
  };
  return (
    <div class="welcome">
      <span class="welcome-mark">
        <Icon name="countersign" size="large" />
      </span>
      <h2 class="large">{model === undefined ? "What would you like to do?" : "How can I help?"}</h2>
      <p class="quiet welcome-words">
        {connectors.length === 0 && phase === "ready"
          ? "Add a connector on the left to use its tools here."
          : "Use the tools of your connected apps. You are asked to sign in only when a tool needs it, and every payment is approved by you."}
      </p>
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
    </div>
  );
}
