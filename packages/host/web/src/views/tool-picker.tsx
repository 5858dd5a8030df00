import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import type { ConsoleState } from "../state.ts";
import { type Connector, isForViews, type Tool } from "../wire.ts";
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

/** All tools of all connectors that match the words, with the connector they belong to; those that are for views only come last. */
export function matchTools(
  connectors: readonly Connector[],
  tools: ConsoleState["tools"],
  words: string,
): readonly (Choice & { readonly connectorName: string })[] {
  const wanted = words
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const found = connectors.flatMap((connector) => {
    const listed = tools[connector.id];
    if (listed?.state !== "ready") return [];
    return listed.tools
      .filter((tool) => {
        if (tool.visibility.size === 0) return false;
        const text = `${tool.title} ${tool.name} ${tool.description ?? ""} ${connector.name}`.toLowerCase();
        return wanted.every((word) => text.includes(word));
      })
      .map((tool) => ({ connectorId: connector.id, connectorName: connector.name, tool }));
  });
  return found.toSorted((a, b) => Number(isForViews(a.tool)) - Number(isForViews(b.tool)));
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

type Found = ReturnType<typeof matchTools>[number];

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
  const search = (text: string): void => {
    setWords(text);
    setAt(0);
  };
  return (
    <div class="picker">
      <div class="row picker-search">
        <Icon name="search" />
        <SearchInput words={words} active={found[at] === undefined ? undefined : `tool-option-${at}`} onWords={search} onKeyDown={onKeyDown} />
        <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <ul class="picker-list" id="tool-options" role="listbox" aria-label="Tools" ref={list}>
        {found.map((choice, index) => (
          <ToolOption
            key={`${choice.connectorId} ${choice.tool.name}`}
            choice={choice}
            id={`tool-option-${index}`}
            selected={index === at}
            onPoint={() => setAt(index)}
            onChoose={() => onChoose(choice)}
          />
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

interface SearchInputProps {
  readonly words: string;
  /** The id of the option that Enter would choose. */
  readonly active: string | undefined;
  readonly onWords: (words: string) => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

function SearchInput({ words, active, onWords, onKeyDown }: SearchInputProps): JSX.Element {
  return (
    <input
      class="picker-input grow"
      type="text"
      role="combobox"
      aria-label="Find a tool"
      aria-expanded="true"
      aria-controls="tool-options"
      aria-activedescendant={active}
      aria-autocomplete="list"
      placeholder="Find a tool"
      autoComplete="off"
      autoFocus
      spellcheck={false}
      data-testid="tool-search"
      value={words}
      onInput={(event) => onWords(event.currentTarget.value)}
      onKeyDown={onKeyDown}
    />
  );
}

interface ToolOptionProps {
  readonly choice: Found;
  readonly id: string;
  readonly selected: boolean;
  readonly onPoint: () => void;
  readonly onChoose: () => void;
}

function ToolOption({ choice, id, selected, onPoint, onChoose }: ToolOptionProps): JSX.Element {
  const { tool, connectorName } = choice;
  return (
    <li
      id={id}
      role="option"
      aria-selected={selected}
      class="picker-option"
      data-testid="tool-option"
      data-tool={tool.name}
      onMouseMove={onPoint}
      onClick={onChoose}
    >
      <span class="avatar" aria-hidden="true">
        {connectorName.slice(0, 1)}
      </span>
      <span class="grow">
        <span class="row snug">
          <span class="strong truncate">{tool.title}</span>
          <SecurityMark tool={tool} />
          {isForViews(tool) && <span class="badge">for views</span>}
        </span>
        <span class="small quiet picker-words">{tool.description ?? tool.name}</span>
      </span>
      <span class="small quiet picker-from truncate">{connectorName}</span>
    </li>
  );
}
