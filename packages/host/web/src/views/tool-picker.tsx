import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import type { ConsoleState } from "../state.ts";
import type { Connector, Tool } from "../wire.ts";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icon.tsx";
import { useConsole } from "./services.ts";
import { ToolForm } from "./tool-form.tsx";
import { SecurityMark } from "./tool-marks.tsx";

export interface Choice {
  readonly connectorId: string;
  readonly tool: Tool;
}

export interface ToolPickerProps {
  /** A tool that was already chosen elsewhere; then its form is shown at once. */
  readonly initial: Choice | undefined;
  readonly onClose: () => void;
}

/** All tools of all connectors that match the words, with the connector they belong to. */
export function matchTools(
  connectors: readonly Connector[],
  tools: ConsoleState["tools"],
  words: string,
): readonly (Choice & { readonly connectorName: string })[] {
  const wanted = words
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return connectors.flatMap((connector) => {
    const listed = tools[connector.id];
    if (listed?.state !== "ready") return [];
    return listed.tools
      .filter((tool) => {
        const text = `${tool.title} ${tool.name} ${tool.description ?? ""} ${connector.name}`.toLowerCase();
        return wanted.every((word) => text.includes(word));
      })
      .map((tool) => ({ connectorId: connector.id, connectorName: connector.name, tool }));
  });
}

/** Finds a tool by words, then asks for its arguments. */
export function ToolPicker({ initial, onClose }: ToolPickerProps): JSX.Element {
  const [chosen, setChosen] = useState(initial);
  return (
    <Dialog label="Use a tool" testId="tool-picker" onClose={onClose} wide>
      {chosen === undefined ? (
        <ToolSearch onChoose={setChosen} onClose={onClose} />
      ) : (
        <ToolForm key={`${chosen.connectorId} ${chosen.tool.name}`} choice={chosen} onBack={() => setChosen(undefined)} onDone={onClose} />
      )}
    </Dialog>
  );
}

function ToolSearch({ onChoose, onClose }: { readonly onChoose: (choice: Choice) => void; readonly onClose: () => void }): JSX.Element {
  const connectors = useConsole((state) => state.connectors);
  const tools = useConsole((state) => state.tools);
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const found = useMemo(() => matchTools(connectors, tools, words), [connectors, tools, words]);
  const loading = Object.values(tools).some((listed) => listed.state === "loading");
  const move = (to: number): void => {
    const next = Math.max(0, Math.min(found.length - 1, to));
    setAt(next);
    list.current?.children[next]?.scrollIntoView({ block: "nearest" });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown") move(at + 1);
    else if (event.key === "ArrowUp") move(at - 1);
    else if (event.key === "Enter" && found[at] !== undefined) onChoose(found[at]);
    else return;
    event.preventDefault();
  };
  return (
    <div class="picker">
      <div class="row picker-search">
        <Icon name="search" />
        <input
          class="picker-input grow"
          type="text"
          role="combobox"
          aria-label="Find a tool"
          aria-expanded="true"
          aria-controls="tool-options"
          aria-activedescendant={found[at] === undefined ? undefined : `tool-option-${at}`}
          aria-autocomplete="list"
          placeholder="Find a tool"
          autoComplete="off"
          spellcheck={false}
          data-testid="tool-search"
          value={words}
          onInput={(event) => {
            setWords(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
          ref={(input) => input?.focus()}
        />
        <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <ul class="picker-list" id="tool-options" role="listbox" aria-label="Tools" ref={list}>
        {found.map((choice, index) => (
          <li
            key={`${choice.connectorId} ${choice.tool.name}`}
            id={`tool-option-${index}`}
            role="option"
            aria-selected={index === at}
            class="picker-option"
            data-testid="tool-option"
            data-tool={choice.tool.name}
            onMouseMove={() => setAt(index)}
            onClick={() => onChoose(choice)}
          >
            <span class="avatar" aria-hidden="true">
              {choice.connectorName.slice(0, 1)}
            </span>
            <span class="grow">
              <span class="row snug">
                <span class="strong truncate">{choice.tool.title}</span>
                <SecurityMark tool={choice.tool} />
              </span>
              <span class="small quiet picker-words">{choice.tool.description ?? choice.tool.name}</span>
            </span>
            <span class="small quiet picker-from truncate">{choice.connectorName}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 && (
        <div class="empty">
          <p>{loading ? "Reading the tools of your connectors" : words === "" ? "No connector offers a tool yet." : `No tool matches “${words}”.`}</p>
        </div>
      )}
    </div>
  );
}
